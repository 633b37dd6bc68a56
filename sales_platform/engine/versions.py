"""Which version of its inputs each table holds: what changed, and what is stale because of it. Writes only in
ops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sales_platform.engine.warehouse import Connection


def publish_versions(connection: Connection, table: str, partitions: Iterable[str] = ()) -> None:
    """Say that a table, and these partitions of it, changed; in the transaction that changed them."""
    connection.execute(
        """
        with v as (select nextval('ops.version_seq') as version),
        parts as (
            insert into ops.partition_version (table_name, partition, version)
            select %(table)s, p, v.version from unnest(%(partitions)s::text[]) as p, v
            on conflict (table_name, partition) do update set version = excluded.version
        )
        insert into ops.table_version (table_name, version)
        select %(table)s, version from v
        on conflict (table_name) do update set version = excluded.version, published_at = clock_timestamp()
        """,
        {"table": table, "partitions": sorted(set(partitions))},
    )


def stale_inputs(connection: Connection, consumer: str, inputs: Sequence[str], logic_hash: str) -> list[str]:
    """Partitions of the inputs whose version the consumer does not hold, or holds by other logic; sorted."""
    rows = connection.execute(
        """
        select distinct v.partition
        from ops.partition_version as v
        left join ops.consumed_version as c
            on c.consumer = %(consumer)s and c.input = v.table_name and c.partition = v.partition
        where v.table_name = any(%(inputs)s)
            and (c.version is distinct from v.version or c.logic_hash is distinct from %(hash)s)
        order by v.partition
        """,
        {"consumer": consumer, "inputs": list(inputs), "hash": logic_hash},
    ).fetchall()
    return [row[0] for row in rows]


def consume_partitions(
    connection: Connection, consumer: str, inputs: Sequence[str], partitions: Sequence[str], logic_hash: str
) -> None:
    """Note that the consumer now holds these partitions of its inputs as they stand."""
    connection.execute(
        """
        insert into ops.consumed_version (consumer, input, partition, version, logic_hash)
        select %(consumer)s, table_name, partition, version, %(hash)s
        from ops.partition_version where table_name = any(%(inputs)s) and partition = any(%(partitions)s)
        on conflict (consumer, input, partition)
        do update set version = excluded.version, logic_hash = excluded.logic_hash
        """,
        {"consumer": consumer, "inputs": list(inputs), "partitions": list(partitions), "hash": logic_hash},
    )


def table_is_stale(connection: Connection, consumer: str, inputs: Sequence[str], logic_hash: str) -> bool:
    """Whether a table without partitions lacks the newest version of an input, or was made by other logic."""
    row = connection.execute(
        """
        select count(*) filter (where c.version is not null and c.logic_hash = %(hash)s),
            count(*) filter (where coalesce(v.version, 0) is distinct from c.version)
        from unnest(%(inputs)s::text[]) as i (name)
        left join ops.table_version as v on v.table_name = i.name
        left join ops.consumed_version as c on c.consumer = %(consumer)s and c.input = i.name and c.partition = ''
        """,
        {"consumer": consumer, "inputs": [*inputs, consumer], "hash": logic_hash},
    ).fetchone()
    return row is None or row[0] < 1 or row[1] > 0


def consumed_version(connection: Connection, consumer: str, source: str, logic_hash: str) -> int | None:
    """The version of an unpartitioned input that the consumer holds; None when it must look at everything."""
    row = connection.execute(
        """
        select version from ops.consumed_version
        where consumer = %s and input = %s and partition = '' and logic_hash = %s
        """,
        [consumer, source, logic_hash],
    ).fetchone()
    return row[0] if row else None


def consume_tables(connection: Connection, consumer: str, inputs: Sequence[str], logic_hash: str) -> None:
    """Note that the consumer now holds its inputs as they stand, and itself as made by this logic."""
    connection.execute(
        """
        insert into ops.consumed_version (consumer, input, partition, version, logic_hash)
        select %(consumer)s, i.name, '', coalesce(v.version, 0), %(hash)s
        from unnest(%(inputs)s::text[]) as i (name) left join ops.table_version as v on v.table_name = i.name
        on conflict (consumer, input, partition)
        do update set version = excluded.version, logic_hash = excluded.logic_hash
        """,
        {"consumer": consumer, "inputs": [*inputs, consumer], "hash": logic_hash},
    )


def forget_consumers(connection: Connection, source: str) -> None:
    """Let every table that reads `source` look at all of it: its changes were not noted."""
    connection.execute(
        "delete from ops.consumed_version where input = %s and consumer <> %s", [source, source]
    )


def published_version(connection: Connection, table: str) -> int:
    """The newest version of a table; 0 before its first publication."""
    row = connection.execute(
        "select version from ops.table_version where table_name = %s", [table]
    ).fetchone()
    return int(row[0]) if row else 0


def is_read_whole(connection: Connection, source: str) -> bool:
    """Whether a table without partitions reads it, which wants to know the keys that changed."""
    row = connection.execute(
        "select exists (select from ops.consumed_version where input = %s and partition = '' and consumer <> %s)",
        [source, source],
    ).fetchone()
    return bool(row and row[0])


def has_consumer(connection: Connection, source: str) -> bool:
    row = connection.execute(
        "select exists (select from ops.consumed_version where input = %s)", [source]
    ).fetchone()
    return bool(row and row[0])
