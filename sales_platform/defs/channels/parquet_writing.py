"""Rows of a warehouse table as the bytes of a typed Parquet file. Where a file lies and when it is written is not
decided here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


def parquet_columns(connection: Connection, table: str) -> dict[str, str]:
    """Column → PostgreSQL type of what a file holds: everything but the platform's own columns."""
    return {
        name: kind
        for name, kind in columns_of(connection, TableName.parse(table)).items()
        if not name.startswith("_")
    }


def parquet_bytes(
    connection: Connection, table: str, columns: Mapping[str, str], partition: str, order: Sequence[str]
) -> tuple[bytes, int]:
    """The rows of one partition as a zstd-compressed Parquet file, and how many they are.

    The same rows give the same bytes. Raises ContractError for a column whose type a file cannot hold exactly.
    """
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = _read(connection, table, columns, partition, order)
    content = io.BytesIO()
    pq.write_table(rows, content, compression="zstd")
    return content.getvalue(), rows.num_rows


def _read(
    connection: Connection, table: str, columns: Mapping[str, str], partition: str, order: Sequence[str]
) -> pa.Table:
    """The rows as Arrow columns; they travel as the text of COPY, never as Python objects."""
    from pyarrow import csv

    query = sql.SQL(
        "copy (select {} from {} where _partition = {} order by {}) to stdout (format csv)"
    ).format(
        identifiers(tuple(columns)),
        TableName.parse(table).sql,
        sql.Literal(partition),
        identifiers(tuple(order)),
    )
    text = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(query) as stream:
        for block in stream:
            text.write(block)
    types = {name: _arrow_type(name, kind) for name, kind in columns.items()}
    text.seek(0)
    if not text.getbuffer().nbytes:
        return _schema(types).empty_table()
    return csv.read_csv(
        text,
        read_options=csv.ReadOptions(column_names=list(columns)),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types,
            # COPY writes a missing value bare and an empty text in quotes
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def _schema(types: Mapping[str, pa.DataType]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(list(types.items()))


def _arrow_type(column: str, kind: str) -> pa.DataType:
    import pyarrow as pa

    if found := _NUMERIC.fullmatch(kind):
        return pa.decimal128(int(found[1]), int(found[2]))
    known = {
        "text": pa.string(),
        "boolean": pa.bool_(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "date": pa.date32(),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
    }
    if kind not in known:
        raise ContractError(
            f"a Parquet file cannot hold the type {kind} exactly.",
            where=column,
            remedy="Cast it in the SELECT, a numeric to a precision and scale.",
        )
    return known[kind]
