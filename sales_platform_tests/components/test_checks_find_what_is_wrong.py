"""Each check passes on sound rows, and names the offenders after exactly its own promise was broken by hand."""

from collections.abc import Iterator

import dagster as dg
import pytest
from psycopg import sql

from sales_platform.components.feed_checks import load_check_results, staging_inspection
from sales_platform.components.inspecting import Inspection, Verdict, inspect, located, offenders
from sales_platform.components.table_checks import dimension_inspection, table_inspection
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform_tests.components.judged import samples

CATALOG = read_catalog()
SALES = CATALOG.feeds["retail_sales"]
DAY = "2026-03-02"


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Connection]:
    """Tables as the contracts say, without constraints, so that a test can break what they promise."""
    with Warehouse(warehouse_url).connect(autocommit=True) as connection:
        _make(connection, CATALOG.feeds["retail_customers"])
        _make(connection, CATALOG.feeds["retail_products"])
        _make(connection, CATALOG.feeds["retail_stores"])
        _make(connection, SALES)
        connection.execute("insert into staging.retail_customers (customer_id) values (1)")
        connection.execute("insert into staging.retail_products (product_id) values (1)")
        connection.execute("insert into staging.retail_stores (store_id) values (1)")
        _sale(connection, 1)
        _sale(connection, 2)
        yield connection


def _make(connection: Connection, feed: FileFeedContract) -> None:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(column.kind.sql))
        for name, column in feed.columns.items()
    ]
    body = sql.SQL(", ").join([*columns, sql.SQL("_snapshot_at timestamptz"), sql.SQL("_partition text")])
    connection.execute(sql.SQL("create table {} ({})").format(sql.Identifier("staging", feed.name), body))


def _sale(connection: Connection, sale: int, *, customer: int = 1, quantity: int = 1, day: str = DAY) -> None:
    connection.execute(
        "insert into staging.retail_sales values (%s, %s, 1, 1, %s, %s, 5, null, %s)",
        [sale, customer, f"{day} 12:00+00", quantity, day],
    )


def _judged(
    connection: Connection, inspection: Inspection, days: list[str] | None = None
) -> dict[str, Verdict]:
    return inspect(connection, inspection, inspection.rules, days)


def _broken(connection: Connection, inspection: Inspection) -> dict[str, dict[str, int]]:
    """Broken rule → its findings."""
    return {
        rule.name: {label: count for label, count in verdict.counts.items() if count}
        for rule in inspection.rules
        if not (verdict := _judged(connection, inspection)[rule.name]).keeps_to(rule)
    }


def test_sound_rows_pass_every_check(warehouse: Connection) -> None:
    assert _broken(warehouse, staging_inspection(SALES)) == {}


@pytest.mark.parametrize(
    ("fault", "rule", "finding"),
    [
        ("update staging.retail_sales set revenue = null where sale_id = 2", "required", "revenue"),
        ("update staging.retail_sales set quantity = 0 where sale_id = 2", "range", "quantity > 0"),
        (
            "update staging.retail_sales set _partition = '2026-03-03' where sale_id = 2",
            "range",
            "OUTSIDE_WINDOW",
        ),
        ("update staging.retail_sales set sale_id = 1 where sale_id = 2", "unique", "sale_id"),
        (
            "update staging.retail_sales set customer_id = 9 where sale_id = 2",
            "reference",
            "customer_id in staging.retail_customers",
        ),
    ],
)
def test_a_broken_promise_is_found_by_its_check_alone(
    warehouse: Connection, fault: str, rule: str, finding: str
) -> None:
    warehouse.execute(fault.encode())
    assert _broken(warehouse, staging_inspection(SALES)) == {rule: {finding: 1}}


def test_sales_that_came_before_the_first_list_of_products_miss_no_parent_that_is_inferred_anyway(
    warehouse: Connection,
) -> None:
    warehouse.execute("drop table staging.retail_products")
    result = _result(warehouse, staging_inspection(SALES), "reference")
    assert result.passed
    assert result.metadata["by_rule"].value == {
        "customer_id in staging.retail_customers": 0,
        "product_id in staging.retail_products, which does not stand yet": 0,
        "store_id in staging.retail_stores": 0,
    }


def test_rows_whose_parents_must_be_there_fail_before_the_table_of_parents_stands(
    warehouse: Connection,
) -> None:
    product = SALES.columns["product_id"]
    assert product.reference
    strict = product.model_copy(
        update={"reference": product.reference.model_copy(update={"missing": "reject"})}
    )
    feed = SALES.model_copy(update={"columns": {**SALES.columns, "product_id": strict}})
    warehouse.execute("drop table staging.retail_products")
    result = _result(warehouse, staging_inspection(feed), "reference")
    assert not result.passed
    assert result.metadata["offenders"].value == 2


def test_a_value_that_is_not_accepted_is_found(warehouse: Connection) -> None:
    warehouse.execute("update staging.retail_customers set loyalty_tier = 'Tin', created_at = now()")
    warehouse.execute("update staging.retail_customers set _snapshot_at = now()")
    found = _broken(warehouse, staging_inspection(CATALOG.feeds["retail_customers"]))
    assert found == {"accepted": {"loyalty_tier": 1}}


def test_a_run_over_days_judges_these_days_only(warehouse: Connection) -> None:
    _sale(warehouse, 3, quantity=0, day="2026-03-03")
    inspection = staging_inspection(SALES)
    assert _judged(warehouse, inspection, [DAY])["range"] == Verdict(2, {
        "quantity > 0": 0, "revenue >= 0": 0, "OUTSIDE_WINDOW": 0,
    })  # fmt: skip
    assert _judged(warehouse, inspection, ["2026-03-03"])["range"].offenders == 1


def _result(connection: Connection, inspection: Inspection, name: str) -> dg.AssetCheckResult:
    return next(iter(inspection.results(connection, {name}, None)))


def test_a_failed_check_shows_up_to_five_rows_and_the_sql_that_lists_all(warehouse: Connection) -> None:
    for sale in range(10, 17):
        _sale(warehouse, sale, quantity=0)
    inspection = staging_inspection(SALES)
    rule = next(rule for rule in inspection.rules if rule.name == "range")
    result = _result(warehouse, inspection, "range")
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.ERROR
    shown = samples(result)
    assert len(shown) == 5
    assert {row["sale_id"] for row in shown} <= set(range(10, 17))
    assert [set(row) for row in shown] == [{"sale_id", "quantity", "_partition"}] * 5
    assert result.description == "7 of 9 rows: quantity > 0, on 2026-03-02"
    figures = {name: result.metadata[name].value for name in ("rows", "offenders", "threshold", "severity")}
    assert figures == {"rows": 9, "offenders": 7, "threshold": 0, "severity": "ERROR"}
    listed = warehouse.execute(offenders(inspection, rule, None)).fetchall()
    assert {row[0] for row in listed} == set(range(10, 17))
    assert offenders(inspection, rule, None).as_string() in str(result.metadata["offenders_sql"].value)


def test_a_run_over_a_range_names_the_days_with_offenders(warehouse: Connection) -> None:
    for sale, day, quantity in ((3, 2, 0), (4, 3, 1), (5, 4, 0), (6, 4, -1)):
        _sale(warehouse, sale, quantity=quantity, day=f"2026-03-0{day}")
    days = [f"2026-03-0{day}" for day in range(2, 6)]
    inspection = staging_inspection(SALES)
    (result,) = inspection.results(warehouse, {"range"}, days)
    assert result.description == "3 of 6 rows: quantity > 0, on 2026-03-02 and 2026-03-04"
    assert result.metadata["by_partition"].value == {"2026-03-02": 1, "2026-03-04": 2}


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([], ""),
        (["2026-03-02"], ", on 2026-03-02"),
        (["a_1.csv", "a_2.csv", "b.csv"], ", in a_1.csv, a_2.csv and b.csv"),
        ([f"2026-03-0{day}" for day in range(1, 9)], ", on 2026-03-01, 2026-03-02, 2026-03-03, 2026-03-04, "
         "2026-03-05 and 3 more"),
    ],
)  # fmt: skip
def test_places_are_told_in_a_few_words(places: list[str], told: str) -> None:
    assert located(places) == told


def test_what_is_personal_is_masked_in_samples_even_as_a_key(warehouse: Connection) -> None:
    attributes = SALES.model_dump(by_alias=True, exclude_none=True)
    attributes["columns"]["sale_id"]["pii"] = "identifier"
    inspection = staging_inspection(FileFeedContract.model_validate(attributes))
    _sale(warehouse, 4711, quantity=0)
    result = _result(warehouse, inspection, "range")
    assert samples(result) == [{"sale_id": "***", "quantity": 0, "_partition": DAY}]
    assert "4711" not in f"{result.metadata['samples']}{result.description}"


@pytest.fixture
def history(warehouse_url: str) -> Iterator[Connection]:
    """Two versions of one customer that follow one another, and the unknown member."""
    with Warehouse(warehouse_url).connect(autocommit=True) as connection:
        connection.execute(
            """
            create table analytics.dim_customer (
                customer_key bigint, customer_id bigint, effective_start_date timestamptz,
                effective_end_date timestamptz, is_current boolean
            );
            insert into analytics.dim_customer values
                (0, null, '-infinity', null, true),
                (1, 7, '2026-01-01', '2026-02-01', false),
                (2, 7, '2026-02-01', null, true);
            insert into ops.surrogate_key (dimension, business_key, effective_start_date, surrogate_key) values
                ('dim_customer', '[7]', '2026-01-01', 1), ('dim_customer', '[7]', '2026-02-01', 2);
            """
        )
        yield connection


DIMENSION = dimension_inspection(CATALOG.dimensions["dim_customer"])


def test_versions_that_follow_one_another_pass(history: Connection) -> None:
    assert _broken(history, DIMENSION) == {}


@pytest.mark.parametrize(
    ("fault", "rule", "finding"),
    [
        ("set effective_end_date = '2026-02-02' where customer_key = 1", "history", "versions overlap"),
        (
            "set effective_end_date = '2025-12-31' where customer_key = 1",
            "history",
            "a version ends before it starts",
        ),
        ("set is_current = false where customer_key = 2", "history", "is_current belies the end"),
        ("set customer_key = 2 where customer_key = 1", "unique_key", "customer_key"),
    ],
)
def test_a_broken_history_is_found(history: Connection, fault: str, rule: str, finding: str) -> None:
    history.execute(f"update analytics.dim_customer {fault}".encode())
    assert _broken(history, DIMENSION) == {rule: {finding: 1}}


def test_two_versions_in_force_are_found(history: Connection) -> None:
    history.execute("update analytics.dim_customer set is_current = true where customer_key = 1")
    assert _broken(history, DIMENSION)["history"]["more than one version in force"] == 2


@pytest.fixture
def star(history: Connection) -> Connection:
    """That customer with twenty sales, a product that sales alone name, and a store."""
    history.execute(
        """
        alter table analytics.dim_customer add is_inferred boolean default false;
        create table analytics.dim_product (product_key bigint, is_inferred boolean);
        create table analytics.dim_store (store_key bigint, is_inferred boolean);
        insert into analytics.dim_product values (0, false), (1, false), (2, true);
        insert into analytics.dim_store values (0, false), (1, false);
        create table analytics.fact_sales
            (sale_id bigint, customer_key bigint, product_key bigint, store_key bigint, _partition text);
        insert into analytics.fact_sales
        select n, 2, 1, 1, '2026-03-0' || 1 + n % 2 from generate_series(1, 20) as n
        """
    )
    return history


FACT = table_inspection(CATALOG.tables["analytics.fact_sales"])


def test_a_key_without_its_member_and_a_sale_that_stands_twice_are_found(star: Connection) -> None:
    star.execute("insert into analytics.fact_sales values (1, 99, 1, 1, '2026-03-02')")
    assert _broken(star, FACT) == {
        "grain_unique": {"sale_id": 1},
        "keys_resolve": {"customer_key in dim_customer": 1},
    }


@pytest.mark.parametrize(
    ("check", "role", "column", "key"),
    [("unknown_rate", "store", "store_key", 0), ("inferred_rate", "product", "product_key", 2)],
)
def test_a_share_of_rows_without_a_known_member_warns_beyond_its_bound(
    star: Connection, check: str, role: str, column: str, key: int
) -> None:
    astray = sql.SQL("update analytics.fact_sales set {} = {} where sale_id <= {}")
    star.execute(astray.format(sql.Identifier(column), key, 1))
    within = _result(star, FACT, check)
    assert within.passed
    assert "samples" not in within.metadata
    star.execute(astray.format(sql.Identifier(column), key, 2))
    beyond = _result(star, FACT, check)
    assert (beyond.passed, beyond.severity) == (False, dg.AssetCheckSeverity.WARN)
    shares = {"customer": "0.00%", "product": "0.00%", "store": "0.00%"} | {role: "10.00%"}
    assert beyond.description == (
        f"of 20 rows: {', '.join(f'{name} {share}' for name, share in shares.items())}; 5.00% allowed"
        ", on 2026-03-01 and 2026-03-02"
    )
    assert beyond.metadata["threshold"].value == 0.05
    assert {row["sale_id"] for row in samples(beyond)} == {1, 2}
    assert _broken(star, FACT).keys() == {check}


@pytest.mark.parametrize(
    ("report", "failed"),
    [
        (LoadReport("f", DAY, "s", "succeeded", 1, read=10, loaded=9, rejected=0), {"conservation"}),
        (LoadReport("f", DAY, "s", "succeeded", 1, read=10, loaded=9, rejected=1), {"reject_limit"}),
        (LoadReport("f", DAY, "s", "succeeded", 1, read=100, loaded=95, rejected=5), set()),
        (LoadReport("f", DAY, "s", "unchanged", 1), set()),
    ],
)
def test_q_02_a_load_answers_for_every_row_it_read(report: LoadReport, failed: set[str]) -> None:
    results = load_check_results(SALES, [report])
    assert {result.check_name for result in results if not result.passed} == failed


def test_a_primary_key_that_has_another_column_too_does_not_vouch_for_one_row_per_key(
    warehouse: Connection,
) -> None:
    _sale(warehouse, 1, day="2026-03-03")
    warehouse.execute("alter table staging.retail_sales add primary key (sale_id, _partition)")

    assert _broken(warehouse, staging_inspection(SALES)) == {"unique": {"sale_id": 1}}


def test_a_primary_key_of_the_key_vouches_for_it_so_that_no_row_is_compared(warehouse: Connection) -> None:
    inspection = staging_inspection(SALES)
    (finding,) = (f for rule in inspection.rules if rule.name == "unique" for f in rule.findings)
    warehouse.execute("alter table staging.retail_sales add primary key (sale_id)")

    assert _broken(warehouse, inspection) == {}
    assert "distinct" not in finding.aggregate({"sale_id"}).as_string()
    assert "distinct" in finding.aggregate({"sale_id", "_partition"}).as_string()
