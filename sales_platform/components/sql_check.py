"""The Component SqlCheck: an asset check that is one SELECT of the rows that should not be. Judges by their number."""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import dagster as dg
from psycopg import sql
from pydantic import BaseModel

from sales_platform.components import inspecting, metadata, partitions, policy
from sales_platform.components.attributes import attributes_of, read_attributes
from sales_platform.components.scaffolding import SqlCheckScaffolder
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.check import SqlCheckContract
from sales_platform.engine.selects import inputs_of, parsed, select_text
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError
from sales_platform.resources import WarehouseResource

PARTITION = "_partition"


class Described(Protocol):
    """Any contract's words on a column."""

    @property
    def pii(self) -> str | None: ...


@dg.scaffold_with(SqlCheckScaffolder)
class SqlCheck(dg.Component):
    """`sql/<domain>/checks/<name>.sql` → a check of a table."""

    def __init__(self, contract: SqlCheckContract) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return attributes_of(SqlCheckContract)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(read_attributes(SqlCheckContract, attributes, context))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        return dg.Definitions(asset_checks=[checked(self.contract)])


def checked(check: SqlCheckContract) -> dg.AssetChecksDefinition:
    """Raises ContractError for a SELECT that is not there, cannot be read, hides its columns or lacks one of `pii`."""
    if "*" in _columns(check):
        raise ContractError(
            "the SELECT says `*`, so that nobody can tell which of its columns are personal.",
            where=check.sql_path,
            remedy="Write its columns out.",
        )
    strange = sorted(set(check.pii) - set(_columns(check)))
    if strange:
        raise ContractError(
            f"pii names {strange[0]!r}, which the SELECT does not have; it has {', '.join(_columns(check))}.",
            where=check.sql_path,
            remedy="Mend the contract and run `dg check defs`.",
        )
    spec = dg.AssetCheckSpec(
        check.name,
        asset=metadata.key_of(check.asset),
        description=check.description,
        blocking=check.blocking,
        # it waits for whatever else it reads
        additional_deps=[metadata.key_of(name) for name in inputs_of(check) if name != check.asset],
    )

    @dg.multi_asset_check(
        name=f"{check.asset.replace('.', '__')}__{check.name}",
        specs=[spec],
        retry_policy=policy.THREE_TRIES,
    )
    def look(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
        days = partitions.asked_for(context) if PARTITION in _columns(check) else None
        with policy.failures_named(), warehouse.open().transaction() as connection:
            # what it counts and what it shows are of one moment
            connection.execute("set transaction isolation level repeatable read")
            return result(connection, check, days)

    return look


def result(
    connection: Connection, check: SqlCheckContract, days: Sequence[str] | None
) -> dg.AssetCheckResult:
    """What the SELECT says now. days: the only partitions that are asked about; None for all."""
    listed = _listed(check, days)
    places = _counted(connection, listed, parted=PARTITION in _columns(check))
    found = sum(places.values())
    held = sum(
        inspecting.standing_rows(connection, check.asset, list(days) if days is not None else None).values()
    )
    figures: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(held),
        "offenders": dg.MetadataValue.int(found),
        "severity": dg.MetadataValue.text(check.severity.upper()),
        "threshold": dg.MetadataValue.int(check.threshold),
        "offenders_sql": inspecting.as_sql(listed),
    }
    if found:
        few = sql.SQL("{} limit {}").format(listed, sql.Literal(inspecting.SAMPLES))
        samples = inspecting.few_rows(connection, few, _columns(check), _personal(check))
        figures["samples"] = inspecting.as_table(samples)
    named = [place for place in places if place]
    if named:
        figures["by_partition"] = dg.MetadataValue.json(places)
    allowed = f"; {check.threshold:,} allowed" if check.threshold else ""
    return dg.AssetCheckResult(
        asset_key=metadata.key_of(check.asset),
        check_name=check.name,
        passed=found <= check.threshold,
        severity=dg.AssetCheckSeverity[check.severity.upper()],
        description=f"{found:,} of {held:,} rows{allowed}{inspecting.located(named)}",
        metadata=figures,
    )


def _listed(check: SqlCheckContract, days: Sequence[str] | None) -> sql.Composed:
    """The offenders, to be run in psql."""
    # a line of its own ends a comment that the file may end with
    rows = sql.SQL("select o.* from (\n{}\n) as o").format(sql.SQL(select_text(check)))
    if days is None:
        return rows
    return sql.SQL("{} where o.{} = any({})").format(rows, sql.Identifier(PARTITION), sql.Literal(list(days)))


def _counted(connection: Connection, listed: sql.Composed, *, parted: bool) -> dict[str, int]:
    """Partition → offenders, or all of them under ''."""
    place = sql.SQL("p.{}").format(sql.Identifier(PARTITION)) if parted else sql.SQL("''")
    counted = sql.SQL("select {place}, count(*) from ({rows}) as p group by 1 order by 1")
    return dict(connection.execute(counted.format(place=place, rows=listed)).fetchall())


def _personal(check: SqlCheckContract) -> set[str]:
    """What the contract names, and every column that bears the name of a personal one in a table that is read."""
    catalog = read_catalog()
    read = {
        name.removeprefix("raw.").removeprefix("staging.").removeprefix("analytics.")
        for name in inputs_of(check)
    }
    described: list[Mapping[str, Described]] = [
        contract.columns
        for contracts in (catalog.feeds, catalog.table_feeds, catalog.dimensions)
        for name, contract in contracts.items()
        if name in read
    ]
    described += [catalog.tables[name].columns for name in inputs_of(check) if name in catalog.tables]
    return {*check.pii, *(name for columns in described for name, column in columns.items() if column.pii)}


def _columns(check: SqlCheckContract) -> list[str]:
    return parsed(check).named_selects
