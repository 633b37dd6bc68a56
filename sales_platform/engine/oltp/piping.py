"""Rows from a source session into a warehouse table, as binary COPY without a look at them."""

from __future__ import annotations

from psycopg import sql

from sales_platform.engine.warehouse import Connection

# The driver hands over one row at a time; together they make fewer messages.
_BATCH_BYTES = 1 << 17


def pipe(
    reader: Connection,
    query: sql.Composable,
    writer: Connection,
    table: sql.Composable,
    columns: sql.Composable,
) -> int:
    """Append the rows of `query` on one session to columns of a table on the other. Returns how many."""
    with reader.cursor() as source, writer.cursor() as target:
        outward = sql.SQL("copy ({}) to stdout (format binary)").format(query)
        inward = sql.SQL("copy {} ({}) from stdin (format binary)").format(table, columns)
        with source.copy(outward) as rows, target.copy(inward) as into:
            batch = bytearray()
            for row in rows:
                batch += row
                if len(batch) > _BATCH_BYTES:
                    into.write(bytes(batch))
                    batch.clear()
            into.write(bytes(batch))
        return target.rowcount
