"""Figures held against the tables they are made from: equal after a run, and a cent too much is found where it is."""

from __future__ import annotations

from datetime import UTC, date
from pathlib import Path

import dagster as dg
import pytest

from sales_platform.components.table_checks import table_checks
from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.reading import read_contract
from sales_platform.contracts.table import Figure, SqlTableContract
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import ContractError, SalesPlatformError
from sales_platform.resources import WarehouseResource
from sales_platform.sources.accounts.generator import fill
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import Size
from sales_platform_tests.components.judged import broken_in, judged, samples
from sales_platform_tests.defs.billing_road import BillingRoad
from sales_platform_tests.defs.billing_road import line as invoice_line
from sales_platform_tests.defs.channels_road import ChannelsRoad, line
from sales_platform_tests.defs.oltp_road import OltpRoad

CATALOG = read_catalog()
FACT, MART = CATALOG.tables["analytics.fact_transaction"], CATALOG.tables["marts.channels_daily"]
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")


@pytest.fixture
def channels(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    """Four days of three payments of INR 200.00."""
    road = ChannelsRoad(warehouse_url, tmp_path / "data")
    for day in DAYS:
        road.put(day, [line(f"{day}-{number}", day) for number in range(3)])
    road.run()
    return road


def _only(road: ChannelsRoad, table: SqlTableContract, check: str, *days: str) -> dg.AssetCheckResult:
    with road.warehouse.transaction() as connection:
        return judged(connection, table, days or None)[check]


def _execute(road: ChannelsRoad, statement: str) -> None:
    with road.warehouse.transaction() as connection:
        connection.execute(statement.encode())


def test_equal_figures_pass_and_are_shown(channels: ChannelsRoad) -> None:
    result = _only(channels, FACT, "equals_channels_transactions")
    assert result.passed
    assert result.description == (
        "as in staging.channels_transactions: rows 12, amount 2,400.00, successful_amount 2,400.00,"
        " processing_time 18.00"
    )
    assert result.metadata["groups"].value == 4


def test_a_cent_that_moved_between_two_days_is_found_on_both(channels: ChannelsRoad) -> None:
    for day, cent in (("2026-03-02", "0.01"), ("2026-03-04", "-0.01")):
        _execute(
            channels,
            f"update analytics.fact_transaction set amount = amount + {cent} where transaction_id = '{day}-1'",
        )
    result = _only(channels, FACT, "equals_channels_transactions")
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.ERROR
    assert result.description == (
        "amount 2,400.00, but 2,400.00 in staging.channels_transactions (+0.00);"
        " successful_amount 2,400.00, but 2,400.00 in staging.channels_transactions (+0.00)"
        ", on 2026-03-02 and 2026-03-04"
    )
    assert result.metadata["by_partition"].value == {
        "2026-03-02": {"amount": "0.01", "successful_amount": "0.01"},
        "2026-03-04": {"amount": "-0.01", "successful_amount": "-0.01"},
    }
    first = samples(result)[0]
    assert (first["_partition"], first["amount_here"], first["amount_there"]) == (
        *("2026-03-02", "600.01", "600.00"),
    )
    listed = str(result.metadata["offenders_sql"].value).removeprefix("```sql\n").removesuffix("\n```")
    assert [row[0] for row in channels.rows(listed)] == ["2026-03-02", "2026-03-04"]


def test_a_run_over_days_compares_these_days_only(channels: ChannelsRoad) -> None:
    _execute(channels, "delete from analytics.fact_transaction where transaction_id = '2026-03-02-1'")
    assert _only(channels, FACT, "equals_channels_transactions", "2026-03-01", "2026-03-03").passed
    over = _only(channels, FACT, "equals_channels_transactions", "2026-03-01", "2026-03-02")
    assert over.description is not None
    assert over.description.startswith("rows 5, but 6 in staging.channels_transactions (-1)")
    assert over.description.endswith(", on 2026-03-02")


def test_a_day_that_one_side_lacks_is_found(channels: ChannelsRoad) -> None:
    _execute(channels, "delete from marts.channels_daily where day = '2026-03-03'")
    result = _only(channels, MART, "equals_fact_transaction")
    days = result.metadata["by_partition"].value
    assert isinstance(days, dict)
    assert list(days) == ["2026-03-03"]


def test_news_in_staging_is_no_defect_of_a_fact_that_has_yet_to_run(channels: ChannelsRoad) -> None:
    channels.put("2026-03-02", [line("new", "2026-03-02")])
    channels.load("2026-03-02")
    over = _only(channels, FACT, "equals_channels_transactions")
    assert over.passed
    assert over.metadata["not_compared"].value == ["2026-03-02"]
    alone = _only(channels, FACT, "equals_channels_transactions", "2026-03-02")
    assert (alone.passed, alone.metadata["compared"].value) == (True, False)
    channels.publish()
    assert _only(channels, FACT, "equals_channels_transactions", "2026-03-02").description == (
        "as in staging.channels_transactions: rows 1, amount 200.00, successful_amount 200.00, processing_time 1.50"
    )


def test_a_figure_that_cannot_be_computed_is_named_by_the_contracts_word(channels: ChannelsRoad) -> None:
    (equality,) = FACT.equals
    wrong = equality.model_copy(update={"figures": {"amount": Figure(mine="sum(nothing)", theirs="1")}})
    with pytest.raises(SalesPlatformError) as caught:
        _only(channels, FACT.model_copy(update={"equals": (wrong,)}), equality.check_name)
    assert caught.value.where == "analytics.fact_transaction equals staging.channels_transactions"
    assert 'column "nothing" does not exist' in caught.value.what.lower()


def test_as_dagster_runs_it_the_failed_check_has_its_severity_and_samples(channels: ChannelsRoad) -> None:
    _execute(
        channels, "update analytics.fact_transaction set amount = 1 where transaction_id = '2026-03-02-1'"
    )
    name = "equals_channels_transactions"
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(["analytics", "fact_transaction"])],
        asset_checks=[table_checks(FACT)],
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())],
        resources={"warehouse": WarehouseResource(url=channels.warehouse.url)},
    )
    run = definitions.resolve_job_def("checks").execute_in_process(raise_on_error=False)
    evaluations = {found.check_name: found for found in run.get_asset_check_evaluations()}
    assert {name for name, found in evaluations.items() if not found.passed} == {name}
    assert evaluations[name].severity == dg.AssetCheckSeverity.ERROR
    assert (evaluations[name].description or "").endswith(", on 2026-03-02")
    assert evaluations.keys() == {"grain_unique", "keys_resolve", "unknown_rate", "inferred_rate", name}


def _caught(warehouse: Warehouse, catalog: Catalog, domain: str, defect: str) -> set[str]:
    """The checks of a domain that fail after the defect, which is taken back."""
    with warehouse.connect() as connection:
        connection.execute(defect.encode())
        found = set(broken_in(connection, catalog, domain))
        connection.rollback()
    return found


def test_defects_of_channels_are_caught_by_the_checks_meant_for_them(channels: ChannelsRoad) -> None:
    defects = {
        "update analytics.fact_transaction set revenue = 0 where transaction_id = '2026-03-01-0'": {
            "channels_daily:equals_fact_transaction"
        },
        "update marts.channels_daily set fee_amount = fee_amount + 0.00000001 where day = '2026-03-01'": {
            "channels_daily:equals_fact_transaction"
        },
        "update staging.channels_transactions set amount = 1 where transaction_id = '2026-03-01-0'": {
            "fact_transaction:equals_channels_transactions"
        },
        "select 1": set(),
    }
    for defect, expected in defects.items():
        assert _caught(channels.warehouse, CATALOG, "channels", defect) == expected, defect


def test_defects_of_billing_are_caught_by_the_checks_meant_for_them(
    warehouse_url: str, tmp_path: Path
) -> None:
    road = BillingRoad(warehouse_url, tmp_path / "data")
    road.put(
        "a.csv",
        [invoice_line(1), invoice_line(2, issue_date="2023-05-07"), invoice_line(3, status="PENDING")],
    )
    road.run()
    defects = {
        "select 1": set(),
        "update analytics.fact_billing_invoice set total = 60.01 where invoice_id = 'INV-00001'": {
            *(
                "fact_billing_invoice:equals_billing_invoices",
                "billing_sales_daily:equals_fact_billing_invoice",
            )
        },
        "update marts.billing_sales_daily set pending_amount = 0": {
            "billing_sales_daily:equals_fact_billing_invoice"
        },
        "delete from staging.billing_invoices where invoice_id = 'INV-00002'": {
            "fact_billing_invoice:equals_billing_invoices"
        },
    }
    for defect, expected in defects.items():
        assert _caught(road.warehouse, CATALOG, "billing", defect) == expected, defect


def test_defects_of_invoicing_are_caught_by_the_checks_meant_for_them(
    database_url: str, warehouse_url: str
) -> None:
    road = OltpRoad("invoicing", database_url, warehouse_url)
    size = Size(sellers=2, clients=6, products=8, invoices=40, days=60)
    make_history(database_url, end=date(2026, 3, 31), seed=11, size=size)
    road.run()
    some = "where {0} = (select min({0}) from {1})".format
    of_invoice = {
        *("fact_invoice:equals_invoicing_invoices", "invoicing_daily:equals_fact_invoice"),
        "invoicing_receivables_daily:equals_fact_invoice",
    }
    paid = "analytics.fact_payment"
    defects = {
        "select 1": set(),
        "update analytics.fact_invoice set total_gross_worth = total_gross_worth - 0.01 "
        + some("invoice_id", "analytics.fact_invoice"): of_invoice,
        "update analytics.fact_invoice_item set item_net_worth = item_net_worth + 0.01 "
        + some("item_id", "analytics.fact_invoice_item"): {
            "fact_invoice_item:equals_invoicing_invoice_items"
        },
        f"update {paid} set amount = amount + 0.01 {some('payment_id', paid)}": {
            *("fact_payment:equals_invoicing_payments", "invoicing_daily:equals_fact_payment"),
            *(
                "invoicing_collected_daily:equals_fact_payment",
                "invoicing_receivables_daily:equals_fact_invoice",
            ),
        },
        "update marts.invoicing_collected_daily set payments = payments + 1 "
        + some("payment_date_key", "marts.invoicing_collected_daily"): {
            "invoicing_collected_daily:equals_fact_payment"
        },
        "update analytics.dim_client set client_name = 'Nobody' "
        + some("client_key", "analytics.dim_client"): set(),
        "update analytics.dim_client set client_name = 'Nobody' where client_key ="
        " (select min(client_key) from analytics.dim_client where client_key > 0)": {"dim_client:equals_log"},
    }
    for defect, expected in defects.items():
        assert _caught(road.warehouse, CATALOG, "invoicing", defect) == expected, defect


def test_defects_of_accounts_are_caught_by_the_checks_meant_for_them(
    database_url: str, warehouse_url: str
) -> None:
    road = OltpRoad("accounts", database_url, warehouse_url)
    size = {"customers": 6, "accounts_per_customer": 2, "transactions_per_account": 8}
    fill(database_url, seed=5, end=date(2026, 3, 31), zone=UTC, **size)
    road.run()
    one = "ctid = (select ctid from {} where {} limit 1)".format
    posted = one("analytics.fact_account_transaction", "status = 'posted' and type = 'credit'")
    balances = "marts.accounts_customer_balance"
    defects = {
        "select 1": set(),
        f"update analytics.fact_account_transaction set amount = amount + 0.01 where {posted}": {
            "fact_account_transaction:equals_accounts_transactions",
            *(
                f"accounts_{mart}:equals_fact_account_transaction"
                for mart in ("account_activity", "net_flow_daily")
            ),
        },
        f"update {balances} set balance = 0 where {one(balances, 'balance <> 0')}": {
            "accounts_customer_balance:equals_dim_account"
        },
        f"delete from marts.accounts_net_flow_daily where {one('marts.accounts_net_flow_daily', 'true')}": {
            "accounts_net_flow_daily:equals_fact_account_transaction"
        },
    }
    for defect, expected in defects.items():
        assert _caught(road.warehouse, CATALOG, "accounts", defect) == expected, defect


def test_every_fact_is_held_against_staging_and_every_mart_against_a_table_it_reads() -> None:
    for table in CATALOG.tables.values():
        # the company's mart is made of marts, which are held against their facts
        above = "marts" if table.domain == "company" else "analytics"
        layer = "staging" if table.schema_name == "analytics" else above
        held = {equality.table.split(".")[0] for equality in table.equals}
        assert held == (set() if table.name == "analytics.dim_date" else {layer}), table.name


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([{"table": "staging.a", "figures": {}}], "figures"),
        ([{"table": "a", "figures": {"rows": "count(*)"}}], "table"),
        ([{"table": "staging.a", "figures": {"rows": {"mine": "count(*)"}}}], "theirs"),
        ([{"table": "staging.a", "figures": {"rows": "count(*)"}}] * 2, "a is named twice"),
        ([{"table": "marts.m", "figures": {"rows": "count(*)"}}], "not against itself"),
    ],
)
def test_an_equality_that_cannot_be_meant_is_refused_by_name(
    words: list[dict[str, object]], what: str
) -> None:
    attributes = {
        **{"domain": "test", "table": "marts.m", "description": "M", "grain": ["k"], "load": "rebuild"},
        "equals": words,
    }
    with pytest.raises(ContractError, match=what):
        read_contract(SqlTableContract, attributes, "defs/test/defs.yaml document 1")
