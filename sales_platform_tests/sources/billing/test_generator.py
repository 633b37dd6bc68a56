"""What the billing generator promises: the shares of SOURCES 3.5, and files that hang on seed and number alone."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sales_platform.engine.files import REFERENCE_FOLDER
from sales_platform.errors import WrongUse
from sales_platform.sources.billing.generator import generate, rows_of
from sales_platform.sources.billing.invoices import COLUMNS, CUSTOMERS, PRICES_CENTS, STATUSES

ROWS = 10_000


def table(folder: Path, number: int = 1) -> pd.DataFrame:
    return pd.read_csv(folder / "billing" / f"invoices_{number}.csv", dtype=str, keep_default_na=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.csv")}


def shares(frame: pd.DataFrame) -> dict[str, float]:
    """Of the lines: every spelling and fault, told by the text alone."""
    day, name, price = frame["issue_date"], frame["customer_name"], frame["unit_price"]
    money = price.str.replace(r"[^0-9.]", "", regex=True).map(Decimal)
    low = [
        total != "NULL" and int(qty) * unit - Decimal(total) == 1
        for qty, unit, total in zip(frame["qty"], money, frame["total"], strict=True)
    ]
    marks = {
        "no id": frame["invoice_id"] == "",
        "copies": frame[frame["invoice_id"] != ""].duplicated(),
        "day first": day.str.fullmatch(r"\d\d/\d\d/\d{4}"),
        "year first": day.str.fullmatch(r"\d{4}/\d\d/\d\d"),
        "month 13": day.str.fullmatch(r"\d{4}-13-\d+"),
        "no name": name == "",
        "small name": (name != "") & (name == name.str.lower()),
        "large name": (name != "") & (name == name.str.upper()),
        "$": price.str.startswith("$ "),
        "USD": price.str.startswith("USD "),
        "no total": frame["total"] == "NULL",
        "low total": pd.Series(low),
    }
    return {mark: float(found.sum()) / len(frame) for mark, found in marks.items()}


def test_the_dirt_has_the_shares_of_the_real_file(tmp_path: Path, shared_data: Path) -> None:
    generate(tmp_path, files=1, rows=ROWS, seed=42, dirt=True)
    real = pd.read_csv(shared_data / "billing" / "input.csv", dtype=str, keep_default_na=False)
    made = table(tmp_path)
    # copies of lines move the others by a few
    assert shares(made) == pytest.approx(shares(real), abs=0.002)
    assert list(made.columns) == list(real.columns)
    for column in ("status", "customer_id", "item_description", "qty"):
        assert set(made[column]) == set(real[column])
    assert shares(made)["no id"] == 0.005


def test_clean_files_have_nothing_to_judge(tmp_path: Path) -> None:
    generate(tmp_path, files=1, rows=ROWS, seed=42)
    made = table(tmp_path)
    assert set(shares(made).values()) == {0.0}
    assert made["invoice_id"].tolist() == [f"INV-{number:05}" for number in range(1, ROWS + 1)]
    assert (made["issue_date"].min(), made["issue_date"].max()) == ("2023-01-01", "2024-01-01")
    assert made["customer_id"].map(CUSTOMERS).equals(made["customer_name"])
    assert set(made["status"]) == set(STATUSES)
    cents = made["unit_price"].map(lambda text: int(Decimal(text) * 100))
    assert cents.equals(made["item_description"].map(PRICES_CENTS))
    assert [Decimal(total) for total in made["total"]] == [
        int(qty) * Decimal(price) for qty, price in zip(made["qty"], made["unit_price"], strict=True)
    ]


def test_the_simulated_names_are_those_of_the_shipped_lists() -> None:
    def rows(name: str) -> list[list[str]]:
        with (REFERENCE_FOLDER / "billing" / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
            return list(csv.reader(lines))[1:]

    assert {key: name for key, name in rows("customers")} == CUSTOMERS
    assert {name for (name,) in rows("items")} == set(PRICES_CENTS)
    assert {name for (name,) in rows("statuses")} == set(STATUSES)


@pytest.mark.parametrize("dirt", [False, True])
def test_a_file_depends_on_seed_and_number_only(tmp_path: Path, dirt: bool) -> None:
    generate(tmp_path / "two", files=2, rows=50, seed=7, dirt=dirt)
    generate(tmp_path / "three", files=3, rows=50, seed=7, dirt=dirt)
    generate(tmp_path / "other", files=2, rows=50, seed=8, dirt=dirt)
    two, three, other = (contents(tmp_path / name) for name in ("two", "three", "other"))
    assert two == {name: content for name, content in three.items() if name != "invoices_3.csv"}
    assert two["invoices_1.csv"] != other["invoices_1.csv"]
    assert two["invoices_1.csv"] != two["invoices_2.csv"]


def test_ids_run_on_from_file_to_file_and_a_rerun_writes_nothing(tmp_path: Path) -> None:
    first = generate(tmp_path, files=3, rows=20, seed=1)
    again = generate(tmp_path, files=3, rows=20, seed=1)
    assert (first.changed, again.changed, first.rows) == (3, 0, 60)
    ids = [invoice for number in (1, 2, 3) for invoice in table(tmp_path, number)["invoice_id"]]
    assert ids == [f"INV-{number:05}" for number in range(1, 61)]


def test_however_short_a_dirty_file_is_its_faults_stay_below_the_reject_limit() -> None:
    for count in range(1, 120):
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(1, count, seed=3, dirt=True)]
        assert len(rows) == count
        assert sum(
            "-13-" in r["issue_date"] or r["total"] == "NULL" or not r["invoice_id"] for r in rows
        ) <= (count * 0.15)


@pytest.mark.parametrize(("files", "rows", "seed"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_numbers_that_make_no_file_are_refused(tmp_path: Path, files: int, rows: int, seed: int) -> None:
    with pytest.raises(WrongUse):
        generate(tmp_path, files=files, rows=rows, seed=seed)
    assert contents(tmp_path) == {}
