"""The sensor of a file feed: which files ask for a run, when they wait, and what the run is asked for."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from sales_platform.components import launching
from sales_platform.components.file_decisions import decide, spare, stretches, taken
from sales_platform.components.file_sensor import file_sensor
from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import DataRefused
from sales_platform.resources import SourceFilesResource, WarehouseResource

PARTS = FileFeedContract.model_validate(
    {
        "domain": "shop",
        "table": "parts",
        "description": "Parts",
        "path": "parts/*.csv",
        "partitions": "per_file",
        "key": ["id"],
        "columns": {"id": {"type": "bigint"}},
    }
)
DAYS = FileFeedContract.model_validate(
    {
        "domain": "shop",
        "table": "days",
        "description": "Days",
        "path": "days/{partition:%Y/%m/%d}.csv",
        "partitions": "daily",
        "key": ["id"],
        "columns": {"id": {"type": "bigint"}},
    }
)
FOLDERS = DAYS.model_copy(update={"path": "days/{partition:%Y/%m/%d}/day.csv"})

LIST = FileFeedContract.model_validate(
    {
        "domain": "shop",
        "table": "list",
        "description": "A list",
        "path": "list.csv",
        "partitions": "none",
        "key": ["id"],
        "columns": {"id": {"type": "bigint"}},
    }
)


def test_a_file_is_due_once_two_looks_saw_it_alike() -> None:
    first = decide({}, {}, {"a.csv": "10"})
    assert (first.due, first.waiting) == ((), ("a.csv",))
    growing = decide(first.known, {"a.csv": "10"}, {"a.csv": "20"})
    assert (growing.due, growing.waiting) == ((), ("a.csv",))
    still = decide(growing.known, {"a.csv": "20"}, {"a.csv": "20"})
    assert (still.due, still.known) == (("a.csv",), {"a.csv": "20"})
    again = decide(still.known, {"a.csv": "20"}, {"a.csv": "20"})
    assert (again.due, again.waiting, again.gone) == ((), (), ())


def test_a_changed_file_is_due_again_and_a_removed_one_is_told_and_forgotten() -> None:
    changed = decide({"a.csv": "10"}, {"a.csv": "11"}, {"a.csv": "11"})
    assert changed.due == ("a.csv",)
    removed = decide({"a.csv": "11"}, {"a.csv": "11"}, {})
    assert (removed.gone, removed.known) == (("a.csv",), {})


def test_partitions_that_follow_one_another_are_one_run() -> None:
    assert stretches(["c", "a", "d"], ["a", "b", "c", "d"]) == [("a", "a"), ("c", "d")]


def test_what_is_loaded_or_under_way_is_not_asked_for_and_the_latter_is_looked_at_again() -> None:
    due = decide({}, {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "1", "c": "1"})
    spared = spare(due, loaded={"a"}, busy={"a", "b"})
    assert (spared.due, spared.busy, spared.known) == (("c",), ("b",), {"a": "1", "c": "1"})
    again = decide(spared.known, {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "1", "c": "1"})
    assert again.due == ("b",)


def test_a_run_takes_the_partitions_of_its_range_and_every_list_of_its_domain() -> None:
    order = ["part2", "part9", "part10"]
    assert taken(["part9"], order, [("part2", "part10")], undated=False) == {"part9"}
    assert taken(["part9"], order, [("part2", "part2"), None, ("gone", "gone")], undated=False) == set()
    assert taken([""], [], [None], undated=True) == {""}
    assert taken([""], [], [], undated=True) == set()


class Ticks:
    """A sensor over real files and a real warehouse, tick by tick."""

    def __init__(self, feed: FileFeedContract, warehouse_url: str, data: Path) -> None:
        self.feed, self.data, self.warehouse = feed, data, Warehouse(warehouse_url)
        self.instance = dg.DagsterInstance.ephemeral()
        self.sensor = file_sensor(feed)
        self.resources = {
            "warehouse": WarehouseResource(url=warehouse_url),
            "source_files": SourceFilesResource(folder=str(data)),
        }
        self.cursor: str | None = None

    def put(self, path: str, content: str = "id\n1\n") -> None:
        place = self.data / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)

    def tick(self) -> dg.SensorResult:
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources=self.resources, definitions=dg.Definitions()
        )
        result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
        return result

    def asked(self) -> list[tuple[str | None, str | None]]:
        requests = self.tick().run_requests or []
        return [
            (
                r.tags.get("dagster/asset_partition_range_start"),
                r.tags.get("dagster/asset_partition_range_end"),
            )
            for r in requests
        ]


@pytest.fixture
def parts(warehouse_url: str, tmp_path: Path) -> Ticks:
    return Ticks(PARTS, warehouse_url, tmp_path)


def test_new_files_are_registered_in_the_order_of_their_names_and_asked_for_as_one_range(
    parts: Ticks,
) -> None:
    for name in ("part10.csv", "part9.csv", "part2.csv"):
        parts.put(f"parts/{name}")
    assert parts.asked() == []
    assert parts.asked() == [("part2.csv", "part10.csv")]
    assert parts.instance.get_dynamic_partitions("shop_parts") == ["part2.csv", "part9.csv", "part10.csv"]
    assert parts.asked() == []


def test_what_the_warehouse_holds_at_the_first_look_is_not_loaded_again(parts: Ticks) -> None:
    parts.put("parts/old.csv")
    load_files(parts.warehouse, PARTS, [locate(parts.data, PARTS.path, "old.csv")])
    parts.put("parts/new.csv")
    parts.tick()
    assert parts.asked() == [("new.csv", "new.csv")]


def test_a_file_that_grows_waits_and_says_so(parts: Ticks) -> None:
    parts.put("parts/a.csv")
    parts.tick()
    parts.put("parts/a.csv", "id\n1\n2\n")
    assert "still being written: a.csv" in str(parts.tick().skip_reason)
    assert parts.asked() == [("a.csv", "a.csv")]


def test_a_removed_file_is_reported(parts: Ticks) -> None:
    parts.put("parts/a.csv")
    parts.tick()
    parts.tick()
    os.remove(parts.data / "parts/a.csv")
    assert "no longer there: a.csv" in str(parts.tick().skip_reason)


def test_late_days_are_one_run_per_unbroken_stretch_and_today_waits_for_its_end(
    warehouse_url: str, tmp_path: Path
) -> None:
    ticks = Ticks(DAYS, warehouse_url, tmp_path)
    today = datetime.now(UTC).date()
    for day in (today - timedelta(days=n) for n in (0, 5, 6, 9)):
        ticks.put(f"days/{day:%Y/%m/%d}.csv")
    ticks.tick()
    ago = [(today - timedelta(days=n)).isoformat() for n in range(10)]
    assert ticks.asked() == [(ago[9], ago[9]), (ago[6], ago[5])]


def test_a_day_before_the_first_partition_asks_for_no_run(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(DAYS, warehouse_url, tmp_path)
    monkeypatch.setenv("PARTITIONS_START", "2026-02-01")
    for day in ("2026/01/31", "2026/02/01"):
        ticks.put(f"days/{day}.csv")
    ticks.tick()
    assert ticks.asked() == [("2026-02-01", "2026-02-01")]


def test_a_link_out_of_the_data_folder_is_told_and_holds_up_no_other_file(
    parts: Ticks, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("id\n1\n")
    parts.data = tmp_path / "data"
    parts.resources["source_files"] = SourceFilesResource(folder=str(parts.data))
    parts.put("parts/b.csv")
    (parts.data / "parts/a.csv").symlink_to(tmp_path / "secret.csv")
    assert "cannot be read: parts/a.csv: The path leads out" in str(parts.tick().skip_reason)
    assert parts.asked() == [("b.csv", "b.csv")]


def test_a_loaded_file_that_changed_before_the_first_look_is_loaded_again(parts: Ticks) -> None:
    parts.put("parts/a.csv")
    parts.put("parts/b.csv")
    for name in ("a.csv", "b.csv"):
        load_files(parts.warehouse, PARTS, [locate(parts.data, PARTS.path, name)])
    parts.put("parts/b.csv", "id\n2\n")
    parts.tick()
    assert parts.asked() == [("b.csv", "b.csv")]


@pytest.mark.parametrize("feed", [PARTS, LIST])
def test_a_file_that_is_put_back_as_it_was_after_a_bad_one_is_loaded_once_more_so_that_all_is_well(
    feed: FileFeedContract, warehouse_url: str, tmp_path: Path
) -> None:
    feed = feed.model_copy(update={"reject_limit": Decimal(0)})
    ticks = Ticks(feed, warehouse_url, tmp_path)
    path, name = ("parts/a.csv", "a.csv") if feed.partitions == "per_file" else ("list.csv", None)

    def load() -> None:
        load_files(ticks.warehouse, feed, [locate(ticks.data, feed.path, name)])

    ticks.put(path, "id\n1\n")
    load()
    ticks.put(path, "id\nno number\n")
    with pytest.raises(DataRefused):
        load()
    ticks.put(path, "id\n1\n")
    ticks.tick()
    assert ticks.tick().run_requests
    load()
    ticks.cursor = None
    ticks.tick()
    assert not ticks.tick().run_requests


def test_files_that_no_feed_reads_are_told(parts: Ticks) -> None:
    for path in ("parts/a.csv", "parts/a.csv.gz", "parts/notes.txt", "parts/.hidden", "parts/old/b.csv"):
        parts.put(path)
    assert "read by no feed: parts/a.csv.gz, parts/notes.txt" in str(parts.tick().skip_reason)
    assert parts.asked() == [("a.csv", "a.csv")]


def test_a_second_file_in_the_folder_of_a_day_and_a_day_that_has_not_ended_are_told(
    warehouse_url: str, tmp_path: Path
) -> None:
    ticks = Ticks(FOLDERS, warehouse_url, tmp_path)
    future = datetime.now(UTC).date() + timedelta(days=400)
    ticks.put(f"days/{future:%Y/%m/%d}/day.csv")
    ticks.put("days/2026/01/05/day.csv")
    ticks.put("days/2026/01/05/day (1).csv")
    said = str(ticks.tick().skip_reason)
    assert f"waits for the end of its day: {future}" in said
    assert "read by no feed: days/2026/01/05/day (1).csv" in said
    assert ticks.asked() == [("2026-01-05", "2026-01-05")]


def a_run(domain: str, first: str | None = None, last: str | None = None) -> dg.DagsterRun:
    tags = launching.domain_tags(domain, first, last)
    return dg.DagsterRun(job_name="shop", status=dg.DagsterRunStatus.STARTED, tags=tags)


def test_late_days_that_lie_far_apart_are_one_run_when_they_are_many(
    warehouse_url: str, tmp_path: Path
) -> None:
    ticks = Ticks(DAYS, warehouse_url, tmp_path)
    days = [date(2025, 1, 1) + timedelta(days=2 * n) for n in range(200)]
    for day in days:
        ticks.put(f"days/{day:%Y/%m/%d}.csv")
    ticks.tick()
    assert ticks.asked() == [(days[0].isoformat(), days[-1].isoformat())]
    assert ticks.asked() == []


def test_a_day_that_a_run_takes_already_is_asked_for_only_if_that_run_did_not_load_it(
    warehouse_url: str, tmp_path: Path
) -> None:
    ticks = Ticks(DAYS, warehouse_url, tmp_path)
    ticks.put("days/2026/03/04.csv")
    ticks.put("days/2026/03/05.csv")
    runs = [ticks.instance.add_run(a_run("shop", f"2026-03-0{day}")) for day in (4, 5)]
    ticks.tick()
    assert "a run takes it already: 2026-03-04, 2026-03-05" in str(ticks.tick().skip_reason)

    load_files(ticks.warehouse, DAYS, [locate(ticks.data, DAYS.path, date(2026, 3, 4))])
    for run in runs:
        ticks.instance.delete_run(run.run_id)
    assert ticks.asked() == [("2026-03-05", "2026-03-05")]
    assert ticks.asked() == []


def test_a_changed_list_runs_its_domain_once_for_the_newest_day_and_waits_for_a_run_under_way(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(feeds={DAYS.name: DAYS, LIST.name: LIST})
    monkeypatch.setattr("sales_platform.components.file_sensor.read_catalog", lambda: catalog)
    ticks = Ticks(LIST, warehouse_url, tmp_path)
    ticks.put("list.csv")
    ticks.tick()
    first = ticks.tick().run_requests or []
    assert [key.path for key in first[0].asset_selection or []] == [
        ["raw", "shop_list"],
        ["staging", "shop_list"],
    ]
    assert launching.asked_partitions(first[0].tags) is None

    for day in (date(2026, 3, 4), date(2026, 3, 5)):
        ticks.put(f"days/{day:%Y/%m/%d}.csv")
        load_files(ticks.warehouse, DAYS, [locate(ticks.data, DAYS.path, day)])
    ticks.put("list.csv", "id\n1\n2\n")
    ticks.tick()
    run = ticks.instance.add_run(a_run("shop", "2026-03-05"))
    assert ticks.asked() == []
    ticks.instance.delete_run(run.run_id)
    second = ticks.tick().run_requests or []
    assert second[0].asset_selection is None
    assert launching.asked_partitions(second[0].tags) == ("2026-03-05", "2026-03-05")
