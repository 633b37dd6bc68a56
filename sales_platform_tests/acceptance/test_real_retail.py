"""The real retail export through import and engine, against figures that pandas computes from the same files.

The expected side knows nothing of the engine: it reads the export itself and applies the rules of the domain. A version
starts at created_at or at an update that changes e-mail or tier; a sale before the first version takes that one.
"""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from pydantic import SecretStr

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_days, locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import verify
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.reading import reading
from sales_platform.metrics.running import run_query
from sales_platform.operations.importing import import_retail
from sales_platform.settings import Settings

Rows = list[tuple[Any, ...]]
SALES = 50_000
TABLES = ("analytics.dim_date", "analytics.fact_sales", "marts.retail_sales_daily")


class Version(NamedTuple):
    """start and end as ISO text in UTC; an open end is empty."""

    customer_id: int
    start: str
    end: str
    email: str | None
    tier: str | None


@pytest.fixture(scope="module")
def export(shared_data: Path) -> Path:
    folder = shared_data / "retail"
    if not (folder / "sales.csv").exists():
        pytest.skip("no shared input: retail/sales.csv is absent")
    return folder


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: EmbeddedServer,
    migrated_template: str,
    export: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Warehouse]:
    """The export, imported and published once for all tests of this module, which only read."""
    folder = tmp_path_factory.mktemp("real_retail")
    name = f"real_retail_{uuid.uuid4().hex[:12]}"
    postgres_server.create_database(name, migrated_template)
    url = postgres_server.url(name)
    settings = Settings(home=folder / "home", data_root=folder / "data", warehouse_url=SecretStr(url))
    import_retail(settings, export)
    load_and_publish(Warehouse(url), settings.data)
    yield Warehouse(url)
    postgres_server.drop_database(name)
    shutil.rmtree(folder)


def load_and_publish(warehouse: Warehouse, data: Path) -> None:
    catalog = read_catalog()
    for feed in (feed for feed in catalog.feeds.values() if feed.domain == "retail"):
        days = existing_days(data, feed.path) if feed.partitions == "daily" else [None]
        load_files(warehouse, feed, [locate(data, feed.path, day) for day in days])
    for dimension in (dimension for dimension in catalog.dimensions.values() if dimension.domain == "retail"):
        refresh_dimension(warehouse, dimension)
    for table in TABLES:
        publish_table(warehouse, catalog.tables[table])


def rows(warehouse: Warehouse, query: str) -> Rows:
    with warehouse.transaction() as connection:
        return connection.execute(query).fetchall()


def read(path: Path) -> pd.DataFrame:
    """Every field as text, missing where it is empty or NULL."""
    return pd.read_csv(path, dtype=str, na_values=["", "NULL"], keep_default_na=False)


def moment(text: str) -> str:
    stamp = pd.Timestamp(text)
    return (stamp.tz_localize(UTC) if stamp.tzinfo is None else stamp.tz_convert(UTC)).isoformat()


def known(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


@pytest.fixture(scope="module")
def versions(export: Path) -> list[Version]:
    """Every customer's versions from the two files: states in order of time, equal neighbours taken together."""
    events: dict[int, dict[str, tuple[str | None, str | None]]] = defaultdict(dict)
    for name, stamp in (("customers.csv", "created_at"), ("customers_updates.csv", "updated_at")):
        for line in read(export / name).to_dict("records"):
            email = known(line["email"])
            state = (email.strip().lower() if email else None, known(line["loyalty_tier"]))
            events[int(line["customer_id"])][moment(line[stamp])] = state
    chains: list[Version] = []
    for customer_id, states in sorted(events.items()):
        ordered = sorted(states.items())
        before = [None, *(state for _, state in ordered)]
        starts = [event for event, last in zip(ordered, before, strict=False) if event[1] != last]
        ends = [start for start, _ in starts[1:]] + [""]
        chains += [Version(customer_id, s, e, *state) for (s, state), e in zip(starts, ends, strict=True)]
    return chains


@pytest.fixture(scope="module")
def sales(export: Path, versions: list[Version]) -> pd.DataFrame:
    """Every sale with cents, the tier in force, and whether it lies before the first version."""
    frame = read(export / "sales.csv")
    frame["customer_id"] = frame["customer_id"].astype(int)
    frame["quantity"] = frame["quantity"].astype(int)
    frame["cents"] = frame["revenue"].map(lambda text: int((Decimal(text) * 100).to_integral_exact()))
    frame["at"] = pd.to_datetime(frame["sale_timestamp"], utc=True)
    frame["day"] = frame["sale_timestamp"].str[:10]
    chains = pd.DataFrame(versions)
    chains["at"] = pd.to_datetime(chains["start"], utc=True)
    first = chains.drop_duplicates("customer_id").set_index("customer_id")
    valued = pd.merge_asof(
        frame.sort_values("at"),
        chains[["customer_id", "at", "tier"]].sort_values("at"),
        on="at",
        by="customer_id",
    )
    early = valued["at"] < valued["customer_id"].map(first["at"])
    valued["tier"] = valued["tier"].where(~early, valued["customer_id"].map(first["tier"]))
    return valued.assign(inferred=early, tier=valued["tier"].fillna("Unknown"))


def totals(frame: pd.DataFrame, by: str) -> Rows:
    """(value, sales, quantity, revenue, sales before the first version) in order of the value."""
    grouped = frame.groupby(by).agg(
        sales=("sale_id", "count"),
        quantity=("quantity", "sum"),
        cents=("cents", "sum"),
        inferred=("inferred", "sum"),
    )
    return [
        (value, count, quantity, Decimal(cents) / 100, inferred)
        for value, count, quantity, cents, inferred in grouped.reset_index().values.tolist()
    ]


def test_the_export_itself_has_what_the_figures_rest_on(sales: pd.DataFrame, versions: list[Version]) -> None:
    assert len(sales) == sales["sale_id"].nunique() == SALES
    assert sales["inferred"].any()
    assert len(versions) > len({version.customer_id for version in versions})


def test_every_record_of_the_export_has_one_fate_and_none_is_rejected(
    warehouse: Warehouse, export: Path
) -> None:
    files = {"customers": "customers", "customer_updates": "customers_updates"} | {
        name: name for name in ("products", "stores", "sales")
    }
    loaded = rows(
        warehouse,
        "select substr(feed, 8), sum(rows_read)::int, sum(rows_loaded)::int from ops.load"
        " where status = 'succeeded' group by 1 order by 1",
    )
    records = {feed: len(read(export / f"{name}.csv")) for feed, name in sorted(files.items())}
    assert loaded == [(feed, count, count) for feed, count in records.items()]
    assert rows(warehouse, "select count(*) from quality.rejected_record") == [(0,)]


def test_every_customers_chain_of_versions_is_the_one_of_the_files(
    warehouse: Warehouse, versions: list[Version]
) -> None:
    stands = rows(
        warehouse,
        "select customer_id, effective_start_date, effective_end_date, email, loyalty_tier, is_current"
        " from analytics.dim_customer where customer_key <> 0 order by 1, 2",
    )
    found = [
        Version(number, start.isoformat(), end.isoformat() if end else "", email, tier)
        for number, start, end, email, tier, _ in stands
    ]
    assert found == versions
    assert [current for *_, current in stands] == [not version.end for version in versions]


def test_s_72_each_sale_is_valued_at_the_tier_in_force_and_says_where_none_was(
    warehouse: Warehouse, sales: pd.DataFrame
) -> None:
    stands = rows(
        warehouse,
        "select f.sale_id::text, coalesce(c.loyalty_tier, 'Unknown'), f.customer_version_inferred, f.revenue"
        " from analytics.fact_sales as f inner join analytics.dim_customer as c using (customer_key)",
    )
    expected = [
        (sale_id, tier, inferred, Decimal(cents) / 100)
        for sale_id, tier, inferred, cents in zip(
            sales["sale_id"], sales["tier"], sales["inferred"].tolist(), sales["cents"].tolist(), strict=True
        )
    ]
    assert sorted(stands) == sorted(expected)


@pytest.mark.parametrize(
    ("column", "value"), [("tier", "loyalty_tier"), ("day", "day::text"), ("store_id", "store_id::text")]
)
def test_the_mart_adds_up_to_the_cent_by_tier_day_and_store(
    warehouse: Warehouse, sales: pd.DataFrame, column: str, value: str
) -> None:
    stands = rows(
        warehouse,
        f"select {value}, sum(sales)::int, sum(quantity)::int, sum(revenue), sum(sales_version_inferred)::int"
        " from marts.retail_sales_daily inner join (select store_key, store_id from analytics.dim_store) as st"
        " using (store_key) group by 1",
    )
    assert sorted(stands) == totals(sales, column)


def test_revenue_by_the_tier_of_today_is_that_of_each_customers_last_version(
    warehouse: Warehouse, sales: pd.DataFrame, versions: list[Version]
) -> None:
    today = {version.customer_id: version.tier or "Unknown" for version in versions}
    cents = sales.assign(today=sales["customer_id"].map(today)).groupby("today")["cents"].sum()
    with reading(warehouse) as connection:
        found = run_query(connection, MetricQuery("retail_revenue", by=("tier_today",)))
    assert dict(found.rows) == {tier: Decimal(int(amount)) / 100 for tier, amount in cents.items()}


def test_the_mart_and_the_fact_have_the_same_sums(warehouse: Warehouse, sales: pd.DataFrame) -> None:
    fact = "select count(*), sum(quantity), sum(revenue), count(*) filter (where customer_version_inferred)"
    mart = "select sum(sales), sum(quantity), sum(revenue), sum(sales_version_inferred)"
    expected = (
        SALES,
        int(sales["quantity"].sum()),
        Decimal(int(sales["cents"].sum())) / 100,
        int(sales["inferred"].sum()),
    )
    assert rows(warehouse, f"{fact} from analytics.fact_sales") == [expected]
    assert rows(warehouse, f"{mart} from marts.retail_sales_daily") == [expected]


def test_a_rebuild_from_raw_gives_the_same_tables_surrogate_keys_included(warehouse: Warehouse) -> None:
    assert verify(warehouse, read_catalog()) == []
