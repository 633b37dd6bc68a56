"""The staging table of a feed: its shape, and what a row's value is when two rows of one key are compared."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.absences import ABSENT_COLUMNS
from sales_platform.engine.tables import (
    TableColumn,
    TableName,
    add_primary_key,
    columns_of,
    ensure_table,
    identifiers,
    let_be_missing,
    primary_key_of,
    rename_column,
)
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError

# The `_source_row` of a row that says its key was absent from a complete snapshot; lines count from 1.
ABSENT = 0

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
    if feed.keeps_history:
        platform = (*platform, ABSENT_COLUMNS)
    return (*feed.columns, *platform, "_load_id", "_partition", "_source_row")


def ensure_staging_table(connection: Connection, feed: FileFeedContract) -> bool:
    """Create or widen `staging.<feed>`. Returns whether it is new; a new one has no key yet (see `finish`)."""
    return _ensure(connection, feed, staging_name(feed), feed.description)


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
    if _ensure(connection, feed, name, f"Rows of {staging_name(feed)} that lost to another partition"):
        add_primary_key(connection, name, (*feed.staging_key, "_partition"))


def _ensure(connection: Connection, feed: FileFeedContract, name: TableName, description: str) -> bool:
    """A renamed column keeps its place (S-58); one that the contract no longer has stays, empty from now on."""
    standing = columns_of(connection, name)
    for column, said in feed.columns.items():
        known = [alias for alias in said.aliases if alias in standing]
        if column not in standing and known:
            rename_column(connection, name, known[0], column)
    _refuse_other_grain(connection, feed, name)
    declared = _declared(feed)
    let_be_missing(connection, name, sorted(standing.keys() - {column.name for column in declared}))
    return ensure_table(connection, name, declared, description)


def _refuse_other_grain(connection: Connection, feed: FileFeedContract, name: TableName) -> None:
    """Other rows than before would make all history anew (S-59)."""
    standing = primary_key_of(connection, name) - {"_partition"}
    if standing and standing != {*feed.staging_key}:
        raise ContractError(
            f"the rows of {name} are told apart by {', '.join(sorted(standing))}, and the contract now says"
            f" {', '.join(sorted(feed.staging_key))}.",
            where=feed.name,
            remedy="To go on from here, declare the files as a second feed and let the dimension read both. To make"
            f" all history anew, drop {staging_name(feed)} and {superseded_name(feed)} in psql and run"
            f" `sales-platform rebuild {feed.domain}`.",
        )


def same(names: tuple[str, ...], left: str, right: str) -> sql.Composed:
    """Equality of two rows by PostgreSQL's value equality, NULL equal to NULL."""
    if not names:
        return sql.SQL("{}").format(sql.SQL("true"))
    return sql.SQL("({}) is not distinct from ({})").format(
        identifiers(names, left), identifiers(names, right)
    )


def same_as_told(feed: FileFeedContract, left: str, right: str) -> sql.Composed:
    """Whether the left row, as far as its file had the columns, says what the right one says (S-55)."""
    names = value_columns(feed)
    if not feed.keeps_history:
        return same(names, left, right)
    return sql.SQL("({} or {} is not null and {})").format(
        same(names, left, right),
        sql.Identifier(left, ABSENT_COLUMNS),
        _same_but(feed, names, left, right, silent=left),
    )


def completes(feed: FileFeedContract, left: str, right: str) -> sql.Composed:
    """Whether the left row says what the right one says, and more that the right one's file could not say: no
    contradiction of two rows of one time (S-54).
    """
    if not feed.keeps_history:
        return sql.SQL("{}").format(sql.SQL("false"))
    return sql.SQL(
        "({r} is not null and cardinality(coalesce({l}, '{{}}')) < cardinality({r}) and {same})"
    ).format(
        l=sql.Identifier(left, ABSENT_COLUMNS),
        r=sql.Identifier(right, ABSENT_COLUMNS),
        same=_same_but(feed, value_columns(feed), left, right, silent=right),
    )


def _same_but(
    feed: FileFeedContract, names: tuple[str, ...], left: str, right: str, *, silent: str
) -> sql.Composable:
    """Equality in every column that the file of the row `silent` had."""
    if not names:
        return sql.SQL("true")
    parts = []
    for name in names:
        equal = same((name,), left, right)
        if name in feed.columns:
            equal = sql.SQL("({} or {} = any({}))").format(
                equal, sql.Literal(name), sql.Identifier(silent, ABSENT_COLUMNS)
            )
        parts.append(equal)
    return sql.SQL(" and ").join(parts)


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
    if feed.keeps_history:
        columns.append(TableColumn(ABSENT_COLUMNS, "text[]"))
    return [
        *columns,
        TableColumn("_load_id", "bigint", True),
        TableColumn("_partition", "text", True),
        TableColumn("_source_row", "bigint", True),
    ]
