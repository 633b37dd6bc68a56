"""The staging table of a feed: its shape, and what a row's value is when two rows of one key are compared."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.tables import TableColumn, TableName, add_primary_key, ensure_table, identifiers
from sales_platform.engine.warehouse import Connection

# The `_source_row` of a row that says its key was absent from a complete snapshot; lines count from 1.
ABSENT = 0


def staging_name(feed: FileFeedContract) -> TableName:
    return TableName("staging", feed.name)


def superseded_name(feed: FileFeedContract) -> TableName:
    """Where rows wait that lost to a row of the same key in another partition: they stand again if that one
    goes.
    """
    return TableName("quality", f"{feed.name}_superseded")


def value_columns(feed: FileFeedContract) -> tuple[str, ...]:
    """What makes two rows of one key the same row."""
    flags = ("_deleted",) if feed.marks_deletes else ()
    # the time of a snapshot differs from one to the next, and says nothing of the row
    spoken = {*feed.staging_key, feed.snapshot_at}
    return (*(name for name in feed.columns if name not in spoken), *flags)


def staged_columns(feed: FileFeedContract) -> tuple[str, ...]:
    platform = (*(["_snapshot_at"] if feed.versions else []), *(["_deleted"] if feed.marks_deletes else []))
    return (*feed.columns, *platform, "_load_id", "_partition", "_source_row")


def ensure_staging_table(connection: Connection, feed: FileFeedContract) -> bool:
    """Create or widen `staging.<feed>`. Returns whether it is new; a new one has no key yet (see `finish`)."""
    return ensure_table(connection, staging_name(feed), _declared(feed), feed.description)


def finish_staging_table(connection: Connection, feed: FileFeedContract) -> None:
    """Key and index of a new table, after its first rows are in: building them then is cheaper."""
    name = staging_name(feed)
    add_primary_key(connection, name, feed.staging_key)
    if feed.partitions != "none":
        connection.execute(
            sql.SQL("create index {} on {} (_partition)").format(
                sql.Identifier(f"{feed.name}_by_partition"), name.sql
            )
        )


def ensure_superseded_table(connection: Connection, feed: FileFeedContract) -> None:
    name = superseded_name(feed)
    if ensure_table(
        connection, name, _declared(feed), f"Rows of {staging_name(feed)} that lost to another partition"
    ):
        add_primary_key(connection, name, (*feed.staging_key, "_partition"))


def same(names: tuple[str, ...], left: str, right: str) -> sql.Composed:
    """Equality of two rows by PostgreSQL's value equality, NULL equal to NULL."""
    if not names:
        return sql.SQL("{}").format(sql.SQL("true"))
    return sql.SQL("({}) is not distinct from ({})").format(
        identifiers(names, left), identifiers(names, right)
    )


def joined(names: tuple[str, ...], left: str, right: str) -> sql.Composed:
    """Equality of two never-null keys, column by column, never concatenated (S-39)."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name)) for name in names
    )


def _declared(feed: FileFeedContract) -> list[TableColumn]:
    columns = [
        TableColumn(
            name,
            column.kind.sql,
            required=name in feed.required_columns and column.absent_before is None,
            description=column.description,
        )
        for name, column in feed.columns.items()
    ]
    if feed.versions:
        columns.append(TableColumn("_snapshot_at", "timestamp with time zone", True))
    if feed.marks_deletes:
        columns.append(TableColumn("_deleted", "boolean", True))
    return [
        *columns,
        TableColumn("_load_id", "bigint", True),
        TableColumn("_partition", "text", True),
        TableColumn("_source_row", "bigint", True),
    ]
