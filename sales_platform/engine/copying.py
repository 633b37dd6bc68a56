"""COPY of one file's bytes into its raw table, with the line numbers of its rows. No cast, no rule.

Two ways give the same table. The fast one streams the bytes untouched and lets defaults of the table fill
the platform's columns; it stands when the server took exactly one row per line. When it did not, or refused
the file, it is rolled back and the file is split into records here, so that only the broken ones are left
out.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import psycopg
from psycopg import sql

from sales_platform.engine.bad_records import BadRecords
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.files import SourceFile
from sales_platform.engine.reader import BOM, BadRecord, Header, split_records
from sales_platform.engine.unpacking import CHUNK_BYTES
from sales_platform.errors import DatabaseFailure, SourceError

# The bytes are not what COPY takes; anything else is a fault of the server.
REFUSED = (psycopg.errors.BadCopyFileFormat, psycopg.errors.CharacterNotInRepertoire)


@dataclass
class CopyResult:
    """What became of one file: rows + len(bad) are its records; content_hash: SHA-256 (hex) of its bytes."""

    rows: int
    bytes_read: int
    content_hash: str
    bad: BadRecords = field(default_factory=BadRecords)


def copy_file(
    conn: psycopg.Connection[Any],
    file: SourceFile,
    table: sql.Composable,
    header: Header,
    columns: Sequence[str],
    *,
    row_sequence: str,
    constants: Mapping[str, str],
    row_column: str = "_source_row",
) -> CopyResult:
    """Append the records of `file` to `table`; the caller holds the table's lock and commits.

    columns: the table's columns in the file's order, one for each name of the header.
    row_sequence: name of the sequence behind the default of `row_column`, which receives the physical line
    (from 1) on which a record begins. constants: value of each platform column whose default is
    `current_setting('sales_platform.<column without underscore>')`.

    All or nothing within a savepoint. Raises SourceError when the file cannot be read, and what
    `driver_errors.translate` makes of the server's answer.
    """
    with translated(file.path, conn):
        conn.execute(_defaults(constants, row_sequence, header.lines + 1))
        copy_in = copy_statement(table, columns, header.delimiter)
        result = None if len(columns) == 1 else _copy_untouched(conn, file, header, copy_in)
        if result is None:
            copy_in = copy_statement(table, [*columns, row_column], header.delimiter)
            result = _copy_records(conn, file, header, copy_in, len(columns))
    return result


def copy_statement(table: sql.Composable, columns: Sequence[str], delimiter: str) -> sql.Composed:
    return sql.SQL("copy {} ({}) from stdin (format csv, encoding 'UTF8', delimiter {})").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Literal(delimiter)
    )


class _NotOneRowPerLine(Exception):
    """The server took another number of rows than the file has lines; leaves the savepoint only."""


def _copy_untouched(
    conn: psycopg.Connection[Any], file: SourceFile, header: Header, copy_in: sql.Composed
) -> CopyResult | None:
    """Stream the file as it is; None, and nothing written, if the server refused it or rows are not lines.

    Not for one column, where the server takes an empty line as a row.
    """
    lines = _LineCount()
    try:
        with _opened(file, header) as stream, conn.transaction(), conn.cursor() as cursor:
            with cursor.copy(copy_in) as copy:
                while chunk := stream.read1(CHUNK_BYTES):
                    lines.add(chunk)
                    copy.write(chunk)
            if cursor.rowcount != lines.total or lines.has_bare_carriage_return or lines.has_mark:
                raise _NotOneRowPerLine
            return CopyResult(lines.total, stream.raw.bytes_read, stream.raw.hexdigest())
    except (*REFUSED, _NotOneRowPerLine):
        return None


def _copy_records(
    conn: psycopg.Connection[Any], file: SourceFile, header: Header, copy_in: sql.Composed, width: int
) -> CopyResult:
    """Split the file into records, copy the good ones with their line as a last field, keep the bad ones."""
    bad = BadRecords()
    delimiter = header.delimiter.encode()
    with _opened(file, header) as stream, conn.transaction(), conn.cursor() as cursor:
        records = split_records(stream, width, header.lines + 1, delimiter)
        with cursor.copy(copy_in) as copy:
            sent = _send(records, delimiter, copy.write, bad.append)
        if cursor.rowcount != sent:
            raise DatabaseFailure(f"The server took {cursor.rowcount} of {sent} records.", where=file.path)
        return CopyResult(sent, stream.raw.bytes_read, stream.raw.hexdigest(), bad)


def _send(
    records: Iterator[tuple[int, bytes] | BadRecord],
    delimiter: bytes,
    write: Callable[[bytes], None],
    refuse: Callable[[BadRecord], None],
) -> int:
    """Write the good records in chunks; returns their number."""
    sent = size = 0
    waiting: list[bytes] = []
    for record in records:
        if isinstance(record, BadRecord):
            refuse(record)
            continue
        line, content = record
        # Never the bare line `\.`, which would end the data before PostgreSQL 18: the line number follows it.
        row = b"%b%b%d\n" % (content, delimiter, line)
        waiting.append(row)
        sent += 1
        size += len(row)
        if size >= CHUNK_BYTES:
            write(b"".join(waiting))
            waiting.clear()
            size = 0
    write(b"".join(waiting))
    return sent


def _defaults(constants: Mapping[str, str], row_sequence: str, first_line: int) -> sql.Composed:
    """Tells the table's defaults what the rows of one file get, in one statement: a day's file is often so small that
    it costs no more than the words around it.
    """
    settings = [
        sql.SQL("set_config({}, {}, true)").format(
            sql.Literal(f"sales_platform.{column.lstrip('_')}"), sql.Literal(value)
        )
        for column, value in constants.items()
    ]
    lines = sql.SQL("setval({}::regclass, {}, false)").format(
        sql.Literal(row_sequence), sql.Literal(first_line)
    )
    return sql.SQL("select {}").format(sql.SQL(", ").join([*settings, lines]))


class _LineCount:
    """Physical lines in a stream of chunks; the last one counts without a line end too."""

    def __init__(self) -> None:
        self._line_feeds = self._carriage_returns = self._pairs = 0
        self._last = b"\n"
        self._tail = b""
        self.has_mark = False  # a byte order mark behind the header, which may stand before a record

    def add(self, chunk: bytes) -> None:
        self._line_feeds += chunk.count(b"\n")
        if b"\r" in chunk:
            self._carriage_returns += chunk.count(b"\r")
            self._pairs += chunk.count(b"\r\n")
        self._pairs += self._last == b"\r" and chunk[:1] == b"\n"
        self._last = chunk[-1:]
        self.has_mark = self.has_mark or BOM in chunk or BOM in self._tail + chunk[:2]
        self._tail = chunk[-2:]

    @property
    def total(self) -> int:
        return self._line_feeds + (self._last != b"\n")

    @property
    def has_bare_carriage_return(self) -> bool:
        """A carriage return alone may be a line end for the server, which this count does not see."""
        return self._carriage_returns != self._pairs


class _Meter(io.RawIOBase):
    """Counts and hashes the bytes that pass, so that a file is read once."""

    def __init__(self, source: BinaryIO, path: str) -> None:
        self._source = cast(io.RawIOBase, source)
        self._path = path
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._source.readinto(buffer) or 0
        except OSError as error:
            raise SourceError(
                f"Reading stopped ({error.strerror or type(error).__name__}).",
                where=self._path,
                remedy="Check the disk the file lies on.",
            ) from error
        self._digest.update(memoryview(buffer)[:count])
        self.bytes_read += count
        return count

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def _opened(file: SourceFile, header: Header) -> Iterator[io.BufferedReader[_Meter]]:
    """The file's bytes behind its header, through a meter that has seen the header too."""
    with file.open() as source:
        stream = io.BufferedReader(_Meter(source, file.path), CHUNK_BYTES)
        stream.read(header.bytes)
        yield stream
