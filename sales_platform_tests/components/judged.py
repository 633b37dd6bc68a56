"""The checks of dimensions, facts and marts over a warehouse as it stands, without Dagster. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from sales_platform.components.equality_checks import EqualityCheck
from sales_platform.components.history_checks import HistoryChecks
from sales_platform.components.inspecting import Judge
from sales_platform.components.table_checks import dimension_inspection, table_inspection
from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.warehouse import Connection

AnyTable = DimensionContract | SqlTableContract
Results = dict[str, dg.AssetCheckResult]


def judges_of(contract: AnyTable) -> list[Judge]:
    if isinstance(contract, DimensionContract):
        others = [HistoryChecks(contract)] if contract.has_history else []
        return [dimension_inspection(contract), *others]
    return [table_inspection(contract), *(EqualityCheck(contract, one) for one in contract.equals)]


def judged(connection: Connection, contract: AnyTable, days: Sequence[str] | None = None) -> Results:
    """Check → its result."""
    return {
        str(result.check_name): result
        for judge in judges_of(contract)
        for result in judge.results(
            connection, {spec.name for spec in judge.specs}, list(days) if days is not None else None
        )
    }


def broken(connection: Connection, contract: AnyTable) -> list[str]:
    return sorted(name for name, result in judged(connection, contract).items() if not result.passed)


def broken_in(connection: Connection, catalog: Catalog, domain: str) -> Iterator[str]:
    """`fact_invoice:keys_resolve` for every check of the domain's dimensions, facts and marts that fails."""
    contracts: list[AnyTable] = [*catalog.dimensions.values(), *catalog.tables.values()]
    for contract in contracts:
        if contract.domain == domain:
            for check in broken(connection, contract):
                yield f"{contract.name.split('.')[1]}:{check}"


def found(result: dg.AssetCheckResult) -> dict[str, int]:
    """Finding → offenders, of a check that looks at rows."""
    counts = result.metadata["by_rule"].value
    assert isinstance(counts, dict)
    return {label: count for label, count in counts.items() if count}


def samples(result: dg.AssetCheckResult) -> list[dict[str, object]]:
    shown = result.metadata["samples"]
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]
