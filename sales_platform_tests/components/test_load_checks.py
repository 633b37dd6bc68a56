"""Each check of a feed's loads sees exactly what was planted in the record, with its figures, bound and days named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from sales_platform.components.load_checks import LoadChecks
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.columns import Column
from sales_platform.engine.warehouse import Connection, Warehouse

CATALOG = read_catalog()
SALES = CATALOG.feeds["retail_sales"]
STORES = CATALOG.feeds["retail_stores"]
INVOICES = CATALOG.feeds["billing_invoices"]
ACCOUNTS = CATALOG.table_feeds["accounts_accounts"]
TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HEADER = list(SALES.columns)

Results = dict[str, dg.AssetCheckResult]


@pytest.fixture
def ops(warehouse_url: str) -> Iterator[Connection]:
    with Warehouse(warehouse_url).connect(autocommit=True) as connection:
        yield connection


def put(
    connection: Connection,
    feed: str,
    partition: str,
    at: datetime,
    *,
    rows: int = 1000,
    copies: int = 0,
    status: str = "succeeded",
    columns: list[str] | None = None,
) -> None:
    """One load that was recorded."""
    connection.execute(
        """
        insert into ops.load (feed, partition, source, landed, status, started_at, finished_at, rows_read, rows_loaded,
            rows_duplicate, columns)
        values (%s, %s, 'a file', %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [feed, partition, status == "succeeded", status, at, at, rows, rows - copies, copies, columns],
    )


def put_day(
    connection: Connection, day: date, *, after: float = 2, rows: int = 1000, copies: int = 0
) -> None:
    """A day of sales, loaded these hours after its end."""
    end = datetime.combine(day + DAY, datetime.min.time(), UTC)
    put(
        connection,
        SALES.name,
        day.isoformat(),
        end + timedelta(hours=after),
        columns=HEADER,
        rows=rows,
        copies=copies,
    )


@pytest.fixture
def sound(ops: Connection) -> Connection:
    """Seventy days of sales up to yesterday, each of a thousand rows and loaded in its night."""
    for back in range(70, 0, -1):
        put_day(ops, TODAY - back * DAY)
    return ops


def judged(
    connection: Connection, feed: object = SALES, days: list[str] | None = None, now: datetime = NOW
) -> Results:
    checks = LoadChecks(feed, clock=lambda _: now)  # type: ignore[arg-type]
    wanted = {spec.name for spec in checks.specs}
    return {str(result.check_name): result for result in checks.results(connection, wanted, days)}


def broken(results: Results) -> dict[str, str]:
    """Check that failed → its severity."""
    return {name: result.severity.value for name, result in results.items() if not result.passed}


def test_a_sound_record_passes_every_check(sound: Connection) -> None:
    results = judged(sound)
    assert broken(results) == {}
    assert set(results) == {
        "volume", "freshness", "yesterday_there", "late_files", "duplicate_rate", "schema_drift",
    }  # fmt: skip
    assert results["volume"].description == "1,000 rows in 2026-03-03, usual are 1,000 (median of 9)"
    assert (
        results["freshness"].description == "fresh: 9 h 0 min ago; warns beyond 36 hours, fails beyond 3 days"
    )


def test_none_of_them_holds_later_tables_up() -> None:
    assert [
        spec.name for feed in (SALES, STORES, ACCOUNTS) for spec in LoadChecks(feed).specs if spec.blocking
    ] == []


@pytest.mark.parametrize(("rows", "severity"), [(450, "WARN"), (40, "ERROR"), (2100, "WARN"), (0, "ERROR")])
def test_a_day_of_unusual_volume_is_found(sound: Connection, rows: int, severity: str) -> None:
    put_day(sound, TODAY - DAY, after=3, rows=rows)
    results = judged(sound)
    assert broken(results) == {"volume": severity}
    volume = results["volume"]
    assert volume.metadata["by_partition"].value == {"2026-03-03": rows}
    assert volume.metadata["threshold"].value == "warns at 50% off, fails at 90% off"
    off = 1 - min(rows, 1000) / max(rows, 1000)
    assert volume.description == (
        f"{rows:,} rows in 2026-03-03, usual are 1,000 (median of 9), {off:.0%} off"
    )
    assert "partition = any('{2026-03-03}')" in str(volume.metadata["offenders_sql"].value)


def test_a_range_names_its_unusual_days_and_says_which_could_not_be_judged(sound: Connection) -> None:
    put_day(sound, date(2026, 2, 27), after=3, rows=10)
    put_day(sound, date(2026, 3, 1), after=3, rows=400)
    days = [(TODAY - back * DAY).isoformat() for back in range(70, 0, -1)]
    volume = judged(sound, days=days)["volume"]
    assert volume.description == (
        "2 of 70 loads are not of the usual size, on 2026-02-27 and 2026-03-01; 56 have too few before them"
    )
    assert (volume.passed, volume.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert judged(sound, days=["2026-02-26"])["volume"].passed


def test_volume_is_silent_while_there_are_too_few_loads(ops: Connection) -> None:
    for back in range(2, 50):
        put_day(ops, TODAY - back * DAY)
    put_day(ops, TODAY - DAY, rows=1)
    volume = judged(ops)["volume"]
    assert volume.passed
    assert "too few loads of its weekday to compare with: 6 of 8" in str(volume.description)


def test_a_load_that_only_judged_again_or_corrected_a_row_is_no_volume(sound: Connection) -> None:
    put(sound, SALES.name, "2026-03-03", NOW, rows=0, status="unchanged")
    sound.execute(
        """
        insert into ops.load (feed, partition, source, landed, resubmission, status, rows_read, rows_loaded, started_at)
        values ('retail_sales', '2026-03-03', 'a sheet', true, true, 'succeeded', 1, 1, %s)
        """,
        [NOW],
    )
    assert broken(judged(sound)) == {}


def test_the_changes_of_a_source_table_are_counted_by_day(ops: Connection) -> None:
    for week in range(1, 10):
        for hour in (8, 12, 16):
            at = datetime.combine(TODAY - DAY - week * 7 * DAY, datetime.min.time(), UTC) + timedelta(
                hours=hour
            )
            put(ops, ACCOUNTS.name, "", at, rows=100)
    put(ops, ACCOUNTS.name, "", NOW - DAY, rows=90)
    put(ops, ACCOUNTS.name, "", NOW, rows=1)
    volume = judged(ops, ACCOUNTS)["volume"]
    assert volume.description == "90 rows in 2026-03-03, usual are 300 (median of 9), 70% off"
    assert (volume.passed, volume.severity) == (False, dg.AssetCheckSeverity.WARN)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (datetime(2026, 3, 5, 12, 0, tzinfo=UTC), {"yesterday_there": "WARN"}),
        (datetime(2026, 3, 5, 13, 0, tzinfo=UTC), {"yesterday_there": "WARN", "freshness": "WARN"}),
        (
            datetime(2026, 3, 7, 1, 0, tzinfo=UTC),
            {"yesterday_there": "WARN", "freshness": "ERROR", "late_files": "WARN"},
        ),
    ],
)
def test_i_34_a_feed_whose_days_stop_coming_is_first_missed_then_old_then_too_old(
    sound: Connection, now: datetime, found: dict[str, str]
) -> None:
    results = judged(sound, now=now)
    assert broken(results) == found
    assert results["yesterday_there"].metadata["by_partition"].value == {
        (now - timedelta(hours=3) - DAY).date().isoformat(): "missing"
    }


def test_i_34_a_backfill_of_an_old_day_makes_nothing_fresh(sound: Connection) -> None:
    later = datetime(2026, 3, 8, 9, tzinfo=UTC)
    put(sound, SALES.name, "2025-06-01", later, columns=HEADER)
    assert {"freshness", "yesterday_there"} <= broken(judged(sound, now=later)).keys()


def test_i_34_a_day_that_was_loaded_before_it_ended_is_not_there(sound: Connection) -> None:
    sound.execute("delete from ops.load where partition = '2026-03-03'")
    put_day(sound, TODAY - DAY, after=-1)
    assert broken(judged(sound)) == {"yesterday_there": "WARN"}


def test_i_34_a_feed_that_never_came_or_came_empty_is_unknown_and_one_of_the_future_an_error(
    ops: Connection,
) -> None:
    assert judged(ops)["freshness"].description == "unknown: it was never loaded"
    assert broken(judged(ops)) == {"freshness": "WARN", "yesterday_there": "WARN"}
    put_day(ops, TODAY - DAY, rows=0)
    assert judged(ops)["freshness"].description == "unknown: no load ever read a row"
    assert broken(judged(ops)) == {"freshness": "WARN"}
    put(ops, SALES.name, "2031-01-01", NOW)
    assert judged(ops)["freshness"].description == "what was last seen lies in the future"
    assert broken(judged(ops)) == {"freshness": "ERROR"}


def test_a_list_is_as_fresh_as_its_last_look_and_may_stand_for_years(ops: Connection) -> None:
    put(
        ops,
        STORES.name,
        "stores.csv@2024-01-01T00:00:00+00:00",
        NOW - 700 * DAY,
        columns=list(STORES.columns),
    )
    put(ops, STORES.name, "stores.csv@2024-01-01T00:00:00+00:00", NOW - DAY, rows=0, status="unchanged")
    results = judged(ops, STORES)
    assert broken(results) == {}
    assert results["freshness"].metadata["age_hours"].value == 24.0
    strict = STORES.model_validate({**STORES.model_dump(), "freshness": {"warn": "20 hours"}})
    assert broken(judged(ops, strict)) == {"freshness": "WARN"}


def test_a_source_table_is_as_fresh_as_its_last_look_whether_a_row_changed_or_not(ops: Connection) -> None:
    put(ops, ACCOUNTS.name, "", NOW - 30 * DAY)
    ops.execute(
        "insert into ops.watermark (feed, updated_at) values (%s, %s)", [ACCOUNTS.name, NOW - 2 * DAY]
    )
    assert broken(judged(ops, ACCOUNTS)) == {"freshness": "WARN"}
    ops.execute("update ops.watermark set updated_at = %s", [NOW - timedelta(hours=20)])
    assert broken(judged(ops, ACCOUNTS)) == {}


def test_late_and_absent_days_are_counted_and_named(sound: Connection) -> None:
    sound.execute("delete from ops.load where partition in ('2026-02-20', '2026-02-25')")
    put_day(sound, date(2026, 2, 20), after=30)
    results = judged(sound)
    assert broken(results) == {"late_files": "WARN"}
    late = results["late_files"]
    assert late.description == "1 of 28 days came late, 1 have not come, on 2026-02-20 and 2026-02-25"
    assert late.metadata["by_partition"].value == {"2026-02-20": "1 d 6 h", "2026-02-25": "has not come"}
    assert late.metadata["threshold"].value == "26 hours"


def test_days_that_ended_before_the_first_load_are_not_late(ops: Connection) -> None:
    for back in range(1, 20):
        put(ops, SALES.name, (TODAY - back * DAY).isoformat(), NOW - timedelta(hours=1), columns=HEADER)
    assert broken(judged(ops)) == {}


def test_files_full_of_copies_are_named(sound: Connection) -> None:
    put_day(sound, TODAY - DAY, after=3, copies=51)
    put_day(sound, TODAY - 2 * DAY, after=3, copies=50)
    results = judged(sound, days=["2026-03-02", "2026-03-03"])
    assert broken(results) == {"duplicate_rate": "WARN"}
    rate = results["duplicate_rate"]
    assert rate.description == "101 of 2,000 rows are copies; 5.00% of a file allowed, on 2026-03-03"
    assert (rate.metadata["threshold"].value, rate.metadata["by_partition"].value) == (
        0.05,
        {"2026-03-03": 0.051},
    )


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ([*HEADER, "coupon"], "not in the contract: coupon, on 2026-03-03"),
        (HEADER[:-1], "lacking: revenue, on 2026-03-03"),
        ([*HEADER[:-1], "amount"], "not in the contract: amount; lacking: revenue, on 2026-03-03"),
    ],
)
def test_columns_that_come_and_go_in_a_file_are_named(
    sound: Connection, header: list[str], told: str
) -> None:
    put(sound, SALES.name, "2026-03-03", NOW, rows=0, status="failed", columns=header)
    results = judged(sound)
    assert broken(results) == {"schema_drift": "WARN"}
    assert results["schema_drift"].description == told


def test_a_default_an_alias_and_a_day_before_a_column_stand_for_it_and_a_dropped_one_may_not_come_back(
    sound: Connection,
) -> None:
    revenue = SALES.columns["revenue"]

    def drift(column: Column) -> str:
        feed = SALES.model_copy(update={"columns": {**SALES.columns, "revenue": column}})
        return str(judged(sound, feed)["schema_drift"].description)

    fine = "the columns are those of the contract"
    assert drift(revenue.model_copy(update={"dropped": True})) == (
        "there, though dropped by the contract: revenue, on 2026-03-03"
    )
    put_day(sound, TODAY - DAY, after=3)
    sound.execute("update ops.load set columns = array_replace(columns, 'revenue', 'amount')")
    assert drift(revenue.model_copy(update={"aliases": ("amount",)})) == fine
    sound.execute("update ops.load set columns = array_remove(columns, 'amount')")
    assert drift(revenue.model_copy(update={"absent_before": TODAY})) == fine
    assert (
        drift(revenue.model_copy(update={"absent_before": TODAY - DAY})) == "lacking: revenue, on 2026-03-03"
    )


def test_columns_that_come_and_go_in_a_source_table_are_named(ops: Connection) -> None:
    first = [*ACCOUNTS.columns, "branch"]
    ops.execute("create table raw.accounts_accounts (branch text, _load_id bigint)")
    put(ops, ACCOUNTS.name, "", NOW - 2 * DAY, columns=first)
    assert judged(ops, ACCOUNTS)["schema_drift"].passed
    put(ops, ACCOUNTS.name, "", NOW, status="failed", rows=0, columns=[*ACCOUNTS.columns, "iban"])
    drift = judged(ops, ACCOUNTS)["schema_drift"]
    assert (drift.passed, drift.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert drift.description == "not in the contract: iban; lacking: branch"


def test_the_files_of_a_feed_without_days_are_judged_by_when_they_landed(ops: Connection) -> None:
    for week in range(9, 0, -1):
        put(ops, INVOICES.name, f"drop_{10 - week}.csv", NOW - week * 7 * DAY, columns=list(INVOICES.columns))
    put(ops, INVOICES.name, "drop_10.csv", NOW, rows=60, copies=6, columns=list(INVOICES.columns))
    results = judged(ops, INVOICES)
    assert broken(results) == {"volume": "WARN", "duplicate_rate": "WARN"}
    assert results["duplicate_rate"].description == (
        "6 of 60 rows are copies; 5.00% of a file allowed, in drop_10.csv"
    )
