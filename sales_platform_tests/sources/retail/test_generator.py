"""What the retail generator promises: SOURCES 4.2's figures, and rows that hang on seed and date alone."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sales_platform.errors import WrongUse
from sales_platform.sources.retail.generator import generate

LAST = date(2025, 3, 31)
MONTH = LAST - timedelta(days=29)
SAMPLE = Path(__file__).parents[3] / "data" / "sample"
TIERS = {"Bronze", "Silver", "Gold", "Platinum"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("clean")
    generate(data, first=MONTH, last=LAST, seed=42)
    return data / "retail"


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("dirty")
    generate(data, first=MONTH, last=LAST, seed=42, dirt=True)
    return data / "retail"


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def sales(folder: Path) -> pd.DataFrame:
    days = sorted(folder.glob("sales/*/*/*/sales.csv"))
    frames = [pd.read_csv(day, dtype=str, keep_default_na=False) for day in days]
    for day, frame in zip(days, frames, strict=True):
        frame["day"] = "-".join(day.parts[-4:-1])
    return pd.concat(frames, ignore_index=True)


def contents(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*.csv")}


def test_the_committed_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    generate(tmp_path, first=date(2025, 1, 1), last=date(2025, 1, 7), seed=42)
    committed = contents(SAMPLE)
    written = contents(tmp_path)
    assert {name for name in committed if name.startswith("retail/")} == set(written)
    assert [name for name, content in written.items() if committed[name] != content] == []


def test_counts_and_values_are_those_of_the_replaced_generator(clean: Path) -> None:
    customers, products, stores = (table(clean, name) for name in ("customers", "products", "stores"))
    assert (len(customers), len(products), len(stores)) == (500, 200, 20)
    assert customers["full_name"].is_unique
    assert customers["email"].is_unique
    assert list(customers["customer_id"]) == [str(number) for number in range(1, 501)]
    shares = customers["loyalty_tier"].value_counts(normalize=True)
    expected = {"Bronze": 0.45, "Silver": 0.30, "Gold": 0.20, "Platinum": 0.05}
    assert shares.to_dict() == pytest.approx(expected, abs=0.08)
    assert set(products["category"]) == {"Electronics", "Home", "Grocery", "Clothing", "Beauty", "Sports"}
    assert set(stores["region"]) <= {"Ontario", "Quebec", "Prairies", "BC", "Atlantic"}
    prices = products["unit_price"].map(Decimal)
    assert Decimal("3.50") <= prices.min() < prices.max() <= Decimal("450.00")


def test_every_day_has_278_sales_that_happen_in_order_inside_it(clean: Path) -> None:
    rows = sales(clean)
    assert rows.groupby("day").size().to_dict() == {f"{MONTH + timedelta(days=n)}": 278 for n in range(30)}
    assert rows["sale_timestamp"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").all()
    assert (rows["sale_timestamp"].str[:10] == rows["day"]).all()
    assert rows["sale_timestamp"].is_monotonic_increasing
    assert rows["sale_id"].is_unique
    assert rows["sale_id"].map(int).max() < 2**63
    assert set(rows["quantity"]) == {"1", "2", "3", "4", "5"}


def test_revenue_is_price_times_quantity_to_the_cent(clean: Path) -> None:
    prices = table(clean, "products").set_index("product_id")["unit_price"].map(Decimal)
    rows = sales(clean)
    expected = rows["product_id"].map(prices) * rows["quantity"].map(int)
    assert (rows["revenue"].map(Decimal) == expected).all()


def test_clean_sales_name_known_members_and_never_precede_their_customer(clean: Path) -> None:
    rows = sales(clean)
    for name in ("customer", "product", "store"):
        assert set(rows[f"{name}_id"]) <= set(table(clean, f"{name}s")[f"{name}_id"])
    created = table(clean, "customers").set_index("customer_id")["created_at"]
    assert (rows["customer_id"].map(created) < rows["sale_timestamp"]).all()


@pytest.mark.parametrize("dirt", [False, True])
def test_a_days_sales_depend_on_seed_and_day_only(tmp_path: Path, dirt: bool) -> None:
    day = date(2025, 3, 10)
    alone, among, other = tmp_path / "alone", tmp_path / "among", tmp_path / "other"
    generate(alone, first=day, last=day, seed=42, dirt=dirt)
    generate(among, first=day - timedelta(days=9), last=day + timedelta(days=20), seed=42, dirt=dirt)
    generate(other, first=day, last=day, seed=43, dirt=dirt)
    name = "retail/sales/2025/03/10/sales.csv"
    assert contents(alone)[name] == contents(among)[name]
    assert contents(alone)[name] != contents(other)[name]


def test_customers_products_and_stores_do_not_move_with_the_end(tmp_path: Path) -> None:
    generate(tmp_path / "early", first=date(2024, 5, 1), last=date(2024, 5, 1), seed=42)
    generate(tmp_path / "late", first=date(2026, 5, 1), last=date(2026, 5, 1), seed=42)
    early, late = contents(tmp_path / "early"), contents(tmp_path / "late")
    for name in ("customers", "products", "stores"):
        assert early[f"retail/{name}.csv"] == late[f"retail/{name}.csv"]


@pytest.mark.parametrize("dirt", [False, True])
def test_an_update_is_in_the_file_from_its_own_day_on(tmp_path: Path, dirt: bool) -> None:
    name = "retail/customer_updates.csv"
    before = b""
    for last in (date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 15)):
        generate(tmp_path, first=last, last=last, seed=42, dirt=dirt)
        now = contents(tmp_path)[name]
        assert now.startswith(before)
        before = now
        dates = re.findall(rb",(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d\n", now)
        assert max(dates).decode() <= f"{last}"
    assert before.count(b",2025-03-") >= 5


def test_updates_continue_each_customers_own_chain(clean: Path) -> None:
    state = {row[0]: row[1:4] for row in _records(clean / "customers.csv")}
    changed: Counter[str] = Counter()
    moments = []
    for customer, name, email, tier, moment in _records(clean / "customer_updates.csv"):
        first_name = name.split()[0].strip(".").lower()
        assert name == state[customer][0]
        assert email in {state[customer][1], f"{first_name}.{customer}@example.com"}
        assert tier in TIERS
        changed[customer] += state[customer] != [name, email, tier]
        state[customer] = [name, email, tier]
        moments.append(moment)
    assert moments == sorted(moments)
    assert max(changed.values()) > 1
    assert 0.5 < len(moments) / ((LAST - date(2024, 1, 1)).days + 1) < 1.5


def _records(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_a_rerun_touches_no_file(tmp_path: Path) -> None:
    generate(tmp_path, first=LAST, last=LAST, seed=42)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = generate(tmp_path, first=LAST, last=LAST, seed=42)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert [table.changed for table in again] == [0, 0, 0, 0, 0]


def test_dirt_puts_17_percent_of_the_sales_before_their_customer(dirty: Path) -> None:
    rows = sales(dirty)
    created = table(dirty, "customers").drop_duplicates().set_index("customer_id")["created_at"]
    readable = created[created.str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")]
    joined = rows.assign(created_at=rows["customer_id"].map(readable)).dropna(subset="created_at")
    share = (
        joined["sale_timestamp"].str[:4].eq("2025") & (joined["sale_timestamp"] < joined["created_at"])
    ).mean()
    assert share == pytest.approx(0.17, abs=0.02)


def test_dirt_brings_every_fault_of_sales_each_day(dirty: Path) -> None:
    rows = sales(dirty)
    known = {name: set(table(dirty, f"{name}s")[f"{name}_id"]) for name in ("customer", "product")}
    absent = {"", "NULL"}
    faults = {
        "absent": rows[["sale_id", "customer_id", "revenue"]].isin(absent).any(axis=1),
        "unreadable": ~rows["sale_timestamp"].str.startswith(tuple(rows["day"].unique()))
        | rows["sale_timestamp"].eq("2025-02-30T10:00:00"),
        "unknown customer": ~rows["customer_id"].isin(known["customer"] | absent),
        "unknown product": ~rows["product_id"].isin(known["product"] | absent),
        "identical copy": rows.duplicated(),
    }
    for fault, where in faults.items():
        assert rows[where].groupby("day").size().reindex(rows["day"].unique()).between(1, 5).all(), fault


def test_dirt_brings_late_conflicting_repeated_and_broken_updates(dirty: Path) -> None:
    rows = table(dirty, "customer_updates")
    valid = rows["updated_at"].str.fullmatch(r"2\d{3}-(?!02-30)\d\d-\d\dT\d\d:\d\d:\d\d")
    dated = rows[valid]
    assert (dated["updated_at"] < dated["updated_at"].cummax()).sum() > 10
    copies = dated.duplicated().sum()
    same_moment = dated.drop_duplicates().duplicated(["customer_id", "updated_at"]).sum()
    assert copies > 10
    assert same_moment > 10
    absent = rows["updated_at"].isin(["", "NULL"])
    unknown = rows["customer_id"].map(int) > 900_000
    assert absent.any()
    assert (~valid & ~absent).any()
    assert unknown.any()
    assert (absent | ~valid | unknown).mean() < 0.05


def test_dirt_brings_no_update_of_a_customer_before_created_at(dirty: Path) -> None:
    created = table(dirty, "customers").drop_duplicates().set_index("customer_id")["created_at"]
    readable = created[created.str.startswith("20") & created.ne("2025-02-30T10:00:00")]
    rows = table(dirty, "customer_updates")
    rows = rows[rows["updated_at"].str.startswith("20") & rows["updated_at"].ne("2025-02-30T10:00:00")]
    rows = rows.assign(created_at=rows["customer_id"].map(readable)).dropna(subset="created_at")
    assert len(rows) > 100
    assert (rows["updated_at"] > rows["created_at"]).all()


def test_dirt_spoils_few_customers_and_no_product_or_store(clean: Path, dirty: Path) -> None:
    rows = table(dirty, "customers")
    assert rows["email"].isin(["", "NULL"]).sum() == 2
    assert rows["created_at"].isin(["", "NULL"]).sum() == 2
    assert rows.duplicated().sum() == 2
    for name in ("products", "stores"):
        assert (clean / f"{name}.csv").read_bytes() == (dirty / f"{name}.csv").read_bytes()


def test_days_before_the_company_opened_are_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="opened on 2024-01-01"):
        generate(tmp_path, first=date(2023, 12, 31), last=date(2024, 1, 2), seed=42)
    assert list(tmp_path.iterdir()) == []
