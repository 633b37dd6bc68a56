"""The daemon at work under `up`: dropped files reach the marts, each day once; what is queued survives a kill."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from sales_platform_tests.acceptance.conftest import Command
from sales_platform_tests.acceptance.test_up import LAUNCH, STORES, Up, eventually, up

__all__ = ["up"]

RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
MART = "select _partition, xmin::text, ctid::text, t::text from marts.retail_sales_daily as t order by 1, 4"


def runs(running: Up) -> list[tuple[str, str]]:
    """Status and first day of every run, the oldest first."""
    found = running.ask(RUNS)["runsOrError"]["results"]
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in found]
    days = [tag.get("dagster/asset_partition_range_start", tag.get("dagster/partition", "")) for tag in tags]
    return [(run["status"], day) for run, day in zip(found, days, strict=True)][::-1]


def drop_late(data: Path, known: date, late: date, lines: int) -> None:
    """A file for a day from the first lines of another day's."""
    text = (data / f"{known:%Y/%m/%d}/sales.csv").read_text(encoding="utf-8")
    shifted = text.replace(f"{known:%Y%m%d}", f"{late:%Y%m%d}").replace(str(known), str(late))
    place = data / f"{late:%Y/%m/%d}"
    place.mkdir(parents=True)
    (place / "sales.csv").write_text(
        "".join(shifted.splitlines(keepends=True)[: lines + 1]), encoding="utf-8"
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dropped_files_reach_the_marts_and_a_late_one_of_last_week_touches_its_day_alone(
    command: Command, up: Callable[..., Up]
) -> None:
    command("simulate", "retail", "--days", "2")
    data = command.folder / "data/retail/sales"
    newest = max(date(*map(int, file.parts[-4:-1])) for file in data.rglob("sales.csv"))
    late = newest - timedelta(days=6)
    running = up()
    warehouse = command("url", "warehouse").strip()

    def marts() -> dict[str, list[tuple[str, ...]]]:
        with psycopg.connect(warehouse) as connection:
            try:
                found = connection.execute(MART).fetchall()
            except psycopg.errors.UndefinedTable:
                return {}
        return {
            day: [row[1:] for row in found if str(row[0]) == day] for day in {str(row[0]) for row in found}
        }

    def quiet() -> bool:
        return all(status in ENDED for status, _ in runs(running))

    days = {str(newest), str(newest - timedelta(days=1))}
    eventually(lambda: set(marts()) == days and quiet(), 400, lambda: f"{runs(running)} {running.text}")
    before, ran = marts(), len(runs(running))
    assert {status for status, _ in runs(running)} == {"SUCCESS"}

    drop_late(data, newest, late, 30)
    eventually(lambda: str(late) in marts() and quiet(), 300, lambda: f"{runs(running)} {running.text}")

    after = marts()
    assert {day: after[day] for day in days} == before
    assert [day for _, day in runs(running)[ran:]] == [str(late)]
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_was_queued_when_everything_was_killed_is_done_after_the_next_start(
    command: Command, up: Callable[..., Up]
) -> None:
    command("simulate", "retail", "--days", "1")
    command.settings["AUTOMATION"] = "off"
    first = up()
    run_id = first.ask(LAUNCH, params=STORES)["launchRun"]["run"]["runId"]
    first.process.kill()
    first.process.wait()

    second = up()

    eventually(lambda: second.status(run_id) in ENDED, 200, lambda: second.status(run_id))
    statuses = [status for status, _ in runs(second)]
    assert statuses[-1] == "SUCCESS", statuses
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(60) == 0
