"""Many small files by one COPY, because a COPY for each costs more than its rows. No cast, no rule.

Only files are taken in which every line is a record to any reader: no quote, no carriage return, no byte order mark.
Each line gets its file's number as a last field, the server counts the lines, and one INSERT brings both to the raw
table. Files that the server takes otherwise go through `copying`, one by one, as do all that are large or not so plain.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.engine.copying import REFUSED, CopyResult, copy_statement
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.files import SourceFile
from sales_platform.engine.reader import BOM, Header
from sales_platform.engine.tables import identifiers
from sales_platform.errors import SourceError

# Fewer cost less by a COPY each than by a table between.
FEWEST = 8
SMALL_BYTES = 1 << 20
_HELD_BYTES = 64 << 20


@dataclass(frozen=True)
class FileToCopy:
    """A file to be copied, and what its rows get. load_id: told to no other file of the call."""

    file: SourceFile
    header: Header
    load_id: int
    partition: str


@dataclass(frozen=True)
class _Plain:
    """records: the bytes behind the header, which end with a line end unless there are none."""

    file: FileToCopy
    records: bytes
    result: CopyResult


def copy_together(
    connection: psycopg.Connection[Any], table: sql.Composable, arriving: Sequence[FileToCopy]
) -> dict[int, CopyResult]:
    """Append the records of those files for which it pays; the caller holds the table's lock and commits.

    Columns `_load_id`, `_partition` and `_source_row` (the physical line, from 1) are filled as `copy_file` does.
    Returns load_id → result; of files that it does not name nothing was written. Raises what `driver_errors.translate`
    makes of the server's answer.
    """
    results: dict[int, CopyResult] = {}
    alike = defaultdict(list)
    for one in arriving:
        alike[one.header.columns, one.header.delimiter].append(one)
    for (columns, delimiter), files in alike.items():
        if len(files) < FEWEST or len(columns) == 1:
            continue
        for portion in _portions(filter(None, map(_plain, files))):
            if _copy(connection, table, columns, delimiter, portion):
                results |= {plain.file.load_id: plain.result for plain in portion}
    return results


def _plain(arriving: FileToCopy) -> _Plain | None:
    """A file that is small and plain; None for any other, and for one that cannot be read, which `copy_file` names."""
    try:
        with arriving.file.open() as stream:
            content = stream.read(SMALL_BYTES + 1)
    except SourceError:
        return None
    records = content[arriving.header.bytes :]
    if len(content) > SMALL_BYTES or any(sign in records for sign in (b'"', b"\r", BOM)):
        return None
    if records and not records.endswith(b"\n"):
        records += b"\n"
    digest = hashlib.sha256(content).hexdigest()
    return _Plain(arriving, records, CopyResult(records.count(b"\n"), len(content), digest))


def _portions(files: Iterable[_Plain]) -> Iterator[list[_Plain]]:
    """As many as memory should hold."""
    portion: list[_Plain] = []
    held = 0
    for plain in files:
        portion.append(plain)
        held += len(plain.records)
        if held >= _HELD_BYTES:
            yield portion
            portion, held = [], 0
    if portion:
        yield portion


def _copy(
    connection: psycopg.Connection[Any],
    table: sql.Composable,
    columns: Sequence[str],
    delimiter: str,
    files: Sequence[_Plain],
) -> bool:
    """Whether the server took exactly one row per line; else nothing is written."""
    words = {"table": table, "columns": identifiers(columns), "landed": identifiers(columns, "l")}
    copy_in = copy_statement(sql.Identifier("pg_temp", "landed"), [*columns, "_file"], delimiter)
    with translated(f"{len(files)} files", connection):
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(sql.SQL(_LANDED).format(**words))
                with cursor.copy(copy_in) as copy:
                    for number, plain in enumerate(files):
                        copy.write(plain.records.replace(b"\n", f"{delimiter}{number}\n".encode()))
                if cursor.rowcount != sum(plain.result.rows for plain in files):
                    raise psycopg.Rollback
                cursor.execute(sql.SQL(_INSERT).format(**words), _numbered(files))
                cursor.execute("drop table pg_temp.landed")
                return True
        except REFUSED:
            pass
    return False


def _numbered(files: Sequence[_Plain]) -> dict[str, list[Any]]:
    """Of each file, in the order of their numbers: load, partition, and what its first line's number lacks."""
    offsets, lines = [], 0
    for plain in files:
        offsets.append(plain.file.header.lines - lines)
        lines += plain.result.rows
    return {
        "numbers": list(range(len(files))),
        "load_ids": [plain.file.load_id for plain in files],
        "partitions": [plain.file.partition for plain in files],
        "offsets": offsets,
    }


_LANDED = """
create temporary table landed on commit drop as select {columns}, 0 as _file from {table} limit 0;
alter table pg_temp.landed add column _line bigint generated always as identity
"""

_INSERT = """
insert into {table} ({columns}, _load_id, _partition, _source_row)
select {landed}, f.load_id, f.partition, l._line + f.first_line
from pg_temp.landed as l
inner join unnest(%(numbers)s::integer [], %(load_ids)s::bigint [], %(partitions)s::text [], %(offsets)s::bigint [])
    as f (number, load_id, partition, first_line) on l._file = f.number
"""
