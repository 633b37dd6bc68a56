"""What the Dagster UI shows of backups: the columns of `sales-platform backup list`."""

from collections.abc import Sequence

import dagster as dg

from sales_platform.backup.summaries import Summary

_COLUMNS = {
    **dict.fromkeys(("source", "id", "made_at"), "string"),
    **dict.fromkeys(("tables", "rows", "bytes"), "int"),
    **dict.fromkeys(("verified", "same_as"), "string"),
    "restorable": "bool",
}


def as_table(backups: Sequence[Summary]) -> dict[str, dg.MetadataValue]:
    """Totals, and one line for each backup."""
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in _COLUMNS.items()])
    return {
        "tables": dg.MetadataValue.int(sum(backup.tables for backup in backups)),
        "rows": dg.MetadataValue.int(sum(backup.rows for backup in backups)),
        "bytes": dg.MetadataValue.int(sum(backup.size for backup in backups)),
        "backups": dg.MetadataValue.table([_record(backup) for backup in backups], schema=schema),
    }


def _record(backup: Summary) -> dg.TableRecord:
    verified = f"{backup.verified_as} {backup.verified_at:%Y-%m-%d %H:%M}" if backup.verified_at else ""
    return dg.TableRecord(
        {
            "source": backup.source,
            "id": backup.id,
            "made_at": backup.made_at.isoformat(timespec="seconds"),
            "tables": backup.tables,
            "rows": backup.rows,
            "bytes": backup.size,
            "verified": verified,
            "same_as": backup.same_as or "",
            "restorable": backup.restorable,
        }
    )
