"""What the generator of the payment channels promises: SOURCES 5.2's figures; a day hangs on seed and date alone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sales_platform.engine.files import REFERENCE_FOLDER
from sales_platform.errors import HeaderMismatch, WrongUse
from sales_platform.sources.channels.customers import customers
from sales_platform.sources.channels.generator import generate

LAST = date(2026, 5, 31)
FIRST = LAST - timedelta(days=19)
COLUMNS = "transaction_id,date_key,customer_key,channel_key,city_key,amount,status,processing_time"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    generate(folder, first=FIRST, last=LAST, seed=42)
    return folder


@pytest.fixture(scope="module")
def rows(data: Path) -> pd.DataFrame:
    frames = []
    for path in sorted(data.glob("channels/raw/*/*/*/transactions.csv")):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frames.append(frame.assign(day="".join(path.parts[-4:-1]), line=range(len(frame))))
    return pd.concat(frames, ignore_index=True)


def contents(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*.csv")}


def reference(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE_FOLDER / "channels" / name, dtype=str, keep_default_na=False)


def test_every_day_has_500_payments_numbered_from_0_and_dated_as_their_path(rows: pd.DataFrame) -> None:
    assert rows.groupby("day").size().tolist() == [500] * 20
    assert (rows["date_key"] == rows["day"]).all()
    numbered = [f"T{day}{line:05}" for day, line in zip(rows["day"], rows["line"], strict=True)]
    assert rows["transaction_id"].tolist() == numbered


def test_a_file_has_the_columns_of_the_replaced_system_in_their_order(data: Path) -> None:
    assert {content.split(b"\n", 1)[0].decode() for content in contents(data).values()} == {COLUMNS}


def test_values_are_drawn_as_the_replaced_system_drew_them(rows: pd.DataFrame) -> None:
    amounts, seconds = rows["amount"].map(Decimal), rows["processing_time"].map(Decimal)
    assert Decimal(10) <= amounts.min() < 12
    assert 998 < amounts.max() <= Decimal(1000)
    assert (seconds.min(), seconds.max()) == (Decimal("0.50"), Decimal("5.00"))
    assert set(rows["customer_key"].map(int)) <= set(range(1, 1001))
    shares = rows["channel_key"].value_counts(normalize=True).to_dict()
    assert shares == pytest.approx({"1": 0.25, "2": 0.25, "3": 0.25, "4": 0.25}, abs=0.02)
    assert rows["status"].value_counts(normalize=True).to_dict() == pytest.approx(
        {"success": 0.9, "failed": 0.1}, abs=0.02
    )


def test_a_payment_is_made_in_its_customers_city(rows: pd.DataFrame) -> None:
    cities = reference("customer_city.csv").set_index("customer_key")["city_key"]
    assert cities.value_counts().to_dict() == {"1": 250, "2": 224, "3": 287, "4": 239}
    assert (rows["customer_key"].map(cities) == rows["city_key"]).all()


def test_a_days_payments_depend_on_seed_and_day_only(tmp_path: Path) -> None:
    day = date(2026, 3, 10)
    alone, among, other = tmp_path / "alone", tmp_path / "among", tmp_path / "other"
    generate(alone, first=day, last=day, seed=42)
    generate(among, first=day - timedelta(days=3), last=day + timedelta(days=3), seed=42)
    generate(other, first=day, last=day, seed=43)
    name = "channels/raw/2026/03/10/transactions.csv"
    assert contents(alone)[name] == contents(among)[name]
    assert contents(alone)[name] != contents(other)[name]


def test_a_second_run_writes_nothing(data: Path) -> None:
    assert generate(data, first=FIRST, last=LAST, seed=42).changed == 0


def test_the_data_folders_own_cities_count_and_a_customer_without_one_has_none(tmp_path: Path) -> None:
    own = tmp_path / "channels" / "reference" / "customer_city.csv"
    own.parent.mkdir(parents=True)
    own.write_text("customer_key,city_key\n" + "".join(f"{key},9\n" for key in range(1, 501)))
    generate(tmp_path, first=LAST, last=LAST, seed=1)
    rows = pd.read_csv(
        tmp_path / f"channels/raw/{LAST:%Y/%m/%d}/transactions.csv", dtype=str, keep_default_na=False
    )
    expected = rows["customer_key"].map(lambda key: "9" if int(key) <= 500 else "")
    assert rows["city_key"].tolist() == expected.tolist()


def test_cities_that_cannot_be_read_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    own = tmp_path / "channels" / "reference" / "customer_city.csv"
    own.parent.mkdir(parents=True)
    own.write_text("customer,city\n1,2\n")
    with pytest.raises(HeaderMismatch, match="customer_city"):
        generate(tmp_path, first=LAST, last=LAST, seed=1)
    assert not (tmp_path / "channels" / "raw").exists()


@pytest.mark.parametrize(("first", "seed"), [(LAST + timedelta(days=1), 1), (LAST, -1)])
def test_a_range_without_a_day_and_a_negative_seed_are_wrong_use(
    tmp_path: Path, first: date, seed: int
) -> None:
    with pytest.raises(WrongUse):
        generate(tmp_path, first=first, last=LAST, seed=seed)


def test_the_shipped_customers_are_what_the_rule_makes_of_their_keys() -> None:
    shipped = reference("customers.csv")
    assert shipped.equals(customers(range(1, 1001)).astype(str))
    assert shipped["segment"].value_counts().to_dict() == {
        "SMB": 265,
        "Enterprise": 256,
        "Retail": 242,
        "Corporate": 237,
    }
    assert shipped["signup_date"].between("2021-01-01", "2025-12-31").all()


def test_the_shipped_reference_files_are_those_of_the_real_system(shared_data: Path) -> None:
    for name in ("dim_channel.csv", "dim_city.csv", "customer_city.csv"):
        real = (shared_data / "channels_reference" / name).read_text().split()
        assert (REFERENCE_FOLDER / "channels" / name).read_text().split() == real
