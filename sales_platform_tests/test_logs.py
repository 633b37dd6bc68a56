"""What reaches the console and the JSON files, and what must not."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sales_platform import logs
from sales_platform.errors import DataRefused
from sales_platform.settings import Settings

log = logging.getLogger("sales_platform.test")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with logging set up; taken down afterwards, for the tests that share this process."""
    before = logging.getLogger(logs.PLATFORM).level
    chosen = Settings(home=tmp_path)
    logs.set_up(chosen, "test")
    yield chosen
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logs.ConsoleHandler | logs.ProcessFileHandler):
            logging.getLogger().removeHandler(handler)
            handler.close()
    logging.getLogger(logs.PLATFORM).setLevel(before)


def entries(settings: Settings) -> list[dict[str, object]]:
    text = (settings.logs / f"test-{os.getpid()}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_the_console_shows_time_level_name_and_message(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("three files")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \| INFO    \| sales_platform\.test \| three files\n",
        shown.err,
    )


def test_debug_lines_are_in_the_file_but_not_on_the_console(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    log.debug("details")
    assert capsys.readouterr().err == ""
    assert [entry["message"] for entry in entries(settings)] == ["details"]


def test_the_file_has_one_json_object_per_line_with_extra_fields(settings: Settings) -> None:
    log.info("loaded", extra={"feed": "retail/sales", "rows_read": 278, "seconds": 0.5})
    (entry,) = entries(settings)
    moment = datetime.fromisoformat(str(entry.pop("time")))
    assert abs(datetime.now(UTC) - moment).total_seconds() < 60
    assert entry == {
        "level": "INFO",
        "name": "sales_platform.test",
        "message": "loaded",
        "process": "test",
        "pid": os.getpid(),
        "feed": "retail/sales",
        "rows_read": 278,
        "seconds": 0.5,
    }


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:geheim@host:5432/db",
        "postgresql+psycopg2://me:geheim@host/db",
        "postgresql://me:ge@heim@host/db",
        "postgresql://host/db?user=me&password=geheim&sslmode=require",
        "host=h password=geheim dbname=x",
        "two: amqp://a:geheim@b and s3://c:geheim@d",
        "AccountName=shop;AccountKey=geheim+/==;EndpointSuffix=core.windows.net",
        "BlobEndpoint=https://shop;SharedAccessSignature=sv=2025-11-05&sig=geheim",
        "GET /backups/a?sv=2025-11-05&sig=geheim%3D&se=2026 failed",
    ],
)
def test_passwords_are_masked_everywhere(
    settings: Settings, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    log.warning("connecting to %s", text, extra={"url": text})
    written = capsys.readouterr().err + (settings.logs / f"test-{os.getpid()}.jsonl").read_text()
    assert "geheim" not in written
    assert "heim@" not in written
    assert "***" in written


def test_an_exception_is_logged_by_type_and_place_without_its_words(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        int("ann@example.org")
    except ValueError:
        log.exception("a row was refused")
    written = capsys.readouterr().err + str(entries(settings)[0]["exception"])
    assert written.count("builtins.ValueError") == 2
    assert written.count("test_logs.py:") == 2
    assert "ann@example.org" not in written


def test_an_error_of_the_platform_is_logged_with_its_words(settings: Settings) -> None:
    try:
        raise DataRefused("12 of 20 rows were rejected.", where="retail/sales")
    except DataRefused:
        log.exception("stopped")
    assert "retail/sales: 12 of 20 rows were rejected." in str(entries(settings)[0]["exception"])


def test_setting_up_twice_writes_every_line_once(settings: Settings) -> None:
    logs.set_up(settings, "test")
    log.info("once")
    assert len(entries(settings)) == 1


def test_a_process_without_a_line_leaves_no_file(settings: Settings) -> None:
    assert not settings.logs.exists()


def test_a_full_file_is_rotated(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 1_000)
    logs.set_up(settings, "test")
    for _ in range(50):
        log.debug("x" * 100)
    names = sorted(path.name.partition(".")[2] for path in settings.logs.iterdir())
    assert names == ["jsonl", "jsonl.1", "jsonl.2", "jsonl.3"]


def test_files_of_processes_long_gone_are_cleared_away(settings: Settings) -> None:
    settings.logs.mkdir()
    for name, days in (("old-1.jsonl", 20), ("recent-2.jsonl", 2)):
        (settings.logs / name).write_text("{}\n")
        moment = datetime.now(UTC).timestamp() - days * 86_400
        os.utime(settings.logs / name, (moment, moment))
    log.info("first line")
    assert sorted(path.name for path in settings.logs.iterdir()) == [
        "recent-2.jsonl",
        f"test-{os.getpid()}.jsonl",
    ]
