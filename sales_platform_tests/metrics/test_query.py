"""Figures asked of small marts, against sums made by hand."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import MartMissing, TransientError, UnknownMetric, WrongParameter
from sales_platform.metrics.query import MetricQuery, moved_back
from sales_platform.metrics.reading import reading
from sales_platform.metrics.registry import FOLDER, read_registry
from sales_platform.metrics.running import dimension_values, last_changed, run_query

FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))


def rows(
    reader: Connection, metric: str, first: date | None = None, last: date | None = None, **asked: Any
) -> list[tuple[Any, ...]]:
    return run_query(reader, MetricQuery(metric, first, last, **asked)).rows


def test_both_ends_of_a_range_are_included_and_money_stays_decimal(reader: Connection) -> None:
    result = run_query(reader, MetricQuery("payment_volume", *FEBRUARY))
    assert (result.columns, result.rows, result.currency) == (("value",), [(Decimal("201.50"),)], "INR")
    assert rows(reader, "payment_volume", date(2026, 2, 2), date(2026, 2, 8)) == [(None,)]
    assert rows(reader, "payment_volume") == [(Decimal("313.60"),)]


def test_a_rate_of_a_period_is_made_of_the_sums_and_not_of_the_days_rates(reader: Connection) -> None:
    [(rate,)] = rows(reader, "failure_rate", *FEBRUARY)
    assert rate == Decimal(100) * 4 / 8
    weekly = run_query(reader, MetricQuery("failure_rate", *FEBRUARY, grain="week")).records()
    assert [(row["period"], row["value"]) for row in weekly] == [
        (date(2026, 1, 26), 20),
        (date(2026, 2, 9), 100),
        (date(2026, 2, 23), 100),
    ]


def test_grains_dimensions_and_filters_meet_in_one_answer(reader: Connection) -> None:
    asked = MetricQuery(
        "payments", *FEBRUARY, grain="month", by=("channel",), filters={"state": ["MH"], "segment": []}
    )
    assert run_query(reader, asked).records() == [
        {"period": date(2026, 2, 1), "channel": "50%'s <b>", "value": 1},
        {"period": date(2026, 2, 1), "channel": "Card", "value": 2},
        {"period": date(2026, 2, 1), "channel": "UPI", "value": 4},
    ]
    assert rows(reader, "payments", *FEBRUARY, by=("channel",), limit=1) == [("UPI", 4)]
    assert rows(reader, "payments", *FEBRUARY, by=("city",), filters={"city": ["Unknown"]}) == [
        ("Unknown", 1)
    ]


@pytest.mark.parametrize("value", ["50%'s <b>", "'; drop table x; --", "%", "🙂", "x" * 10_000, "{}", "%s"])
def test_a_filter_takes_any_text_as_it_is(reader: Connection, value: str) -> None:
    found = rows(reader, "payments", filters={"channel": [value]})
    assert found == [(1 if value == "50%'s <b>" else None,)]


def test_the_month_before_and_the_year_before_stand_beside_the_asked_range(reader: Connection) -> None:
    before = run_query(reader, MetricQuery("payments", *FEBRUARY, by=("channel",), compare="previous"))
    assert before.columns == ("channel", "value", "compared")
    assert before.compared_range == (date(2026, 1, 1), date(2026, 1, 31))
    assert sorted(before.rows) == [("50%'s <b>", 1, None), ("Card", 3, None), ("UPI", 4, 3)]
    year = rows(reader, "payments", date(2026, 1, 1), date(2026, 2, 28), grain="month", compare="year_ago")
    assert year == [(date(2026, 1, 1), 3, 10), (date(2026, 2, 1), 8, 10)]
    days = (date(2026, 2, 1), date(2026, 2, 2))
    assert rows(reader, "payments", *days, grain="day", compare="previous") == [
        (date(2026, 2, 1), 5, None),
        (date(2026, 2, 2), None, 3),
    ]
    assert rows(reader, "payments", *days, compare="previous") == [(5, 3)]


def test_a_comparison_reaches_the_ends_of_months_and_leap_days() -> None:
    assert moved_back("year_ago", date(2025, 2, 1), date(2025, 2, 28)) == (
        date(2024, 2, 1),
        date(2024, 2, 29),
    )
    assert moved_back("year_ago", date(2024, 2, 10), date(2024, 2, 29)) == (
        date(2023, 2, 10),
        date(2023, 2, 28),
    )
    assert moved_back("previous", date(2026, 1, 1), date(2026, 3, 31)) == (
        date(2025, 10, 1),
        date(2025, 12, 31),
    )
    assert moved_back("previous", date(2026, 3, 10), date(2026, 3, 16)) == (
        date(2026, 3, 3),
        date(2026, 3, 9),
    )


def test_currencies_are_never_added(reader: Connection) -> None:
    flow = run_query(reader, MetricQuery("account_net_flow", *FEBRUARY))
    assert (flow.columns, sorted(flow.rows)) == (("currency", "value"), [("EUR", 7), ("USD", 6)])
    assert rows(reader, "account_transactions") == [(3,)]
    assert rows(reader, "account_net_flow", filters={"currency": ["EUR"]}) == [("EUR", 7)]
    compared = rows(reader, "account_net_flow", date(2026, 2, 2), date(2026, 2, 2), compare="previous")
    assert sorted(compared) == [("EUR", None, 7), ("USD", -4, 10)]


def test_a_level_counts_on_the_last_day_of_each_period(reader: Connection) -> None:
    monthly = rows(reader, "receivables", date(2026, 1, 1), date(2026, 2, 28), grain="month")
    assert monthly == [(date(2026, 1, 1), 21), (date(2026, 2, 1), 11)]
    assert rows(reader, "receivables", date(2026, 1, 1), date(2026, 1, 30)) == [(5,)]
    # nothing changed after 1 February
    by_age = rows(
        reader, "receivables", date(2026, 2, 20), date(2026, 2, 28), by=("age",), compare="previous"
    )
    assert sorted(by_age) == [("0-30", 9, 9), ("31-60", 2, 2)]


def test_a_dimension_with_a_label_groups_by_the_key_and_shows_the_newest_name(reader: Connection) -> None:
    found = run_query(reader, MetricQuery("collected", by=("client",)))
    assert found.columns == ("client", "client_label", "value")
    assert found.rows == [("8", "New name", 4), ("7", "New name", 3)]
    assert rows(reader, "collected", by=("client",), filters={"client": ["7"]}) == [("7", "New name", 3)]


def test_sales_are_told_by_the_tier_then_and_by_the_tier_today(reader: Connection) -> None:
    then = rows(reader, "retail_sales", by=("tier",))
    assert then == [("gold", 21), ("Unknown", 8), ("silver", 2)]
    # customer 3 was deleted, and 8 sales name none
    today = rows(reader, "retail_sales", by=("tier_today",))
    assert today == [("Unknown", 24), ("gold", 4), ("silver", 3)]
    assert rows(reader, "retail_sales", by=("tier",), filters={"tier_today": ["silver"]}) == [
        ("silver", 2),
        ("gold", 1),
    ]
    values = dimension_values(reader, "tier_today", filters={"tier": ["silver"]})
    assert [one.value for one in values] == ["silver"]
    registry = read_registry()
    tables = registry.metrics["retail_sales"].tables(registry)
    assert tables == ("marts.retail_sales_daily", "analytics.dim_customer")


@pytest.mark.parametrize(
    ("query", "parameter", "allowed"),
    [
        (MetricQuery("payment_volum"), "metric", "payment_volume"),
        (MetricQuery("payments", by=("stores",)), "by", "channel"),
        (MetricQuery("payments", filters={"store": ["x"]}), "store", "channel"),
        (MetricQuery("payments", filters={"city": ["a\0b"]}), "city", None),
        (MetricQuery("payments", grain="hour"), "grain", "week"),  # type: ignore[arg-type]
        (MetricQuery("payments", *FEBRUARY, compare="before"), "compare", "year_ago"),  # type: ignore[arg-type]
        (MetricQuery("payments", date(2026, 2, 2), date(2026, 2, 1)), "from", None),
        (MetricQuery("payments", to=date(2026, 2, 1), compare="previous"), "from", None),
        (MetricQuery("payments", date(1, 1, 1), date.max, compare="previous"), "from", None),
        (MetricQuery("account_balance", grain="day"), "grain", None),
        (MetricQuery("payments", limit=0), "limit", None),
    ],
)
def test_a_question_that_makes_no_sense_names_its_parameter_and_what_is_allowed(
    reader: Connection, query: MetricQuery, parameter: str, allowed: str | None
) -> None:
    with pytest.raises(WrongParameter) as caught:
        run_query(reader, query)
    assert caught.value.parameter == parameter
    assert allowed is None or allowed in caught.value.allowed
    assert isinstance(caught.value, UnknownMetric) == (parameter == "metric")


def test_a_mart_that_was_not_made_is_named_with_what_to_run(reader: Connection) -> None:
    with pytest.raises(MartMissing, match=r"billing/sales_daily|billing_sales_daily.*run billing"):
        run_query(reader, MetricQuery("billed"))


def test_values_of_a_dimension_cascade_and_can_be_searched(reader: Connection) -> None:
    def found(dimension: str, **asked: Any) -> list[str]:
        return [one.label for one in dimension_values(reader, dimension, **asked)]

    assert found("city") == ["Delhi", "Pune", "Unknown"]
    assert found("city", filters={"state": ["MH"], "region": ["South"], "channel": []}) == ["Pune", "Unknown"]
    assert found("channel", search="%") == ["50%'s <b>"]
    assert found("channel", search="up") == ["UPI"]
    assert found("channel", limit=1) == ["50%'s <b>"]
    with pytest.raises(WrongParameter, match="together with city"):
        found("city", filters={"tier": ["gold"]})
    with pytest.raises(WrongParameter, match="no dimension"):
        found("town")


def test_the_version_of_a_mart_is_known_without_reading_it(reader: Connection) -> None:
    version = last_changed(reader, "marts.channels_daily")
    assert version is not None
    assert (version.number, version.changed_at.tzinfo is not None) == (41, True)
    assert last_changed(reader, "marts.none") is None


def test_a_reading_session_neither_writes_nor_sees_raw_nor_runs_for_long(marts_url: str) -> None:
    with reading(Warehouse(marts_url), timeout_seconds=0.05) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select from raw.x")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("create temporary table t (n int)")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(10)")
    with pytest.raises(TransientError), reading(Warehouse(marts_url), timeout_seconds=0.001) as connection:
        connection.execute("select pg_sleep(10)")


def test_a_metric_of_five_lines_is_answered(reader: Connection, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "channels.yaml", tmp_path)
    with (tmp_path / "channels.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "  biggest_day:\n    title: Biggest day\n    unit: money\n    mart: channels_daily\n"
            "    formula: max(attempted_amount)\n    description: Of any channel.\n"
        )
    result = run_query(reader, MetricQuery("biggest_day", *FEBRUARY), read_registry(tmp_path))
    assert (result.rows, result.currency) == ([(Decimal("200.20"),)], "INR")
