"""Which business keys a refresh has to look at: those whose staged rows changed since it last looked, or all
of them.
"""

from __future__ import annotations

import hashlib

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.changed_keys import changed_keys_name
from sales_platform.engine.tables import TableName, exists, identifiers
from sales_platform.engine.versions import consumed_version, published_version
from sales_platform.engine.warehouse import Connection


def logic_hash(dimension: DimensionContract) -> str:
    """Changes when the same events would make other versions."""
    spoken = dimension.model_dump_json(exclude={"description", "columns", "owner", "max_close"})
    return hashlib.sha256(spoken.encode()).hexdigest()


def find_affected(connection: Connection, dimension: DimensionContract) -> int | None:
    """Fill `affected` with the changed keys; returns their number, or None when every key must be looked at."""
    connection.execute("drop table if exists pg_temp.affected")
    parts: list[sql.Composable] = []
    for events in dimension.events:
        seen = consumed_version(connection, dimension.name, events.source, logic_hash(dimension))
        if seen is None:
            return None
        changed = changed_keys_name(TableName.parse(events.source))
        if not exists(connection, changed):
            if seen != published_version(connection, events.source):
                return None
            continue
        source_key = tuple(dimension.source_column(name) for name in dimension.key)
        parts.append(
            sql.SQL("select {} from {} where _version > {}").format(
                identifiers(source_key), changed.sql, sql.Literal(seen)
            )
        )
    nothing = sql.SQL("select {} from {} limit 0").format(
        identifiers(dimension.key), sql.Identifier("analytics", dimension.table)
    )
    query = sql.SQL(" union ").join(parts or [nothing])
    connection.execute(
        sql.SQL("create temporary table affected on commit drop as select * from ({}) as a ({})").format(
            query, identifiers(dimension.key)
        )
    )
    connection.execute("analyze pg_temp.affected")
    row = connection.execute("select count(*) from affected").fetchone()
    return int(row[0]) if row else 0
