"""The floor of the order benchmarks: the same tables with the same keys, by a hand-written pipe and SQL."""

from __future__ import annotations

from benchmarks.bench_server import run
from benchmarks.order_source import COLUMNS, NAMES
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Connection, Warehouse

_OWN = "_load_id, _extracted_at, _event_at, _deleted"
_BATCH_BYTES = 1 << 17


def copy_all(warehouse: Warehouse, database: SourceDatabase) -> None:
    """All orders into a log that is not there yet, in one COPY; its key afterwards, as a load builds it."""
    with database.connect() as reader, warehouse.transaction() as connection:
        run(
            connection,
            "create schema if not exists floor",
            f"""create table floor.raw_orders ({", ".join(COLUMNS)}, _load_id bigint not null,
            _extracted_at timestamptz not null, _event_at timestamptz not null, _deleted boolean not null)""",
        )
        _pipe(
            reader,
            f"select {', '.join(NAMES)}, 1::bigint, now(), updated_at, false from bench.orders",
            connection,
            f"floor.raw_orders ({', '.join(NAMES)}, {_OWN})",
        )
        run(
            connection,
            "alter table floor.raw_orders add primary key (order_id, _load_id)",
        )


def stage_all(warehouse: Warehouse) -> None:
    """Staging as a first load makes it, with nothing judged."""
    with warehouse.transaction() as connection:
        run(
            connection,
            f"create table floor.staged_orders as select {', '.join(NAMES)}, _load_id from floor.raw_orders",
            "alter table floor.staged_orders add primary key (order_id)",
        )


def copy_changed(warehouse: Warehouse, database: SourceDatabase, since: str) -> None:
    """The window since a stamp: into a temporary table, from there what differs from the newest row of its key."""
    with database.connect() as reader, warehouse.transaction() as connection:
        run(connection, f"create temporary table window_rows ({', '.join(COLUMNS)}) on commit drop")
        _pipe(
            reader,
            f"select {', '.join(NAMES)} from bench.orders where updated_at >= '{since}'",
            connection,
            f"window_rows ({', '.join(NAMES)})",
        )
        theirs, ours = (", ".join(f"{alias}.{name}" for name in NAMES) for alias in ("a", "l"))
        run(
            connection,
            "analyze window_rows (order_id)",
            f"""insert into floor.raw_orders ({", ".join(NAMES)}, {_OWN})
            select {theirs}, (select max(_load_id) + 1 from floor.raw_orders where order_id = a.order_id),
                now(), a.updated_at, false
            from window_rows as a left join lateral (
                select * from floor.raw_orders as r where r.order_id = a.order_id order by r._load_id desc limit 1
            ) as l on true
            where ({theirs}) is distinct from ({ours})""",
        )


def stage_changed(warehouse: Warehouse, since: str) -> None:
    """The same rows in staging, each in place of the one that stood."""
    with warehouse.transaction() as connection:
        changed = ", ".join(f"{name} = excluded.{name}" for name in (*NAMES[1:], "_load_id"))
        run(
            connection,
            f"""insert into floor.staged_orders
            select {", ".join(NAMES)}, _load_id from floor.raw_orders where _event_at >= '{since}'
            on conflict (order_id) do update set {changed}""",
        )


def _pipe(reader: Connection, query: str, writer: Connection, target: str) -> None:
    """Binary COPY to binary COPY; written in batches, which is the quickest that the driver's own calls can do."""
    outward, inward = f"copy ({query}) to stdout (format binary)", f"copy {target} from stdin (format binary)"
    with (
        reader.cursor() as source,
        writer.cursor() as sink,
        source.copy(outward) as rows,
        sink.copy(inward) as into,
    ):
        batch = bytearray()
        for row in rows:
            batch += row
            if len(batch) > _BATCH_BYTES:
                into.write(bytes(batch))
                batch.clear()
        into.write(bytes(batch))
