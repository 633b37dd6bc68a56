"""A file's records into its raw table, as text, exactly as received. No cast, no rule, no deletion of what
stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.bad_records import BadRecords
from sales_platform.engine.copying import CopyResult, copy_file
from sales_platform.engine.copying_together import FileToCopy, copy_together
from sales_platform.engine.files import SourceFile
from sales_platform.engine.loads import OpenLoad
from sales_platform.engine.reader import Header, read_header
from sales_platform.engine.tables import TableColumn, TableName, columns_of, ensure_table
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import FileEmpty, HeaderMismatch, SourceNotReady


@dataclass(frozen=True)
class Landed:
    """One file in raw under its load_id. rows: in raw; bad: records that could not become a row. new_columns: those of
    its header that the contract does not know.
    """

    load: OpenLoad
    rows: int
    bytes_read: int
    bad: BadRecords
    new_columns: tuple[str, ...]

    @property
    def records(self) -> int:
        return self.rows + len(self.bad)


def raw_name(feed: FileFeedContract) -> TableName:
    return TableName("raw", feed.name)


def ensure_raw_table(connection: Connection, feed: FileFeedContract) -> None:
    """Create `raw.<feed>`: the contract's columns as text, and where each row came from."""
    name = raw_name(feed)
    sequence = sql.Identifier("raw", _sequence(feed))
    connection.execute(sql.SQL("create sequence if not exists {}").format(sequence))
    platform = [
        TableColumn("_load_id", "bigint", True, sql.SQL("current_setting('sales_platform.load_id')::bigint")),
        TableColumn("_partition", "text", True, sql.SQL("current_setting('sales_platform.partition')")),
        TableColumn(
            "_source_row",
            "bigint",
            True,
            sql.SQL("nextval({}::regclass)").format(sql.Literal(f"raw.{_sequence(feed)}")),
        ),
    ]
    names = [spelling for column in feed.columns for spelling in spellings(feed, column)]
    received = [TableColumn(column, "text") for column in names]
    if ensure_table(connection, name, [*received, *platform], feed.description):
        connection.execute(
            sql.SQL("create index {} on {} (_load_id, _source_row)").format(
                sql.Identifier(f"{feed.name}_by_load"), name.sql
            )
        )


def header_of(file: SourceFile) -> Header:
    """Its first line. Raises SourceError."""
    with file.open() as stream:
        return read_header(stream, file.path)


def looks_like_a_header(feed: FileFeedContract, header: Header) -> bool:
    """Whether it has any name of the contract. A first line that has none may be a row, whose values stay out of
    messages and records.
    """
    return any({*spellings(feed, name)} & {*header.columns} for name in feed.columns)


@dataclass(frozen=True)
class Incoming:
    """A file whose load is open. new_columns: those of its header that the contract does not know."""

    file: SourceFile
    header: Header
    load: OpenLoad
    new_columns: tuple[str, ...]


def match_header(
    connection: Connection, feed: FileFeedContract, file: SourceFile, header: Header, load: OpenLoad
) -> Incoming:
    """Raises HeaderMismatch where a column is missing; adds those that the contract does not know to raw."""
    return Incoming(file, header, load, _match_header(connection, feed, file, header))


def copy_small_files(
    connection: Connection, feed: FileFeedContract, incoming: Sequence[Incoming]
) -> dict[int, CopyResult]:
    """COPY at once those files for which it pays. Returns load_id → result; `land_file` copies the others."""
    files = [FileToCopy(one.file, one.header, one.load.load_id, one.load.partition) for one in incoming]
    return copy_together(connection, raw_name(feed).sql, files)


def land_file(
    connection: Connection, feed: FileFeedContract, incoming: Incoming, copied: CopyResult | None
) -> Landed:
    """Have the file's records in raw, beside what stands. copied: what `copy_small_files` made of it. Raises
    SourceError for a file that cannot be read as a whole, of which no row stays.
    """
    file, load = incoming.file, incoming.load
    result = copied or copy_file(
        connection,
        file,
        raw_name(feed).sql,
        incoming.header,
        incoming.header.columns,
        row_sequence=f"raw.{_sequence(feed)}",
        constants={"_load_id": str(load.load_id), "_partition": load.partition},
    )
    if result.content_hash != load.content_hash:
        forget_loads(connection, feed, [load.load_id])
        raise SourceNotReady(
            "the file changed while it was read.",
            where=file.path,
            remedy="Load it again once it stands still.",
        )
    if result.rows + len(result.bad) == 0 and feed.empty == "refuse":
        raise FileEmpty(
            "the file holds a header and no record.",
            where=file.path,
            remedy="If a day without rows is meant, say `empty: allow` in the feed's contract.",
        )
    return Landed(load, result.rows, result.bytes_read, result.bad, incoming.new_columns)


def spellings(feed: FileFeedContract, column: str) -> tuple[str, ...]:
    """The names under which files bring a column, its own one first."""
    return (column, *feed.columns[column].aliases)


def landing_partition(connection: Connection, feed: FileFeedContract, file: SourceFile) -> str:
    """A name for one landing of a file that is overwritten: `customers.csv@<time>`.

    The time is the clock's, but always after the landing before it (S-65).
    """
    row = connection.execute(
        """
        select greatest(clock_timestamp(), max(snapshot_at) + interval '1 microsecond')
        from ops.snapshot where feed = %s
        """,
        [feed.name],
    ).fetchone()
    assert row is not None
    return f"{file.partition}@{row[0].isoformat()}"


def landing_time(partition: str) -> datetime | None:
    """When a landing happened; None for a partition that is a day or a file."""
    return datetime.fromisoformat(partition.rsplit("@", 1)[1]) if "@" in partition else None


def forget_loads(connection: Connection, feed: FileFeedContract, load_ids: list[int]) -> None:
    """Delete the raw rows of loads that were replaced or refused."""
    connection.execute(
        sql.SQL("delete from {} where _load_id = any({})").format(raw_name(feed).sql, sql.Literal(load_ids))
    )


def _sequence(feed: FileFeedContract) -> str:
    return f"{feed.name}_source_row"


def _match_header(
    connection: Connection, feed: FileFeedContract, file: SourceFile, header: Header
) -> tuple[str, ...]:
    """Refuse a header that lacks a column; add columns that the contract does not know to raw. Returns those."""
    _refuse_two_spellings(feed, file, header)
    missing = [
        name
        for name in feed.columns
        if not {*spellings(feed, name)} & {*header.columns} and not _may_lack(feed, name, file)
    ]
    if missing:
        found = "it has none of the contract's names"
        if looks_like_a_header(feed, header):
            found = f"it has {', '.join(header.columns)}"
        raise HeaderMismatch(
            f"the header lacks {', '.join(missing)}; {found}.",
            where=f"{file.path}, line 1",
            remedy=_remedy(feed, missing[0]),
        )
    known_names = {spelling for name in feed.columns for spelling in spellings(feed, name)}
    new = tuple(name for name in header.columns if name not in known_names)
    clash = [name for name in new if name.startswith("_")]
    if clash:
        raise HeaderMismatch(
            f"the column {clash[0]} begins with an underscore, as only the platform's own columns do.",
            where=f"{file.path}, line 1",
            remedy="Rename it in the file.",
        )
    if new:
        standing = columns_of(connection, raw_name(feed))
        ensure_table(
            connection, raw_name(feed), [TableColumn(name, "text") for name in new if name not in standing]
        )
    return new


def _refuse_two_spellings(feed: FileFeedContract, file: SourceFile, header: Header) -> None:
    for name in feed.columns:
        found = [spelling for spelling in spellings(feed, name) if spelling in header.columns]
        if len(found) > 1:
            raise HeaderMismatch(
                f"the header has {' and '.join(found)}, which are one column by the contract.",
                where=f"{file.path}, line 1",
                remedy=f"Take one of them out of the file, or out of the aliases of {name}.",
            )


def _remedy(feed: FileFeedContract, column: str) -> str:
    mend = "Mend the header, or the feed's contract if the source changed"
    if column in feed.key or column in {feed.time_column, feed.tie_break, feed.scope}:
        return f"{mend}: `aliases: [<new name>]` where it was renamed."
    return (
        f"{mend}: `columns: {{{column}: {{dropped: true}}}}` where it is gone for good (what was read stays),"
        " `aliases: [<new name>]` where it was renamed."
    )


def _may_lack(feed: FileFeedContract, column: str, file: SourceFile) -> bool:
    """Whether the file may go without the column: its contract says what stands for it, or since when it is there."""
    if feed.columns[column].dropped or (feed.columns[column].default and column not in feed.key):
        return True
    since = feed.columns[column].absent_before
    return since is not None and feed.partitions == "daily" and date.fromisoformat(file.partition) < since
