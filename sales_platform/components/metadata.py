"""What people read about an asset in the UI: column schemas, lineage, figures. No SQL and no decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import dagster as dg

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.contracts.columns import Column
from sales_platform.contracts.dimension import DescribedColumn, DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import SourceColumn, TableFeed
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.reports import DimensionReport, LoadReport, TableReport

PLATFORM_COLUMNS = {
    "_snapshot_at": ("timestamp with time zone", "When the snapshot that showed this state was true"),
    "_deleted": ("boolean", "True for an event that deletes its key"),
    "_load_id": ("bigint", "The load that brought the row, in ops.load"),
    "_extracted_at": ("timestamp with time zone", "When the source looked so"),
    "_event_at": (
        "timestamp with time zone",
        "From when the row is true: its stamp, or when it was observed",
    ),
    "_partition": ("text", "The day, or the file, that the row came from"),
    "_source_row": ("bigint", "The line of the file on which the record begins"),
}
VALIDITY_COLUMNS = {
    "effective_start_date": ("timestamp with time zone", "When this version came into force"),
    "effective_end_date": ("timestamp with time zone", "When the next one did; empty while it is in force"),
    "is_current": ("boolean", "True for the version in force"),
}
INFERRED_COLUMN = {"is_inferred": ("boolean", "True for a member that is known from a fact only")}
FATES = ("read", "loaded", "unchanged", "duplicate", "superseded", "rejected")
# Dagster repeats what a run says at every partition: lists that grow with the range would grow with its square.
NAMED = 5
TYPE_OF_THE_SELECT = "as selected"
TYPE_OF_THE_SOURCE = "as in the source"


def key_of(name: str) -> dg.AssetKey:
    """`staging.retail_sales` → staging/retail_sales."""
    return dg.AssetKey(name.split("."))


def raw_schema(feed: FileFeedContract) -> dg.TableSchema:
    """Every column as text, as it was received."""
    columns = [
        dg.TableColumn(name, "text", column.description, tags=_tags(column))
        for name, column in feed.columns.items()
    ]
    return dg.TableSchema([*columns, *_added(("_load_id", "_partition", "_source_row"), PLATFORM_COLUMNS)])


def staging_schema(feed: FileFeedContract) -> dg.TableSchema:
    """Types and constraints as the contract says them."""
    columns = [
        dg.TableColumn(
            name,
            column.kind.sql,
            column.description,
            constraints=_constraints(feed, name),
            tags=_tags(column),
        )
        for name, column in feed.columns.items()
    ]
    extra = (*(["_snapshot_at"] if feed.versions else []), *(["_deleted"] if feed.marks_deletes else []))
    added = _added((*extra, "_load_id", "_partition", "_source_row"), PLATFORM_COLUMNS)
    return dg.TableSchema([*columns, *added])


def table_feed_schema(feed: TableFeed, types: Mapping[str, str] | None = None) -> dg.TableSchema:
    """types: column → type as the table stands; before its first load only what the contract says is known."""
    names = types or dict.fromkeys([*feed.key, *([feed.cursor] if feed.cursor else []), *feed.columns])
    return dg.TableSchema([_spoken(feed, name, kind) for name, kind in names.items()])


def dimension_schema(dimension: DimensionContract, types: Mapping[str, str]) -> dg.TableSchema:
    """types: column → type, as far as they are known before the table stands."""
    surrogate = dg.TableColumn(
        dimension.surrogate_key,
        "bigint",
        "Surrogate key; 0 is the unknown member",
        constraints=dg.TableColumnConstraints(nullable=False, unique=True),
    )
    named = (*dimension.key, *dimension.attributes)
    columns = [_described(name, dimension.columns, types) for name in named]
    validity = VALIDITY_COLUMNS if dimension.has_history else {}
    added = [*_added(validity, validity), *_added(INFERRED_COLUMN, INFERRED_COLUMN)]
    return dg.TableSchema([surrogate, *columns, *added])


def table_schema(
    table: SqlTableContract, columns: Iterable[str], types: Mapping[str, str] | None = None
) -> dg.TableSchema:
    """types: what PostgreSQL made of the SELECT, known once the table stands."""
    return dg.TableSchema([_described(name, table.columns, types or {}) for name in columns])


def staging_lineage(feed: FileFeedContract) -> dg.TableColumnLineage:
    """Each staged column comes from the raw one of its name."""
    raw = key_of(f"raw.{feed.name}")
    return dg.TableColumnLineage({name: [dg.TableColumnDep(raw, name)] for name in feed.columns})


def lineage(columns: Mapping[str, Sequence[tuple[str, str]]]) -> dg.TableColumnLineage:
    """columns: column → (input table, its column)."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(key_of(table), column) for table, column in inputs]
            for name, inputs in columns.items()
        }
    )


def sql_file(table: SqlTableContract) -> dg.CodeReferencesMetadataValue:
    """A link to the SELECT that the table consists of."""
    path = PROJECT_ROOT / table.sql_path
    reference = dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=table.sql_path)
    return dg.CodeReferencesMetadataValue(code_references=[reference])


def load_figures(reports: Sequence[LoadReport]) -> dict[str, dg.MetadataValue]:
    """Figures of a feed without partitions: totals, each load's fates, reasons, sources, columns that are new."""
    figures = _counts(reports)
    figures["seconds"] = _figure(max((report.seconds for report in reports), default=0.0))
    figures["fates"] = dg.MetadataValue.json(
        {report.partition or f"load {report.load_id}": fates(report) for report in reports}
    )
    figures["reasons"] = dg.MetadataValue.json(_summed(report.reasons for report in reports))
    figures["sources"] = dg.MetadataValue.json([report.source for report in reports])
    return {**figures, **_remarks(reports)}


def fates(report: LoadReport) -> dict[str, int | float | str]:
    """What became of the rows of one load."""
    counts = {fate: getattr(report, fate) for fate in FATES}
    return {**counts, "seconds": round(report.seconds, 3), "status": report.status, "load_id": report.load_id}


def partition_figures(report: LoadReport) -> dict[str, dg.MetadataValue]:
    """Figures of one partition, for its own materialization."""
    told = {"source": report.source, "status": report.status}
    figures = {
        **_counts([report]),
        **{word: dg.MetadataValue.text(text) for word, text in told.items()},
        "load_id": _figure(report.load_id),
    }
    if report.reasons:
        figures["reasons"] = dg.MetadataValue.json(report.reasons)
    return {**figures, **_remarks([report])}


def run_figures(reports: Sequence[LoadReport]) -> dict[str, dg.MetadataValue]:
    """Totals of a run over partitions. Only a few, because Dagster repeats them at every partition of the run."""
    seconds = _figure(max((report.seconds for report in reports), default=0.0))
    totals = {f"run_{fate}": total for fate, total in _counts(reports).items()}
    return {"run_partitions": _figure(len(reports)), **totals, "seconds": seconds}


def _counts(reports: Sequence[LoadReport]) -> dict[str, dg.MetadataValue]:
    return {fate: dg.MetadataValue.int(sum(getattr(report, fate) for report in reports)) for fate in FATES}


def _remarks(reports: Sequence[LoadReport]) -> dict[str, dg.MetadataValue]:
    """What most loads have nothing of."""
    remarks: dict[str, dict[str, int] | list[str]] = {
        "warned": _summed(report.warned for report in reports),
        "new_columns": sorted({column for report in reports for column in report.new_columns}),
        "notes": [note for report in reports for note in report.notes],
    }
    return {word: dg.MetadataValue.json(told) for word, told in remarks.items() if told}


def dimension_figures(report: DimensionReport) -> dict[str, dg.MetadataValue]:
    figures = {name: value for name, value in asdict(report).items() if name not in {"table", "rows", "keys"}}
    looked_at = "all" if report.keys is None else str(report.keys)
    return {
        "dagster/row_count": dg.MetadataValue.int(report.rows),
        "keys_looked_at": dg.MetadataValue.text(looked_at),
        **{name: _figure(value) for name, value in figures.items()},
    }


def table_figures(report: TableReport) -> dict[str, dg.MetadataValue]:
    """What a run wrote; for a table without partitions its row count too. Each partition has its own beside it."""
    figures = {
        "inserted": _figure(report.inserted),
        "deleted": _figure(report.deleted),
        "inferred_members": _figure(report.inferred_members),
        "seconds": _figure(report.seconds),
    }
    if set(report.rows) == {""}:
        return {"dagster/row_count": _figure(report.rows[""]), **figures}
    if report.also:
        more = f" and {len(report.also) - NAMED} more" if len(report.also) > NAMED else ""
        figures["also_recomputed"] = dg.MetadataValue.text(", ".join(report.also[:NAMED]) + more)
    return figures


def _figure(value: int | float) -> dg.MetadataValue:
    return (
        dg.MetadataValue.float(round(value, 3)) if isinstance(value, float) else dg.MetadataValue.int(value)
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for reason, rows in count.items():
            total[reason] = total.get(reason, 0) + rows
    return dict(sorted(total.items()))


def _spoken(feed: TableFeed, name: str, kind: str | None) -> dg.TableColumn:
    column = feed.columns.get(name)
    described = column.description if column else PLATFORM_COLUMNS.get(name, ("", None))[1]
    unique = dg.TableColumnConstraints(nullable=name not in feed.key, unique=feed.staging_key == (name,))
    tags = _tags(column) if column else {}
    return dg.TableColumn(name, kind or TYPE_OF_THE_SOURCE, described, constraints=unique, tags=tags)


def _added(names: Iterable[str], known: Mapping[str, tuple[str, str]]) -> list[dg.TableColumn]:
    return [dg.TableColumn(name, *known[name]) for name in names]


def _described(
    name: str, described: Mapping[str, DescribedColumn], types: Mapping[str, str]
) -> dg.TableColumn:
    kind = types.get(name, TYPE_OF_THE_SELECT)
    column = described.get(name)
    if column is None:
        return dg.TableColumn(name, kind, PLATFORM_COLUMNS.get(name, ("", None))[1])
    return dg.TableColumn(name, kind, column.description, tags=_tags(column))


def _constraints(feed: FileFeedContract, name: str) -> dg.TableColumnConstraints:
    column = feed.columns[name]
    other = [f"one of {', '.join(column.accepted)}"] if column.accepted else []
    if column.check:
        other.append(column.check)
    if column.reference:
        other.append(f"in {column.reference.table}.{column.reference.column}")
    if name in feed.staging_key:
        other.append("part of the key")
    return dg.TableColumnConstraints(
        nullable=name not in feed.required_columns, unique=feed.staging_key == (name,), other=other
    )


def _tags(column: Column | SourceColumn | DescribedColumn) -> dict[str, str]:
    named = {"pii": column.pii, "unit": column.unit, "currency": column.currency}
    return {word: value for word, value in named.items() if value}
