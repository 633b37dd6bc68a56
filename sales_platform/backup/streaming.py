"""The rows of one table as a stream of CSV, out of a database and into one, counted and hashed as they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from psycopg import sql

from sales_platform.backup.manifest import Column
from sales_platform.engine.warehouse import Connection

# the driver hands over one row at a time; together they make fewer hashes and writes
BATCH_BYTES = 1 << 20


class Tally:
    """What passed: bytes, SHA-256 and MD5. rows: as the server counted them, when it has."""

    def __init__(self, *, md5: bool = False) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self.length = 0
        self.rows = 0

    def passing(
        self, pieces: Iterable[bytes], tell: Callable[[int], None] = lambda length: None
    ) -> Iterator[bytes]:
        """The same pieces, looked at. tell: is called with the bytes so far after each."""
        for piece in pieces:
            self._sha256.update(piece)
            if self._md5:
                self._md5.update(piece)
            self.length += len(piece)
            tell(self.length)
            yield piece

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest() if self._md5 else ""


def rows_of(
    connection: Connection, schema: str, table: str, columns: Sequence[Column], tally: Tally
) -> Iterator[bytes]:
    """The CSV of a table, header first, in pieces of whole rows. The tally learns how many rows there were."""
    query = sql.SQL("copy (select {} from only {}) to stdout (format csv, header)").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns), sql.Identifier(schema, table)
    )
    waiting: list[bytes] = []
    size = 0
    with connection.cursor() as cursor:
        with cursor.copy(query) as rows:
            for row in rows:
                waiting.append(row)  # type: ignore[arg-type]
                size += len(row)
                if size >= BATCH_BYTES:
                    yield b"".join(waiting)
                    waiting.clear()
                    size = 0
        tally.rows = cursor.rowcount
    yield b"".join(waiting)


def take_rows(
    connection: Connection, schema: str, table: str, columns: Sequence[Column], pieces: Iterable[bytes]
) -> int:
    """Append the rows of a CSV with its header to a table. Returns how many the server took.

    The table must be made or emptied in this transaction: its rows are written as if they had always stood.
    """
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    query = sql.SQL("copy {}{} from stdin (format csv, header, freeze)").format(
        sql.Identifier(schema, table), sql.SQL(" ({})").format(names) if columns else sql.SQL("")
    )
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for piece in pieces:
                copy.write(piece)
        return cursor.rowcount
