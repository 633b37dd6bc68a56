"""The check `audit` of a fact or mart: what its publication found before the commit. It judges nothing itself."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sales_platform.components.inspecting import as_table, plain
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.reports import AuditReport
from sales_platform.errors import AuditFailed

AUDIT = "audit"


def spec(table: SqlTableContract) -> dg.AssetCheckSpec:
    held = [
        f"{', '.join(equality.figures)} as in {equality.table}"
        + (f" for each {', '.join(name.removeprefix('_') for name in equality.by)}" if equality.by else "")
        for equality in table.equals
    ]
    told = "; ".join([f"one row per {', '.join(table.grain)}, none of them empty", *held])
    return dg.AssetCheckSpec(
        AUDIT,
        asset=_asset(table),
        description=f"Before the commit, of what the run writes: {told}. Else nothing is published.",
        blocking=True,
    )


def passed(table: SqlTableContract, audit: AuditReport) -> dg.AssetCheckResult:
    said = "; ".join(audit.compared.values()) or "nothing that a figure could have lost"
    metadata: dict[str, Any] = {"offenders": 0, "severity": dg.AssetCheckSeverity.ERROR.value, "threshold": 0}
    if audit.left:
        # the checks equals_<table> read the whole table and tell of these
        metadata["not_compared"] = dg.MetadataValue.json(list(audit.left))
    return dg.AssetCheckResult(
        asset_key=_asset(table), check_name=AUDIT, passed=True, description=said, metadata=metadata
    )


def failed(table: SqlTableContract, error: AuditFailed) -> dg.AssetCheckResult:
    """What the check says when the engine took a publication back; the asset fails beside it."""
    found = {name: _shown(value) for name, value in error.evidence.items()}
    return dg.AssetCheckResult(
        asset_key=_asset(table),
        check_name=AUDIT,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=error.what,
        metadata={"severity": dg.AssetCheckSeverity.ERROR.value, "threshold": 0, **found},
    )


def _asset(table: SqlTableContract) -> dg.AssetKey:
    return dg.AssetKey(table.name.split("."))


def _shown(value: object) -> Any:
    if isinstance(value, list):
        return as_table([{name: plain(cell) for name, cell in row.items()} for row in value])
    return dg.MetadataValue.json(value) if isinstance(value, dict) else value
