"""A backup and its restore against plain COPY of the same table to and from the same store, pg_dump beside them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.bench_server import fresh_server, run
from benchmarks.measuring import Measured, Memory, Result, seconds
from sales_platform.backup.file_store import FileStore
from sales_platform.local.binaries import find_programs
from sales_platform.local.server import EmbeddedServer

CREATE_LIMIT = RESTORE_LIMIT = 1.5
MEMORY_LIMIT = 200
PIECE = 1 << 20
TABLES = ("sales", "payments")
FORMATS = ("csv", "parquet")
COLUMNS = (
    "id bigint not null, customer_id bigint not null, quantity integer, code text, label text,"
    " price numeric(14,2), amount numeric(14,2), sold_at timestamptz, booked_at timestamptz, note text"
)
ROWS_OF = """select n, n % 10000, (n % 7)::integer, 'C-' || n % 500, 'label ' || n % 1000, (n % 9999) / 100.0,
    (n % 99999) / 100.0, '2025-01-01'::timestamptz + n * interval '1 second',
    '2025-01-02'::timestamptz + n * interval '1 second', 'a note of some length for row ' || n
from generate_series(1, {rows}) as n"""
# What a restore has to build behind the rows, in the floor as in the backup.
BUILT = (
    "alter table public.{table} add primary key (id)",
    "create index on public.{table} (customer_id)",
    "alter table public.{table} add check (quantity >= 0)",
)


def measure(rows: int, rounds: int) -> list[Result]:
    """Half of the rows in each of two tables, because a backup copies two at once and so does the floor."""
    results: list[Result] = []
    with fresh_server() as (server, folder):
        server.create_database("origin")
        _fill(server.url("origin"), rows)
        for form in FORMATS:
            results += _measure_form(server, folder / form, form, rows, rounds)
        results += _measure_peers(server, folder / "peer", rows, rounds)
    return results


def _measure_form(server: EmbeddedServer, folder: Path, form: str, rows: int, rounds: int) -> list[Result]:
    made: dict[str, list[float]] = {"create": [], "create floor": [], "restore": [], "restore floor": []}
    peaks: dict[str, list[float]] = {"create": [], "restore": []}
    for number in range(rounds):
        store, floor = folder / f"{number}", folder / f"floor-{number}"
        spent, peak = _in_own_process("create", server.url("origin"), store, form)
        made["create"].append(spent)
        peaks["create"].append(peak)
        made["create floor"].append(seconds(_copy_out, server.url("origin"), floor, form))
        target = _fresh(server, f"engine_{form}_{number}")
        spent, peak = _in_own_process("restore", target, store, form)
        made["restore"].append(spent)
        peaks["restore"].append(peak)
        made["restore floor"].append(seconds(_copy_in, _fresh(server, f"floor_{form}_{number}"), floor, form))
        _compare(server, f"engine_{form}_{number}", f"floor_{form}_{number}")
        shutil.rmtree(store)
        shutil.rmtree(floor)
    return [
        Measured(f"{rows:,} rows backed up as {form}", made["create"], made["create floor"], CREATE_LIMIT),
        Memory("  peak memory of the process", max(peaks["create"]), MEMORY_LIMIT),
        Measured(
            f"{rows:,} rows restored from {form}", made["restore"], made["restore floor"], RESTORE_LIMIT
        ),
        Memory("  peak memory of the process", max(peaks["restore"]), MEMORY_LIMIT),
    ]


def _measure_peers(server: EmbeddedServer, folder: Path, rows: int, rounds: int) -> list[Result]:
    """pg_dump -Fc and pg_restore over the same floor; no limit is promised for them."""
    folder.mkdir(parents=True)
    dumps, outs, restores, ins = [], [], [], []
    for number in range(rounds):
        dump, floor = folder / "peer.dump", folder / f"{number}"
        dumps.append(seconds(_program, "pg_dump", "-Fc", "-f", dump, server.url("origin")))
        outs.append(seconds(_copy_out, server.url("origin"), floor, "csv"))
        target = _fresh(server, f"peer_{number}")
        restores.append(seconds(_program, "pg_restore", "-d", target, dump))
        ins.append(seconds(_copy_in, _fresh(server, f"peer_floor_{number}"), floor, "csv"))
    return [
        Measured(f"{rows:,} rows by pg_dump -Fc", dumps, outs, None),
        Measured(f"{rows:,} rows by pg_restore", restores, ins, None),
    ]


def _fill(url: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"create table public.{table} ({COLUMNS})".encode())
            connection.execute(
                f"insert into public.{table} {ROWS_OF.format(rows=rows // len(TABLES))}".encode()
            )
            run(connection, *(statement.format(table=table) for statement in BUILT))
            connection.execute(f"vacuum analyze public.{table}".encode())


def _fresh(server: EmbeddedServer, name: str) -> str:
    server.create_database(name)
    return server.url(name)


def _in_own_process(work: str, url: str, store: Path, form: str) -> tuple[float, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.backing_up", work, str(store), form],
        env={**os.environ, "BENCHMARK_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    spent, peak = answer.stdout.split()
    return float(spent), float(peak)


def _copy_out(url: str, folder: Path, form: str) -> None:
    """Each table into the same store, two sessions at once; nothing is hashed and nothing described."""
    store = FileStore(folder)
    with ThreadPoolExecutor(len(TABLES)) as pool:
        list(pool.map(lambda table: _one_out(url, store, table, form), TABLES))


def _one_out(url: str, store: FileStore, table: str, form: str) -> None:
    query = f"copy public.{table} to stdout (format csv, header)".encode()
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(query) as rows:
        pieces = (bytes(row) for row in rows)
        store.put(f"raw/{table}.{form}", pieces if form == "csv" else _as_parquet(pieces))


def _as_parquet(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What Arrow itself makes of the stream, group by group, under the types that a backup has."""
    texts = dict.fromkeys(("code", "label", "price", "amount", "sold_at", "booked_at", "note"), pa.string())
    source = pa.PythonFile(io.BufferedReader(_Stream(pieces), PIECE), mode="r")
    convert = pa.csv.ConvertOptions(column_types=texts)
    reader = pa.csv.open_csv(source, pa.csv.ReadOptions(block_size=16 << 20), convert_options=convert)
    sink = _Sink()
    with pa.parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            yield sink.drain()
    yield sink.drain()


class _Stream(io.RawIOBase):
    """A file out of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        taken = self._rest[: len(room)]
        room[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _copy_in(url: str, folder: Path, form: str) -> None:
    """Both tables made, filled from their files and given their keys, index and check, in one transaction."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"create table public.{table} ({COLUMNS})".encode())
            query = f"copy public.{table} from stdin (format csv, header, freeze)"
            with cursor.copy(query.encode()) as copy:
                for piece in _pieces(folder / f"raw/{table}.{form}", form):
                    copy.write(piece)
        for table in TABLES:
            for statement in BUILT:
                cursor.execute(statement.format(table=table).encode())


def _pieces(file: Path, form: str) -> Iterator[bytes]:
    if form == "csv":
        with file.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece
        return
    for number, batch in enumerate(pa.parquet.ParquetFile(file).iter_batches()):
        sink = io.BytesIO()
        pa.csv.write_csv(batch, sink, pa.csv.WriteOptions(include_header=number == 0))
        yield sink.getvalue()


class _Sink(io.RawIOBase):
    """What was written since it was last taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._parts.append(bytes(piece))
        self._length += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._length

    def drain(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def _program(name: str, *arguments: str | Path) -> None:
    subprocess.run([find_programs() / name, *arguments], check=True)


def _compare(server: EmbeddedServer, *databases: str) -> None:
    """Both ways must have made the same tables with the same indexes, or the figures say nothing."""
    query = """select (select md5(string_agg(t::text, '|' order by id)) from public.sales as t),
        (select count(*) from public.payments),
        (select count(*) from pg_indexes where schemaname = 'public'),
        (select count(*) from pg_constraint where conrelid = 'public.sales'::regclass)"""
    found = []
    for name in databases:
        with psycopg.connect(server.url(name)) as connection:
            found.append(connection.execute(query).fetchone())
    if found[0] != found[1]:
        raise AssertionError(f"restored: {found[0]}, floor: {found[1]}")
