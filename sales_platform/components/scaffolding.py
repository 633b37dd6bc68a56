"""What `dg scaffold defs` writes for each Component: the smallest contract that holds, to be filled in."""

from typing import Any

import dagster as dg
from pydantic import BaseModel, Field

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.contracts.check import SqlCheckContract
from sales_platform.contracts.table import SqlTableContract


class FileFeedParams(BaseModel):
    domain: str = Field(description="The domain, such as retail")
    table: str = Field(description="The table's name without the domain, such as sales")


class PostgresFeedParams(BaseModel):
    domain: str = Field(description="The domain, such as invoicing")
    table: str = Field(description="A first table of the source, such as clients")


class DimensionParams(BaseModel):
    domain: str = Field(description="The domain, such as retail")
    table: str = Field(description="The table's name, such as dim_customer")


class SqlTableParams(BaseModel):
    domain: str = Field(description="The domain, such as retail")
    table: str = Field(description="Schema and name, such as marts.retail_sales_daily")


class SqlCheckParams(BaseModel):
    domain: str = Field(description="The domain, such as retail")
    name: str = Field(description="The check's name, such as no_sale_before_opening")
    asset: str = Field(description="The table, as schema and name, such as staging.retail_sales")


class FileFeedScaffolder(dg.Scaffolder[FileFeedParams]):
    """A feed of one CSV file with one column."""

    @classmethod
    def get_scaffold_params(cls) -> type[FileFeedParams]:
        return FileFeedParams

    def scaffold(self, request: dg.ScaffoldRequest[FileFeedParams]) -> None:
        params = request.params
        attributes = {
            "domain": params.domain,
            "table": params.table,
            "description": f"What a row of {params.table} is, and who writes the file.",
            "path": f"{params.domain}/{params.table}.csv",
            "partitions": "none",
            "key": ["id"],
            "reject_limit": "5%",
            "columns": {"id": {"type": "bigint", "required": True, "description": "What the column means"}},
        }
        dg.scaffold_component(request, attributes)


class PostgresFeedScaffolder(dg.Scaffolder[PostgresFeedParams]):
    """One table of a source database, named as its domain."""

    @classmethod
    def get_scaffold_params(cls) -> type[PostgresFeedParams]:
        return PostgresFeedParams

    def scaffold(self, request: dg.ScaffoldRequest[PostgresFeedParams]) -> None:
        params = request.params
        attributes: dict[str, Any] = {
            "domain": params.domain,
            "database": params.domain,
            "description": "Which system this is, and who answers for it.",
            "tables": {params.table: {"key": ["id"], "cursor": "updated_at"}},
        }
        dg.scaffold_component(request, attributes)


class DimensionScaffolder(dg.Scaffolder[DimensionParams]):
    """A dimension without history over one staging table."""

    @classmethod
    def get_scaffold_params(cls) -> type[DimensionParams]:
        return DimensionParams

    def scaffold(self, request: dg.ScaffoldRequest[DimensionParams]) -> None:
        params = request.params
        entity = params.table.rsplit("_", 1)[-1]
        attributes: dict[str, Any] = {
            "domain": params.domain,
            "table": params.table,
            "description": f"One row per {entity}.",
            "key": [f"{entity}_id"],
            "overwrite": [f"{entity}_name"],
            "events": [{"from": f"staging.{params.domain}_{entity}s"}],
            "columns": {f"{entity}_id": {"description": "What the column means"}},
        }
        dg.scaffold_component(request, attributes)


class SqlTableScaffolder(dg.Scaffolder[SqlTableParams]):
    """A table that is rebuilt whole, and the file of its SELECT where there is none yet."""

    @classmethod
    def get_scaffold_params(cls) -> type[SqlTableParams]:
        return SqlTableParams

    def scaffold(self, request: dg.ScaffoldRequest[SqlTableParams]) -> None:
        params = request.params
        attributes: dict[str, Any] = {
            "domain": params.domain,
            "table": params.table,
            "description": "What a row of this table is.",
            "grain": ["id"],
            "load": "rebuild",
            "columns": {"id": {"description": "What the column means"}},
        }
        dg.scaffold_component(request, attributes)
        path = SqlTableContract.model_validate(attributes).sql_path
        _write_select(request, path, "-- Grain: one row per id.\nselect 1::bigint as id\n")


class SqlCheckScaffolder(dg.Scaffolder[SqlCheckParams]):
    """A check that finds nothing, and the file of its SELECT where there is none yet."""

    @classmethod
    def get_scaffold_params(cls) -> type[SqlCheckParams]:
        return SqlCheckParams

    def scaffold(self, request: dg.ScaffoldRequest[SqlCheckParams]) -> None:
        params = request.params
        attributes: dict[str, Any] = {
            "domain": params.domain,
            "name": params.name,
            "asset": params.asset,
            "description": "What must hold of every row.",
            "severity": "error",
        }
        dg.scaffold_component(request, attributes)
        select = f"-- Rows that should not be.\nselect 1 as id\nfrom {params.asset} as t\nwhere false\n"
        _write_select(request, SqlCheckContract.model_validate(attributes).sql_path, select)


def _write_select(request: dg.ScaffoldRequest[Any], sql_path: str, text: str) -> None:
    path = (request.project_root or PROJECT_ROOT) / sql_path
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
