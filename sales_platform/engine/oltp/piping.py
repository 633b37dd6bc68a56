"""Rows from a source session into a warehouse table, as binary COPY without a look at them."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.engine.warehouse import Connection

# The driver hands over one row at a time; together they make fewer messages.
_BATCH_BYTES = 1 << 17


def pipe(
    reader: SourceSession,
    query: sql.Composable,
    writer: Connection,
    table: sql.Composable,
    columns: sql.Composable,
) -> int:
    """Append the rows of `query` on one session to columns of a table on the other. Returns how many."""
    with writer.cursor() as target:
        inward = sql.SQL("copy {} ({}) from stdin (format binary)").format(table, columns)
        with target.copy(inward) as into:
            for batch in _batches(reader, query):
                into.write(batch)
        return target.rowcount


def _batches(reader: SourceSession, query: sql.Composable) -> Iterator[bytes]:
    """The bytes of a binary COPY; what goes wrong here is the source's fault, not that of who takes them."""
    outward = sql.SQL("copy ({}) to stdout (format binary)").format(query)
    batch = bytearray()
    with translated(reader.where), reader.cursor() as source, source.copy(outward) as rows:
        for row in rows:
            batch += row
            if len(batch) > _BATCH_BYTES:
                yield bytes(batch)
                batch.clear()
    yield bytes(batch)
