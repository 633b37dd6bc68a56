"""Parquet for those who read backups with other tools: from the CSV stream of a table, and back into one.

Nothing may be lost, so only what Arrow holds exactly gets a type of its own: whole numbers, floating point, true and
false. All else stays the text that the server wrote; NULL and the empty text stay different.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from sales_platform.backup.manifest import Column

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

# one row group: larger ones compress a little better and need far more memory
_GROUP_BYTES = 1 << 20
_BUFFER_BYTES = 1 << 20


def to_parquet(pieces: Iterable[bytes], columns: Sequence[Column]) -> Iterator[bytes]:
    """A Parquet file of a CSV stream whose pieces end with rows; its first line is the header."""
    import pyarrow as pa
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    sink = _Sink()
    schema = pa.schema([(column.name, _type_of(column)) for column in columns])
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for group in _groups(pieces):
            writer.write_table(_table(group, schema))
            yield sink.drain()
            pa.default_memory_pool().release_unused()
    yield sink.drain()


def to_csv(blob: Iterable[bytes]) -> Iterator[bytes]:
    """The rows of a Parquet file as CSV with a header, in its order. The file is put on disk while it is read."""
    import pyarrow as pa
    import pyarrow.csv  # type: ignore[import-untyped]
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as spool:
        _spool(blob, spool)
        file = pq.ParquetFile(spool, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        # by hand, because Arrow makes no empty table without loading pandas: seconds, and 70 MB
        names = (name.replace('"', '""') for name in file.schema_arrow.names)
        yield (",".join(f'"{name}"' for name in names) + "\n").encode()
        # every value in quotes: what stands without them is NULL
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        for batch in file.iter_batches(batch_size=16_384, use_threads=False):
            body = pa.BufferOutputStream()
            pyarrow.csv.write_csv(batch, body, options)
            yield body.getvalue().to_pybytes()


def _type_of(column: Column) -> pa.DataType:
    import pyarrow as pa

    exact = {
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "real": pa.float32(),
        "double precision": pa.float64(),
    }
    return exact.get(column.type, pa.string())


def _table(group: bytes, schema: pa.Schema) -> pa.Table:
    import pyarrow.csv

    return pyarrow.csv.read_csv(
        io.BytesIO(group),
        # one block, so that a row may be as long as it likes
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=len(group) + 1, column_names=schema.names
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(schema) != 1),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def _groups(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Rows without the header, many together."""
    waiting: list[bytes] = []
    size = 0
    first = True
    for piece in pieces:
        rows = _without_header(piece) if first and piece else piece
        first = first and not piece
        waiting.append(rows)
        size += len(rows)
        if size >= _GROUP_BYTES:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if size:
        yield b"".join(waiting)


def _without_header(piece: bytes) -> bytes:
    """Behind the first line end that stands outside of quotes: a column's name may hold one."""
    end = 0
    while True:
        end = piece.index(b"\n", end) + 1
        if piece.count(b'"', 0, end) % 2 == 0:
            return piece[end:]


def _spool(blob: Iterable[bytes], spool: IO[bytes]) -> None:
    for piece in blob:
        spool.write(piece)
    spool.seek(0)


class _Sink(io.RawIOBase):
    """Where a writer writes and a reader takes away."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        copied = bytes(memoryview(piece))  # type: ignore[arg-type]
        self._waiting.append(copied)
        self._position += len(copied)
        return len(copied)

    def tell(self) -> int:
        return self._position

    def drain(self) -> bytes:
        drained = b"".join(self._waiting)
        self._waiting.clear()
        return drained
