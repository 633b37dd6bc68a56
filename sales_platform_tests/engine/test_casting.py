"""Text becomes a value or a rejection: every word of a column, judged by the real server in one go per column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.reading import read_contract
from sales_platform.engine.casting import typed
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import ContractError, SalesPlatformError

MISSING = "missing"  # the text means "no value": NULL, and no rejection
BAD = "rejected"  # the text is no such value

JANUARY = date(2024, 1, 5)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def contract(column: dict[str, object], **feed: object) -> FileFeedContract:
    attributes: dict[str, Any] = {
        "domain": "test",
        "table": "values",
        "path": "values.csv",
        "description": "Texts of one column",
        "key": ["id"],
        "columns": {"id": {"type": "bigint"}, "v": column},
        **feed,
    }
    return read_contract(FileFeedContract, attributes, "test")


def quoted(text: str | None) -> str:
    """A field of a CSV; None is an empty one without quotes."""
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def load(url: str, folder: Path, feed: FileFeedContract, texts: Sequence[str | None]) -> None:
    lines = "".join(f"{n},{quoted(text)}\n" for n, text in enumerate(texts))
    (folder / "values.csv").write_text("id,v\n" + lines, encoding="utf-8")
    load_files(Warehouse(url), feed, [locate(folder, "values.csv", None)])


def values(url: str) -> dict[int, Any]:
    with Warehouse(url).transaction() as connection:
        return dict(connection.execute("select id, v from staging.test_values").fetchall())


def reasons(url: str) -> dict[int, list[str]]:
    """Place of the text → its reasons."""
    with Warehouse(url).transaction() as connection:
        return dict(
            connection.execute(
                "select source_row - 2, reasons from quality.rejected_record where resolved_at is null"
            ).fetchall()
        )


# column → [(text, value)]
TEXTS: dict[str, tuple[dict[str, object], list[tuple[str | None, object]]]] = {
    "integer": (
        {"type": "integer"},
        [
            ("7", 7),
            ("-7", -7),
            ("007", 7),
            (" 7 ", 7),
            ("\t7\r", 7),
            (None, MISSING),
            ("", MISSING),
            ("  ", MISSING),
            ("2147483647", 2147483647),
            ("2147483648", BAD),
            ("-2147483649", BAD),
            ("1_000", BAD),
            ("0x1F", BAD),
            ("0b11", BAD),
            ("1e3", BAD),
            ("1.0", BAD),
            ("7-", BAD),
            ("--7", BAD),
            ("-", BAD),
            ("1,000", BAD),
            ("NaN", BAD),
            ("\N{ARABIC-INDIC DIGIT SEVEN}", BAD),
            ("1 000", BAD),
        ],
    ),
    "bigint": (
        {"type": "bigint"},
        [("9223372036854775807", 9223372036854775807), ("9223372036854775808", BAD)],
    ),
    "money": (
        {"type": "numeric(12,2)"},
        [
            ("1.5", Decimal("1.50")),
            (".5", Decimal("0.50")),
            ("5.", Decimal("5.00")),
            ("-.5", Decimal("-0.50")),
            ("1.500", Decimal("1.50")),
            ("1.005", BAD),
            ("0.001", BAD),
            ("9999999999.99", Decimal("9999999999.99")),
            ("10000000000", BAD),
            ("NaN", BAD),
            ("nan", BAD),
            ("Infinity", BAD),
            ("-Infinity", BAD),
            ("inf", BAD),
            ("1_000", BAD),
            ("0x1F", BAD),
            ("1e3", BAD),
            ("1,5", BAD),
            ("1.2.3", BAD),
            ("1-2", BAD),
            (".", BAD),
            ("-", BAD),
            ("$5", BAD),
        ],
    ),
    "number_without_scale": (
        {"type": "numeric"},
        [("1.00500", Decimal("1.00500")), ("NaN", BAD), ("1e3", BAD), ("1_000", BAD)],
    ),
    "decimal_comma": (
        {"type": "numeric(12,2)", "decimal": ","},
        [
            ("1,5", Decimal("1.50")),
            ("-0,05", Decimal("-0.05")),
            ("1.5", BAD),
            ("1,5,0", BAD),
            ("7", Decimal(7)),
        ],
    ),
    "thousands_point_and_decimal_comma": (
        {"type": "numeric(12,2)", "decimal": ",", "thousands": "."},
        [("1.234.567,89", Decimal("1234567.89")), ("12,5", Decimal("12.50"))],
    ),
    "thousands_comma": (
        {"type": "integer", "thousands": ","},
        [("1,234", 1234), ("1.234", BAD)],
    ),
    "strip": (
        {"type": "numeric(12,2)", "strip": ["$", "USD"]},
        [("$5", Decimal(5)), ("5 USD", Decimal(5)), ("USD", MISSING), ("€5", BAD)],
    ),
    "nulls": (
        {"type": "integer", "nulls": ["NULL", "n/a"]},
        [("NULL", MISSING), (" n/a ", MISSING), ("null", BAD), ("0", 0)],
    ),
    "date": (
        {"type": "date"},
        [
            ("2024-01-05", JANUARY),
            ("2024-1-5", JANUARY),
            ("2024-02-29", date(2024, 2, 29)),
            ("2023-02-29", BAD),
            ("2024-02-31", BAD),
            ("today", BAD),
            ("yesterday", BAD),
            ("now", BAD),
            ("epoch", BAD),
            ("infinity", BAD),
            ("J2451187", BAD),
            ("2024-1-5 BC", BAD),
            ("0000-01-01", BAD),
            ("20240105", BAD),
            ("2024-01-05T00:00:00", BAD),
            ("05/01/2024", BAD),
            ("24-01-05", BAD),
        ],
    ),
    "formats_in_their_order": (
        {"type": "date", "formats": ["%d/%m/%Y", "%m/%d/%Y", "%Y.%m.%d"]},
        [
            ("05/01/2024", JANUARY),
            ("01/31/2024", date(2024, 1, 31)),
            ("2024.1.5", JANUARY),
            ("2024-01-05", BAD),
            ("31/31/2024", BAD),
            ("5/1/24", BAD),
        ],
    ),
    "instant": (
        {"type": "timestamptz"},
        [
            ("2024-01-05T10:00:00", at(2024, 1, 5, 10)),
            ("2024-01-05 10:00:00", at(2024, 1, 5, 10)),
            ("2024-01-05T10:00", at(2024, 1, 5, 10)),
            ("2024-01-05", at(2024, 1, 5)),
            ("2024-01-05T10:00:00.123456", at(2024, 1, 5, 10, 0, 0, 123456)),
            ("2024-01-05T10:00:00Z", at(2024, 1, 5, 10)),
            ("2024-01-05T10:00:00+02:00", at(2024, 1, 5, 8)),
            ("2024-01-05T10:00:00 -0530", at(2024, 1, 5, 15, 30)),
            ("2024-01-05T10:00:00+02", at(2024, 1, 5, 8)),
            ("2024-01-05T23:59:59", at(2024, 1, 5, 23, 59, 59)),
            ("2024-01-05T24:00:00", BAD),  # PostgreSQL would move it to the next day
            ("2024-01-05 24:00:00Z", BAD),
            ("2024-01-05T24:00", BAD),
            ("2024-01-05T10:00:60", BAD),
            ("2024-01-05 10:00:60", BAD),
            ("2024-01-05T25:00:00", BAD),
            ("2024-01-05T10:60:00", BAD),
            ("2024-02-31T10:00:00", BAD),
            ("2024-01-05T10:00:00.1234567", BAD),
            ("2024-01-05T10:00:00+99:00", BAD),
            ("today", BAD),
            ("now", BAD),
            ("infinity", BAD),
            ("-infinity", BAD),
            ("epoch", BAD),
            ("1704448800", BAD),
            ("2024-01-05 10:00:00 Europe/Paris", BAD),
            ("2024-01-05 10:00 PM", BAD),
            ("2024-1-5 BC", BAD),
            ("J2451187", BAD),
        ],
    ),
    "instant_in_a_zone": (
        {"type": "timestamptz", "zone": "Europe/Paris"},
        [
            ("2024-01-05T10:00:00", at(2024, 1, 5, 9)),
            ("2024-07-05T10:00:00", at(2024, 7, 5, 8)),
            ("2024-07-05T10:00:00Z", at(2024, 7, 5, 10)),
            ("2024-03-31T02:30:00", BAD),  # the clock jumps over it
            ("2024-10-27T02:30:00", BAD),  # the clock shows it twice
            ("2024-10-27T02:30:00+02:00", at(2024, 10, 27, 0, 30)),
        ],
    ),
    "earlier_of_two_autumn_instants": (
        {"type": "timestamptz", "zone": "Europe/Paris", "ambiguous": "earlier"},
        [("2024-10-27T02:30:00", at(2024, 10, 27, 0, 30)), ("2024-10-27T03:30:00", at(2024, 10, 27, 2, 30))],
    ),
    "later_of_two_autumn_instants": (
        {"type": "timestamptz", "zone": "Europe/Paris", "ambiguous": "later"},
        [("2024-10-27T02:30:00", at(2024, 10, 27, 1, 30)), ("2024-10-27T01:30:00", at(2024, 10, 26, 23, 30))],
    ),
    "boolean": (
        {"type": "boolean"},
        [("true", True), ("F", False), ("1", True), ("0", False), ("yes", BAD), ("on", BAD), ("2", BAD)],
    ),
    "text_keeps_its_blanks": (
        {"type": "text"},
        [(" a ", " a "), ("NaN", "NaN"), ("", ""), (None, MISSING), ("  ", "  "), ("Ünï", "Ünï")],
    ),
    "text_trimmed_lowered_and_nulled": (
        {"type": "text", "trim": True, "case": "lower", "nulls": ["", "NULL"]},
        [(" A ", "a"), ("NULL", MISSING), ("  ", MISSING), ("ÉTÉ", "été")],
    ),
    "upper": ({"type": "text", "case": "upper"}, [("inr", "INR")]),
    "accepted": (
        {"type": "text", "case": "lower", "accepted": ["success", "failed"]},
        [("SUCCESS", "success"), ("failed", "failed"), ("pending", BAD), (None, MISSING), ("", BAD)],
    ),
    "check": (
        {"type": "numeric(12,2)", "check": "v > 0"},
        [("0.01", Decimal("0.01")), ("0", BAD), ("-1", BAD), (None, MISSING)],
    ),
    "required": ({"type": "integer", "required": True}, [("1", 1), (None, BAD), ("", BAD)]),
    "default": (
        {"type": "integer", "required": True, "default": "r.id"},
        [(None, 0), ("", 1), ("7", 7), ("x", BAD)],
    ),
    "uuid": (
        {"type": "uuid"},
        [("not one", BAD), ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", BAD), (None, MISSING)],
    ),
    "json": ({"type": "jsonb"}, [('{"a": 1}', {"a": 1}), ("{", BAD), ("[1]", [1])]),
}


@pytest.mark.parametrize(("column", "cases"), [pytest.param(*case, id=name) for name, case in TEXTS.items()])
def test_q_05_q_22_a_text_becomes_the_value_it_means_or_is_rejected(
    warehouse_url: str,
    tmp_path: Path,
    column: dict[str, object],
    cases: list[tuple[str | None, object]],
) -> None:
    load(warehouse_url, tmp_path, contract(column), [text for text, _ in cases])
    found, refused = values(warehouse_url), reasons(warehouse_url)
    outcome = [BAD if n in refused else MISSING if found[n] is None else found[n] for n in range(len(cases))]
    texts = [text for text, _ in cases]
    assert list(zip(texts, outcome, strict=True)) == cases
    assert not found.keys() & refused.keys()  # one fate each


REASONS = {
    "unreadable": ({"type": "integer"}, "x", ["INVALID_V"]),
    "missing": ({"type": "integer", "required": True}, None, ["MISSING_V"]),
    "not_accepted": ({"type": "text", "accepted": ["a"]}, "b", ["UNKNOWN_V"]),
    "check": ({"type": "integer", "check": "v > 0"}, "0", ["INVALID_V"]),
    "named_by_the_contract": (
        {"type": "integer", "check": "v > 0", "reject_as": "BAD_AMOUNT"},
        "0",
        ["BAD_AMOUNT"],
    ),
}


@pytest.mark.parametrize(
    ("column", "text", "expected"), [pytest.param(*case, id=name) for name, case in REASONS.items()]
)
def test_a_rejection_says_what_was_wrong(
    warehouse_url: str, tmp_path: Path, column: dict[str, object], text: str | None, expected: list[str]
) -> None:
    load(warehouse_url, tmp_path, contract(column), [text])
    assert reasons(warehouse_url) == {0: expected}


def test_q_03_a_row_that_breaks_two_rules_is_rejected_once_with_both_reasons_in_their_order(
    warehouse_url: str, tmp_path: Path
) -> None:
    rules = [{"reason": "ODD", "check": "v % 2 = 0"}, {"reason": "SMALL", "check": "v > 10"}]
    load(warehouse_url, tmp_path, contract({"type": "integer"}, rules=rules), ["3", "12", "4", "13"])
    assert reasons(warehouse_url) == {0: ["ODD", "SMALL"], 2: ["SMALL"], 3: ["ODD"]}
    assert values(warehouse_url) == {1: 12}


def test_q_04_a_rule_that_is_unknown_counts_as_failed_unless_it_says_otherwise(
    warehouse_url: str, tmp_path: Path
) -> None:
    rules = [{"reason": "STRICT", "check": "v > 0"}, {"reason": "LENIENT", "check": "v is null or v > 0"}]
    load(warehouse_url, tmp_path, contract({"type": "integer"}, rules=rules), [None, "1"])
    assert reasons(warehouse_url) == {0: ["STRICT"]}


def test_q_05_the_text_that_could_not_be_cast_is_kept_as_it_came(warehouse_url: str, tmp_path: Path) -> None:
    load(warehouse_url, tmp_path, contract({"type": "integer"}), [" 1_000 "])
    with Warehouse(warehouse_url).transaction() as connection:
        kept = connection.execute("select raw_record from quality.rejected_record").fetchall()
    assert kept == [({"id": "0", "v": " 1_000 "},)]


@pytest.mark.parametrize("check", ["1 / v > 0", "v::text ~ '('"], ids=["division_by_zero", "bad_expression"])
def test_q_06_a_rule_that_itself_errors_fails_the_run_and_publishes_nothing(
    warehouse_url: str, tmp_path: Path, check: str
) -> None:
    column: dict[str, object] = {"type": "integer"}
    load(warehouse_url, tmp_path, contract(column), ["1"])
    broken = contract(column, rules=[{"reason": "BROKEN", "check": check}])
    with pytest.raises(SalesPlatformError):
        load(warehouse_url, tmp_path, broken, ["5", "0"])
    assert values(warehouse_url) == {0: 1}
    assert reasons(warehouse_url) == {}
    with Warehouse(warehouse_url).transaction() as connection:
        states = connection.execute("select status from ops.load order by load_id").fetchall()
        raw = connection.execute("select count(*) from raw.test_values").fetchone()
    assert states == [("succeeded",), ("failed",)]
    assert raw == (1,)


def test_q_07_a_rule_that_asks_the_clock_gives_each_row_one_fate(warehouse_url: str, tmp_path: Path) -> None:
    rules = [{"reason": "CLOCK", "check": "extract(microsecond from clock_timestamp())::bigint % 2 = v % 2"}]
    texts = [str(n) for n in range(500)]
    load(warehouse_url, tmp_path, contract({"type": "integer"}, rules=rules), texts)
    loaded, refused = values(warehouse_url).keys(), reasons(warehouse_url).keys()
    assert not loaded & refused
    assert len(loaded) + len(refused) == len(texts)


def test_a_date_format_that_cannot_be_read_is_an_error_of_the_contract() -> None:
    column = contract({"type": "date", "formats": ["%d %B %Y"]}).columns["v"]
    with pytest.raises(ContractError, match="%Y, %m and %d"):
        typed(sql.Identifier("n", "v"), column)
