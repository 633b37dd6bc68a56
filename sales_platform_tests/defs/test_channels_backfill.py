"""Days loaded again, late, in any order and at once: what stands is what one ordered load gives (B)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.publish import publish_table, publish_within, stale_partitions
from sales_platform.errors import DatabaseFailure, FileEmpty, LockNotAvailable
from sales_platform_tests.defs.channels_road import FACT, MART, ChannelsRoad, Rows, line

MARCH_1, MARCH_2, MARCH_3 = "2026-03-01", "2026-03-02", "2026-03-03"
WRITTEN = ("staging.channels_transactions", FACT, MART)


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    return ChannelsRoad(warehouse_url, tmp_path / "data")


@pytest.fixture
def two_days(road: ChannelsRoad) -> ChannelsRoad:
    """Two days, published: T1 and T2 on the first, T3 on the second."""
    road.put(MARCH_1, [line(1, MARCH_1), line(2, MARCH_1, amount="50.00")])
    road.put(MARCH_2, [line(3, MARCH_2)])
    road.run()
    return road


def standing(road: ChannelsRoad) -> dict[str, Rows]:
    """The rows of every published layer, without the load and the line that brought them."""
    rows = {
        table: road.rows(
            f"select to_jsonb(t) - '{{_load_id,_source_row}}'::text[] as row from {table} as t order by 1"
        )
        for table in WRITTEN
    }
    return {table: [(str(row),) for (row,) in found] for table, found in rows.items()}


def stamps(road: ChannelsRoad, day: str) -> list[Rows]:
    """Who wrote the rows of a day, in every layer: changes with any write."""
    statement = "select xmin::text, ctid::text from {} where _partition = %s order by 2"
    return [road.rows(statement.format(table), day) for table in WRITTEN]


def payments(road: ChannelsRoad) -> Rows:
    return road.rows(f"select transaction_id, _partition, amount from {FACT} order by 1")


def test_b_01_a_day_that_comes_again_equals_its_new_file_and_no_other_day_is_written(
    two_days: ChannelsRoad,
) -> None:
    before = stamps(two_days, MARCH_2)
    two_days.put(MARCH_1, [line(2, MARCH_1, amount="60.00"), line(9, MARCH_1)])

    two_days.run(MARCH_1)

    assert payments(two_days) == [
        ("T2", MARCH_1, Decimal(60)),
        ("T3", MARCH_2, Decimal(200)),
        ("T9", MARCH_1, Decimal(200)),
    ]
    assert stamps(two_days, MARCH_2) == before
    assert two_days.verify() == []


def test_b_02_a_day_replaced_by_itself_changes_nothing(two_days: ChannelsRoad) -> None:
    before, stamped = standing(two_days), stamps(two_days, MARCH_1)

    assert [report.status for report in two_days.run(MARCH_1)] == ["unchanged"]
    assert stamps(two_days, MARCH_1) == stamped

    two_days.put(MARCH_1, [line(2, MARCH_1, amount="50.00"), line(1, MARCH_1)])
    (report,) = two_days.run(MARCH_1)
    assert (report.read, report.unchanged) == (2, 2)
    for table in (FACT, MART):
        publish_table(two_days.warehouse, two_days.catalog.tables[table], partitions=[MARCH_1])
    assert standing(two_days) == before


@pytest.mark.parametrize("table", WRITTEN)
def test_b_03_a_write_that_fails_after_the_old_day_was_deleted_leaves_the_old_day(
    two_days: ChannelsRoad, table: str
) -> None:
    before = standing(two_days)
    with two_days.warehouse.transaction() as connection:
        connection.execute(
            "create function public.refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no'; end $$"
        )
        connection.execute(
            f"create trigger refuse before insert on {table} for each row execute function public.refuse()".encode()
        )
    two_days.put(MARCH_1, [line(9, MARCH_1)])

    with pytest.raises(DatabaseFailure):
        two_days.run(MARCH_1)

    assert standing(two_days)[table] == before[table]
    with two_days.warehouse.transaction() as connection:
        connection.execute("drop function public.refuse() cascade")
    two_days.run(MARCH_1)
    assert [row[0] for row in payments(two_days)] == ["T3", "T9"]
    assert two_days.verify() == []


def test_b_04_a_day_with_fewer_rows_loses_the_others_and_one_without_rows_is_refused(
    two_days: ChannelsRoad,
) -> None:
    two_days.put(MARCH_1, [line(2, MARCH_1, amount="50.00")])
    two_days.run(MARCH_1)
    assert [row[0] for row in payments(two_days)] == ["T2", "T3"]
    before = standing(two_days)

    two_days.put(MARCH_1, [])
    with pytest.raises(FileEmpty, match="empty: allow"):
        two_days.load(MARCH_1)
    two_days.publish()
    assert standing(two_days) == before

    meant = two_days.transactions.model_copy(update={"empty": "allow"})
    load_files(two_days.warehouse, meant, [locate(two_days.data, meant.path, date.fromisoformat(MARCH_1))])
    two_days.publish()
    assert [row[0] for row in payments(two_days)] == ["T3"]
    assert two_days.rows(f"select distinct day::text from {MART}") == [(MARCH_2,)]


def test_b_05_a_row_of_the_next_day_is_quarantined_and_neither_loaded_nor_lost(road: ChannelsRoad) -> None:
    road.put(MARCH_1, [*(line(number, MARCH_1) for number in range(30)), line("stray", MARCH_2)])

    (report,) = road.run()

    assert (report.read, report.loaded, report.rejected) == (31, 30, 1)
    assert report.reasons == {"OUTSIDE_WINDOW": 1}
    assert road.rows(
        "select raw_record ->> 'transaction_id', source_row, partition from quality.rejected_record"
    ) == [("stray", 32, MARCH_1)]
    assert "stray" not in [row[0] for row in payments(road)]
    assert road.rows("select count(*) from raw.channels_transactions") == [(31,)]


YEAR = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
WINDOWS = [YEAR[n : n + 28] for n in range(0, 365, 28)]


def _write_year(road: ChannelsRoad) -> dict[str, tuple[str, Decimal]]:
    """Three payments a day, some of which come again on later days; returns what counts, in plain Python."""
    draw = random.Random(5)
    latest: dict[str, tuple[str, Decimal]] = {}
    for day in YEAR:
        numbers = draw.sample(range(600), 3)
        amounts = {f"T{number}": f"{draw.randrange(1, 500)}.00" for number in numbers}
        road.put(str(day), [line(id, str(day), amount=amount) for id, amount in amounts.items()])
        latest |= {id: (str(day), Decimal(amount)) for id, amount in amounts.items()}
    return latest


def _one_window(road: ChannelsRoad, window: Sequence[date]) -> None:
    road.load(*map(str, window))
    road.publish()


@pytest.mark.parametrize(
    "order",
    [*(pytest.param(order, marks=pytest.mark.slow) for order in ("newest first", "random")), "parallel"],
)
def test_b_08_the_windows_of_a_year_give_the_same_in_any_order(road: ChannelsRoad, order: str) -> None:
    latest = _write_year(road)
    road.load_lists()
    windows = WINDOWS[::-1] if order == "newest first" else random.Random(order).sample(WINDOWS, len(WINDOWS))

    if order == "parallel":
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda window: _one_window(road, window), windows))
    else:
        for window in windows:
            _one_window(road, window)

    assert {id: (day, amount) for id, day, amount in payments(road)} == latest
    sums: dict[str, Decimal] = {}
    for day, amount in latest.values():
        sums[day] = sums.get(day, Decimal(0)) + amount
    assert dict(road.rows(f"select day::text, sum(attempted_amount) from {MART} group by 1")) == sums
    assert road.verify() == []


def test_b_09_a_payment_whose_day_is_corrected_stands_once_though_only_the_new_day_runs(
    two_days: ChannelsRoad,
) -> None:
    two_days.put(MARCH_2, [line(3, MARCH_2), line(1, MARCH_2)])

    two_days.run(MARCH_2)

    assert [row[:2] for row in payments(two_days)] == [("T1", MARCH_2), ("T2", MARCH_1), ("T3", MARCH_2)]
    assert two_days.rows(f"select day::text, sum(transactions) from {MART} group by 1 order by 1") == [
        (MARCH_1, 1),
        (MARCH_2, 2),
    ]
    assert two_days.verify() == []


def test_b_17_old_days_and_new_ones_loaded_at_once_lose_no_row(road: ChannelsRoad) -> None:
    first = date(2026, 3, 1)
    days = [first + timedelta(days=n) for n in range(20)]
    for n, day in enumerate(days):
        # every payment comes again the day after, with another amount
        road.put(str(day), [line(n, str(day)), line(n - 1, str(day), amount=f"{n + 1}.00")])
    road.load_lists()
    both_there = Barrier(2)

    def loads(chosen: Sequence[date]) -> None:
        both_there.wait()
        for day in chosen:
            _one_window(road, [day])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(loads, (days[9::-1], days[10:])))

    expected = [(f"T{n - 1}", str(day), Decimal(n + 1)) for n, day in enumerate(days)]
    assert payments(road) == sorted([*expected, ("T19", str(days[19]), Decimal(200))])
    assert road.rows(
        "select count(distinct partition) from ops.load where status = 'succeeded'"
        " and feed = 'channels_transactions'"
    ) == [(20,)]
    assert road.verify() == []


def test_b_19_one_changed_row_makes_its_whole_day_stale_in_every_table_above(two_days: ChannelsRoad) -> None:
    def stale(table: str) -> list[str]:
        with two_days.warehouse.transaction() as connection:
            return stale_partitions(connection, two_days.catalog.tables[table])

    assert (stale(FACT), stale(MART)) == ([], [])
    two_days.put(MARCH_1, [line(1, MARCH_1), line(2, MARCH_1, amount="51.00")])
    two_days.load(MARCH_1)
    assert (stale(FACT), stale(MART)) == ([MARCH_1], [])
    publish_table(two_days.warehouse, two_days.catalog.tables[FACT])
    assert (stale(FACT), stale(MART)) == ([], [MARCH_1])


def test_b_20_a_publication_that_meets_another_of_its_table_waits_in_vain_and_leaves_no_mixture(
    two_days: ChannelsRoad,
) -> None:
    two_days.put(MARCH_1, [line(9, MARCH_1)])
    two_days.load(MARCH_1)
    fact = two_days.catalog.tables[FACT]
    hasty = replace(two_days.warehouse, lock_timeout_seconds=1)
    with two_days.warehouse.transaction() as running:
        publish_within(running, fact, [MARCH_1], two_days.catalog)
        with pytest.raises(LockNotAvailable) as caught:
            publish_table(hasty, fact, partitions=[MARCH_2])
        assert [row[0] for row in payments(two_days)] == ["T1", "T2", "T3"]
    # the first of the tables that both of them need
    assert caught.value.where == "analytics.dim_channel"
    two_days.publish()
    assert [row[0] for row in payments(two_days)] == ["T3", "T9"]
    assert two_days.verify() == []


def test_b_21_days_made_by_other_logic_are_listed_and_never_mixed_with_new_ones(
    two_days: ChannelsRoad,
) -> None:
    changed = two_days.catalog.tables[MART].model_copy(
        update={"grain": ("day", "channel_key", "city_key", "segment", "state")}
    )
    with two_days.warehouse.transaction() as connection:
        assert stale_partitions(connection, changed) == [MARCH_1, MARCH_2]

    report = publish_table(two_days.warehouse, changed, partitions=[MARCH_2], catalog=two_days.catalog)

    # the day that was not asked for is made anew with the other
    assert sorted(report.rows) == [MARCH_1, MARCH_2]
    assert report.also == (MARCH_1,)
    with two_days.warehouse.transaction() as connection:
        assert stale_partitions(connection, changed) == []
