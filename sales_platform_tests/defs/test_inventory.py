"""Nothing without a face: every asset and check says what it is, whose it is and where it comes from."""

import dagster as dg
import pytest

from sales_platform.contracts.catalog import PROJECT_ROOT, read_catalog
from sales_platform.definitions import defs

FEEDS = [f"retail_{table}" for table in ("customers", "customer_updates", "products", "stores", "sales")]
DAILY = {"raw/retail_sales", "staging/retail_sales", "analytics/fact_sales", "marts/retail_sales_daily"}

Specs = dict[str, dg.AssetSpec]
Checks = dict[str, dg.AssetCheckSpec]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> Specs:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(definitions: dg.Definitions) -> Checks:
    """Checks by `schema/table:name`."""
    graph = definitions.resolve_asset_graph()
    found = [graph.get_check_spec(key) for key in graph.asset_check_keys]
    return {f"{spec.asset_key.to_user_string()}:{spec.name}": spec for spec in found}


def test_the_graph_holds_these_assets_and_no_others(specs: Specs) -> None:
    layers = {f"{layer}/{feed}" for layer in ("source", "raw", "staging") for feed in FEEDS}
    tables = {"dim_customer", "dim_product", "dim_store", "fact_sales", "dim_date"}
    analytics = {f"analytics/{table}" for table in tables}
    assert set(specs) == layers | analytics | {"marts/retail_sales_daily"}


def test_every_asset_has_a_description_an_owner_a_kind_and_a_domain(specs: Specs) -> None:
    faceless = [key for key, spec in specs.items() if not (spec.description and spec.owners and spec.kinds)]
    assert faceless == []
    assert {spec.group_name for spec in specs.values()} == {"retail", "calendar"}


def test_every_table_shows_its_columns_and_each_column_what_it_means(specs: Specs) -> None:
    tables = {key: spec for key, spec in specs.items() if not key.startswith("source/")}
    for key, spec in tables.items():
        schema = spec.metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert [f"{key}.{column.name}" for column in schema.columns if not column.description] == []
        assert spec.metadata["dagster/table_name"] == key.replace("/", ".")


def test_every_check_says_what_it_asks(checks: Checks) -> None:
    assert [name for name, spec in checks.items() if not spec.description] == []


def test_the_checks_of_the_daily_feed_come_from_its_contract(checks: Checks) -> None:
    found = {name.split(":")[1] for name in checks if name.startswith("staging/retail_sales:")}
    assert found == {"conservation", "reject_limit", "required", "unique", "range", "reference"}


def test_every_table_that_later_layers_read_is_guarded_by_a_blocking_check(
    specs: Specs, checks: Checks
) -> None:
    guarded = {name.split(":")[0] for name, spec in checks.items() if spec.blocking}
    assert guarded == {key for key in specs if key.split("/")[0] in {"staging", "analytics", "marts"}}


def test_only_tables_of_days_have_partitions(specs: Specs) -> None:
    assert {key for key, spec in specs.items() if spec.partitions_def is not None} == DAILY


def test_a_fact_waits_for_its_staging_table_and_the_dimensions_it_points_at(specs: Specs) -> None:
    found = {dep.asset_key.to_user_string() for dep in specs["analytics/fact_sales"].deps}
    dimensions = {"analytics/dim_customer", "analytics/dim_product", "analytics/dim_store"}
    assert found == {"staging/retail_sales"} | dimensions


def test_name_file_key_and_group_of_a_table_agree(specs: Specs) -> None:
    for table in read_catalog().tables.values():
        key = table.name.replace(".", "/")
        assert specs[key].group_name == table.domain
        assert (PROJECT_ROOT / table.sql_path).is_file()


def test_column_lineage_leads_from_the_mart_to_the_fact(specs: Specs) -> None:
    lineage = specs["marts/retail_sales_daily"].metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineage)
    assert [(d.asset_key.to_user_string(), d.column_name) for d in lineage.deps_by_column["revenue"]] == [
        ("analytics/fact_sales", "revenue")
    ]


def test_personal_data_is_marked_in_every_layer(specs: Specs) -> None:
    marked: set[str] = set()
    for key, spec in specs.items():
        schema = spec.metadata.get("dagster/column_schema")
        if isinstance(schema, dg.TableSchema):
            marked |= {f"{key}.{column.name}" for column in schema.columns if "pii" in column.tags}
    feeds = ("retail_customers", "retail_customer_updates")
    tables = {
        "analytics/dim_customer",
        *(f"{layer}/{feed}" for layer in ("raw", "staging") for feed in feeds),
    }
    assert marked == {f"{table}.{column}" for table in tables for column in ("full_name", "email")}


def test_definitions_load_without_any_setting() -> None:
    assert defs().resolve_asset_graph().get_all_asset_keys()
