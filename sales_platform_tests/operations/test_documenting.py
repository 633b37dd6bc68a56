"""The pages of the tables: current, complete, linked, true about where figures come from and why rows are refused."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from sales_platform.cli import build_app
from sales_platform.contracts.catalog import PROJECT_ROOT, read_catalog
from sales_platform.definitions import defs
from sales_platform.engine.generated import generated_sql
from sales_platform.operations.documenting import Change, bring_up_to_date, pages
from sales_platform.operations.documenting_judgement import refusals
from sales_platform.operations.documenting_pages import grid
from sales_platform.operations.documenting_tables import DocumentedTable, documented_tables

Specs = dict[str, dg.AssetSpec]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> Specs:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def wanted(definitions: dg.Definitions) -> dict[str, str]:
    return pages(definitions)


@pytest.fixture(scope="module")
def tables(definitions: dg.Definitions) -> dict[str, DocumentedTable]:
    return documented_tables(read_catalog(), definitions)


def origins(tables: dict[str, DocumentedTable], table: str, column: str) -> tuple[str, ...]:
    [found] = [c.origins for c in tables[table].columns if c.name == column]
    return found


def test_the_committed_pages_are_current(wanted: dict[str, str]) -> None:
    stale = [f"{c.path} ({c.act})" for c in bring_up_to_date(wanted, PROJECT_ROOT, writing=False)]
    assert stale == [], "stale pages: run `sales-platform docs` and commit docs"


def test_every_asset_with_a_table_has_a_page_and_leads_to_it(specs: Specs, wanted: dict[str, str]) -> None:
    tables = [spec for spec in specs.values() if "dagster/table_name" in spec.metadata]
    assert len(tables) > 60
    for spec in tables:
        table = spec.metadata["dagster/table_name"]
        path = spec.metadata["docs"].path
        assert wanted[path].splitlines()[2] == f"# {table}"
        references = spec.metadata["dagster/code_references"].code_references
        assert str(PROJECT_ROOT / path) in {reference.file_path for reference in references}


def test_a_source_leads_to_the_page_of_what_is_received_from_it(specs: Specs) -> None:
    assert specs["source/retail_sales"].metadata["docs"].path == "docs/tables/retail/raw.retail_sales.md"


def test_every_column_has_a_type_and_a_meaning(tables: dict[str, DocumentedTable]) -> None:
    columns = [(table.name, column) for table in tables.values() for column in table.columns]
    assert [f"{table}.{column.name}" for table, column in columns if not column.meaning] == []
    assert [f"{table}.{column.name}" for table, column in columns if not column.type] == []


def test_figures_lead_to_the_columns_of_their_source(tables: dict[str, DocumentedTable]) -> None:
    paid = ("source/retail_sales.revenue",)
    assert origins(tables, "analytics.fact_sales", "revenue") == paid
    assert origins(tables, "marts.retail_sales_daily", "revenue") == paid
    assert origins(tables, "marts.invoicing_daily", "open_amount") == (
        "source/invoicing_invoices.total_gross_worth",
        "source/invoicing_payments.amount",
    )
    assert origins(tables, "analytics.dim_city", "source_city_key") == ("source/channels_cities.city_key",)


def test_what_the_platform_makes_itself_comes_from_no_source(tables: dict[str, DocumentedTable]) -> None:
    assert origins(tables, "analytics.dim_customer", "customer_key") == ()
    assert origins(tables, "staging.retail_sales", "_load_id") == ()
    assert origins(tables, "marts.retail_sales_daily", "sales") == ()


def test_the_reasons_of_a_page_are_those_that_the_engine_judges_by() -> None:
    catalog = read_catalog()
    for name, feed in catalog.feeds.items():
        judged = set(re.findall(r"then '([A-Z_]+)' end", generated_sql(catalog, f"staging.{name}")))
        assert {reason for _, _, reason in refusals(feed)} == judged, name


def test_every_link_of_a_page_leads_to_a_file(wanted: dict[str, str]) -> None:
    for path, text in wanted.items():
        for link in re.findall(r"\]\(([^)]+)\)", text):
            target = (PROJECT_ROOT / path).parent.joinpath(link).resolve()
            known = target.is_relative_to(PROJECT_ROOT) and (
                target.is_file() or target.relative_to(PROJECT_ROOT).as_posix() in wanted
            )
            assert known, f"{path}: {link}"


def test_the_star_of_a_domain_shows_facts_between_dimensions_and_marts(wanted: dict[str, str]) -> None:
    page = wanted["docs/tables/retail/README.md"]
    drawn = page.split("```mermaid\n")[1].split("```")[0]
    ties = set(re.findall(r"^    (\w+) \S+ (\w+) :", drawn, re.MULTILINE))
    dimensions = ("dim_customer", "dim_product", "dim_store", "dim_date")
    assert ties == {(name, "fact_sales") for name in dimensions} | {("fact_sales", "retail_sales_daily")}
    assert "bigint customer_key FK" in drawn
    assert "numeric revenue" in drawn


def test_every_fact_dimension_and_mart_stands_in_a_star(
    tables: dict[str, DocumentedTable], wanted: dict[str, str]
) -> None:
    shown = {name for text in wanted.values() for name in re.findall(r"^    (\w+) \{$", text, re.MULTILINE)}
    served = {name.split(".")[1] for name, table in tables.items() if table.layer in ("analytics", "marts")}
    assert shown == served


def test_pages_are_the_same_whatever_the_settings(
    wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_MISSING_INVOICE_ID", "true")
    monkeypatch.setenv("BUSINESS_TIME_ZONE", "Europe/Paris")
    monkeypatch.setenv("PARTITIONS_START", "2020-02-29")
    assert bring_up_to_date(pages(defs()), PROJECT_ROOT, writing=False) == bring_up_to_date(
        wanted, PROJECT_ROOT, writing=False
    )


def test_a_cell_cannot_break_its_table() -> None:
    assert grid(("a", "b"), [("x | y", "two\nlines")]).splitlines()[2] == "| x \\| y | two lines |"


def test_new_changed_and_gone_pages_are_named_and_written(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "tables" / "shop"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("old", encoding="utf-8")
    (folder / "gone.md").write_text("old", encoding="utf-8")
    (folder / "drawing.png").write_bytes(b"not a page")
    wanted = {"docs/tables/shop/a.md": "new", "docs/tables/shop/b.md": "new"}
    expected = [
        Change("docs/tables/shop/a.md", "changed"),
        Change("docs/tables/shop/b.md", "new"),
        Change("docs/tables/shop/gone.md", "gone"),
    ]

    assert bring_up_to_date(wanted, tmp_path, writing=False) == expected
    assert (folder / "a.md").read_text(encoding="utf-8") == "old"
    assert bring_up_to_date(wanted, tmp_path, writing=True) == expected
    assert bring_up_to_date(wanted, tmp_path, writing=True) == []
    assert sorted(path.name for path in folder.iterdir()) == ["a.md", "b.md", "drawing.png"]


def test_docs_check_fails_names_the_stale_page_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def document(*, writing: bool) -> list[Change]:
        asked.append(writing)
        return [Change("docs/tables/retail/raw.retail_sales.md", "changed")]

    monkeypatch.setattr("sales_platform.operations.documenting.document", document)
    shown = CliRunner().invoke(build_app(), ["docs", "--check"])

    assert shown.exit_code == 1
    assert "docs/tables/retail/raw.retail_sales.md" in shown.output
    assert "Run `sales-platform docs`" in shown.output
    assert CliRunner().invoke(build_app(), ["docs"]).exit_code == 0
    assert asked == [False, True]
