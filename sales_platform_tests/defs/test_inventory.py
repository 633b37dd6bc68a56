"""Nothing without a face: every asset and check says what it is, whose it is and where it comes from."""

import dagster as dg
import pytest

from sales_platform.contracts.catalog import PROJECT_ROOT, read_catalog
from sales_platform.definitions import defs

FEEDS = {
    "retail": ("customers", "customer_updates", "products", "stores", "sales"),
    "invoicing": ("clients", "sellers", "products", "invoices", "invoice_items", "payments"),
    "accounts": ("customers", "accounts", "transactions"),
    "billing": ("customers", "items", "statuses", "invoices"),
    "channels": ("channels", "cities", "customers", "transactions"),
}
ANALYTICS = {
    "retail": ("dim_customer", "dim_product", "dim_store", "fact_sales"),
    "invoicing": (
        *("dim_client", "dim_seller", "dim_catalog_product"),
        *("fact_invoice", "fact_invoice_item", "fact_payment"),
    ),
    "accounts": ("dim_account", "dim_account_customer", "fact_account_transaction"),
    "billing": (
        *("dim_billing_customer", "dim_billing_item", "dim_billing_status"),
        "fact_billing_invoice",
    ),
    "channels": ("dim_channel", "dim_city", "dim_channel_customer", "fact_transaction"),
    "calendar": ("dim_date",),
}
MARTS = {
    "retail": ("retail_sales_daily",),
    "invoicing": ("invoicing_daily", "invoicing_collected_daily", "invoicing_receivables_daily"),
    "accounts": ("accounts_customer_balance", "accounts_account_activity", "accounts_net_flow_daily"),
    "billing": ("billing_sales_daily",),
    "channels": ("channels_daily",),
    "company": ("revenue_daily",),
}
RECONCILED = ("invoicing", "accounts")
FILES = {"files/channels_transactions": "channels"}
BACKUPS = {"backup/blob_backup": "backup", "backup/rehearsal": "backup"}
DAILY = {
    *("raw/retail_sales", "staging/retail_sales", "analytics/fact_sales", "marts/retail_sales_daily"),
    *("raw/channels_transactions", "staging/channels_transactions", "analytics/fact_transaction"),
    *("marts/channels_daily", *FILES, "backup/blob_backup"),
}
NO_TABLES = ("source/", "ops/", "files/", "backup/")
PER_FILE = {"raw/billing_invoices", "staging/billing_invoices"}

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


def test_the_graph_holds_these_assets_in_these_groups_and_no_others(specs: Specs) -> None:
    expected = {f"ops/{domain}_reconciliation": "reconciliation" for domain in RECONCILED}
    expected |= FILES | BACKUPS
    expected["ops/maintenance"] = "maintenance"
    for domain, tables in FEEDS.items():
        layers = [f"{layer}/{domain}_{table}" for layer in ("source", "raw", "staging") for table in tables]
        expected |= dict.fromkeys(layers, domain)
    for layer, domains in (("analytics", ANALYTICS), ("marts", MARTS)):
        expected |= {f"{layer}/{table}": domain for domain, tables in domains.items() for table in tables}
    assert {key: spec.group_name for key, spec in specs.items()} == expected


def test_every_asset_has_a_description_an_owner_and_a_kind(specs: Specs) -> None:
    faceless = [key for key, spec in specs.items() if not (spec.description and spec.owners and spec.kinds)]
    assert faceless == []


def test_every_table_shows_its_columns_and_each_column_what_it_means(specs: Specs) -> None:
    tables = {key: spec for key, spec in specs.items() if not key.startswith(NO_TABLES)}
    for key, spec in tables.items():
        schema = spec.metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert [f"{key}.{column.name}" for column in schema.columns if not column.description] == []
        assert spec.metadata["dagster/table_name"] == key.replace("/", ".")


def test_every_check_says_what_it_asks(checks: Checks) -> None:
    assert [name for name, spec in checks.items() if not spec.description] == []


def test_the_checks_of_the_daily_feed_come_from_its_contract(checks: Checks) -> None:
    found = {name.split(":")[1] for name in checks if name.startswith("staging/retail_sales:")}
    assert found == {
        "volume",
        "freshness",
        "yesterday_there",
        "late_files",
        "duplicate_rate",
        "schema_drift",
        "conservation",
        "reject_limit",
        "required",
        "unique",
        "range",
        "reference",
        "files_there",
    }


def test_every_table_that_later_layers_read_is_guarded_by_a_blocking_check(
    specs: Specs, checks: Checks
) -> None:
    guarded = {name.split(":")[0] for name, spec in checks.items() if spec.blocking}
    assert guarded == {key for key in specs if key.split("/")[0] in {"staging", "analytics", "marts"}}


def test_only_tables_of_days_or_of_files_have_partitions(specs: Specs) -> None:
    assert {key for key, spec in specs.items() if spec.partitions_def is not None} == DAILY | PER_FILE


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
    assert marked == {f"{table}.{column}" for table, columns in _personal().items() for column in columns}


def _personal() -> dict[str, tuple[str, ...]]:
    party = ("name", "address", "tax_id")
    feeds = {
        "retail_customers": ("full_name", "email"),
        "retail_customer_updates": ("full_name", "email"),
        "invoicing_clients": ("iban", *(f"client_{column}" for column in party)),
        "invoicing_sellers": ("iban", *(f"seller_{column}" for column in party)),
        "accounts_customers": ("name", "email"),
        "billing_customers": ("customer_name",),
        "billing_invoices": ("customer_name",),
        "channels_customers": ("customer_name",),
    }
    return {
        **{f"{layer}/{feed}": columns for layer in ("raw", "staging") for feed, columns in feeds.items()},
        "analytics/dim_customer": feeds["retail_customers"],
        "analytics/dim_client": feeds["invoicing_clients"],
        "analytics/dim_seller": feeds["invoicing_sellers"],
        "analytics/dim_account_customer": feeds["accounts_customers"],
        "analytics/dim_billing_customer": feeds["billing_customers"],
        "analytics/dim_channel_customer": feeds["channels_customers"],
        "marts/invoicing_daily": ("client_name", "seller_name"),
        "marts/invoicing_collected_daily": ("client_name", "seller_name"),
        "marts/accounts_customer_balance": feeds["accounts_customers"],
        "marts/billing_sales_daily": feeds["billing_customers"],
    }


def test_definitions_load_without_any_setting() -> None:
    assert defs().resolve_asset_graph().get_all_asset_keys()
