"""A check that is a SELECT: what it says of bad rows, whom it lets pass, what it hides, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import jsonschema
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from sales_platform.components import SqlCheck, sql_check
from sales_platform.components.sql_check import checked, result
from sales_platform.contracts.check import SqlCheckContract
from sales_platform.engine import selects
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ContractError

SHORT = """\
-- Sales below a price.
select s.sale_id, s.revenue, s._partition from staging.retail_sales as s where s.revenue < 5 -- cheap"""


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Connection]:
    """Nine sales of three days, worth 1 to 9."""
    with Warehouse(warehouse_url).connect(autocommit=True) as connection:
        connection.execute(
            "create table staging.retail_sales (sale_id bigint, revenue numeric, _partition text)"
        )
        connection.execute(
            "insert into staging.retail_sales select n, n, '2026-03-0' || (n % 3 + 1) from generate_series(1, 9) as n"
        )
        yield connection


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what stands in the file of every check."""

    def told(text: str) -> None:
        monkeypatch.setattr(selects, "select_text", lambda *_: text)
        monkeypatch.setattr(sql_check, "select_text", lambda *_: text)

    told(SHORT)
    return told


def contract(**words: Any) -> SqlCheckContract:
    told = {
        "domain": "retail",
        "name": "dear",
        "asset": "staging.retail_sales",
        "description": "No sale is cheap.",
    }
    return SqlCheckContract.model_validate(told | words)


def figures(found: dg.AssetCheckResult) -> dict[str, Any]:
    return {name: value.value for name, value in found.metadata.items() if hasattr(value, "value")}


def samples(found: dg.AssetCheckResult) -> list[dict[str, Any]]:
    table = found.metadata["samples"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_bad_rows_fail_with_figures_samples_days_and_the_sql_that_lists_them(
    warehouse: Connection, says: Any
) -> None:
    found = result(warehouse, contract(), None)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert found.description == "4 of 9 rows, on 2026-03-01, 2026-03-02 and 2026-03-03"
    shown = figures(found)
    assert (shown["rows"], shown["offenders"], shown["threshold"], shown["severity"]) == (9, 4, 0, "ERROR")
    assert shown["by_partition"] == {"2026-03-01": 1, "2026-03-02": 2, "2026-03-03": 1}
    assert {sample["sale_id"] for sample in samples(found)} == {1, 2, 3, 4}
    listing = str(shown["offenders_sql"]).removeprefix("```sql\n").removesuffix("\n```")
    assert {row[0] for row in warehouse.execute(listing.encode()).fetchall()} == {1, 2, 3, 4}


def test_a_run_over_days_is_told_of_these_days_alone(warehouse: Connection, says: Any) -> None:
    found = result(warehouse, contract(), ["2026-03-02", "2026-03-03"])
    assert found.description == "3 of 6 rows, on 2026-03-02 and 2026-03-03"


def test_no_more_than_five_rows_are_shown(warehouse: Connection, says: Any) -> None:
    says(SHORT.replace("< 5", "< 9"))
    found = result(warehouse, contract(), None)
    assert len(samples(found)) == 5


def test_as_many_rows_as_the_threshold_pass(warehouse: Connection, says: Any) -> None:
    assert result(warehouse, contract(threshold=4), None).passed
    beyond = result(warehouse, contract(threshold=3, severity="warn"), None)
    assert (beyond.passed, beyond.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(beyond.description).startswith("4 of 9 rows; 3 allowed")


def test_what_any_contract_calls_personal_is_masked_and_what_the_check_names(
    warehouse: Connection, says: Any
) -> None:
    warehouse.execute("create table staging.retail_customers (customer_id bigint, email text)")
    warehouse.execute("insert into staging.retail_customers values (1, 'a@example.com')")
    says("select c.customer_id, c.email, c.email as contact from staging.retail_customers as c")
    found = result(warehouse, contract(asset="staging.retail_customers", pii=["contact"]), None)
    assert samples(found) == [{"customer_id": 1, "email": "***", "contact": "***"}]
    assert "example.com" not in str(found)


def test_a_check_waits_for_every_table_that_it_reads(says: Any) -> None:
    says("select s.sale_id from staging.retail_sales as s, analytics.fact_sales as f")
    [spec] = checked(contract()).check_specs
    assert spec.asset_key == dg.AssetKey(["staging", "retail_sales"])
    assert [dep.asset_key.to_user_string() for dep in spec.additional_deps] == ["analytics/fact_sales"]


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("select * from staging.retail_sales", {}, "Write its columns out"),
        ("selec", {}, "SELECT"),
        (
            SHORT,
            {"pii": ["email"]},
            "pii names 'email', which the SELECT does not have; it has sale_id, revenue",
        ),
    ],
)
def test_a_select_that_cannot_be_used_is_an_error_of_the_contract(
    says: Any, text: str, words: dict[str, Any], told: str
) -> None:
    says(text)
    with pytest.raises(ContractError, match=told) as error:
        checked(contract(**words))
    assert "sql/retail/checks/dear.sql" in str(error.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ContractError, match=r"sql/retail/checks/dear\.sql"):
        checked(contract())


def test_a_warning_cannot_block() -> None:
    with pytest.raises(ValueError, match="blocking: only a check of severity error"):
        contract(severity="warn", blocking=True)


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")
@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_what_the_scaffolder_writes_is_a_contract_and_a_select_that_lists_nothing(
    says: Any, warehouse: Connection
) -> None:
    asked = {"domain": "shop", "name": "no_ghosts", "asset": "staging.retail_sales"}
    with create_defs_folder_sandbox() as sandbox:
        place = sandbox.scaffold_component(SqlCheck, scaffold_params=asked)
        attributes = yaml.safe_load((place / "defs.yaml").read_text())["attributes"]
        written = (sandbox.project_root / "sql/shop/checks/no_ghosts.sql").read_text()
    jsonschema.validate(attributes, SqlCheck.get_model_cls().model_json_schema())
    says(written)
    check = SqlCheckContract.model_validate(attributes)
    [spec] = checked(check).check_specs
    assert spec.key.to_user_string() == "staging/retail_sales:no_ghosts"
    assert result(warehouse, check, None).description == "0 of 9 rows"
