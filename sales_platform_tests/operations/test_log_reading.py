"""Several processes' logs as one stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sales_platform.operations.log_reading import LogReader, read_logs
from sales_platform.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "logs").mkdir()
    return Settings(home=tmp_path)


def write(settings: Settings, name: str, *entries: tuple[int, str]) -> None:
    with (settings.logs / name).open("a") as file:
        for second, message in entries:
            moment = f"2026-01-01T00:00:{second:02}.000Z"
            entry = {"time": moment, "level": "INFO", "name": "sales_platform", "message": message}
            file.write(json.dumps(entry) + "\n")


def messages(lines: list[str]) -> list[str]:
    return [line.rsplit(" | ", 1)[1] for line in lines]


def test_lines_of_all_processes_come_in_the_order_of_time(settings: Settings) -> None:
    write(settings, "run-1.jsonl", (1, "first"), (4, "fourth"))
    write(settings, "up-2.jsonl", (2, "second"), (3, "third"))
    assert messages(list(read_logs(settings, 10))) == ["first", "second", "third", "fourth"]


def test_the_form_is_that_of_the_console(settings: Settings) -> None:
    write(settings, "run-1.jsonl", (1, "first"))
    assert list(read_logs(settings, 10)) == ["2026-01-01T00:00:01.000Z | INFO    | sales_platform | first"]


def test_only_the_last_lines_are_shown(settings: Settings) -> None:
    write(settings, "run-1.jsonl", *((second, f"line {second}") for second in range(30)))
    assert messages(list(read_logs(settings, 2))) == ["line 28", "line 29"]


def test_no_log_yet_is_no_line(tmp_path: Path) -> None:
    assert list(read_logs(Settings(home=tmp_path / "none"), 10)) == []


def test_following_shows_what_is_new_once_across_rotation_and_new_files(settings: Settings) -> None:
    reader = LogReader(settings.logs)
    write(settings, "run-1.jsonl", (1, "first"))
    assert messages(reader.new_lines()) == ["first"]
    write(settings, "run-1.jsonl", (2, "second"))
    (settings.logs / "run-1.jsonl").rename(settings.logs / "run-1.jsonl.1")
    write(settings, "run-1.jsonl", (3, "third"))
    write(settings, "up-2.jsonl", (4, "fourth"))
    assert messages(reader.new_lines()) == ["second", "third", "fourth"]
    assert reader.new_lines() == []


def test_a_line_that_is_still_being_written_is_shown_when_it_is_whole(settings: Settings) -> None:
    write(settings, "run-1.jsonl", (1, "first"))
    path = settings.logs / "run-1.jsonl"
    whole = path.read_text()
    path.write_text(whole[:20])
    reader = LogReader(settings.logs)
    assert reader.new_lines() == []
    with path.open("a") as file:
        file.write(whole[20:])
    assert messages(reader.new_lines()) == ["first"]


def test_a_broken_line_is_said_with_its_file(settings: Settings) -> None:
    (settings.logs / "run-1.jsonl").write_text('{"time": "20\n[]\n')
    lines = list(read_logs(settings, 10))
    assert len(lines) == 2
    assert all("run-1.jsonl" in line and "WARNING" in line for line in lines)


def test_an_exception_follows_its_line(settings: Settings) -> None:
    entry = {"time": "t", "level": "ERROR", "name": "n", "message": "m", "exception": "builtins.ValueError"}
    (settings.logs / "run-1.jsonl").write_text(json.dumps(entry) + "\n")
    assert list(read_logs(settings, 1)) == ["t | ERROR   | n | m\nbuiltins.ValueError"]
