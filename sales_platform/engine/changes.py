"""What one refresh of a dimension changed: counts, and the temporary table `touched` with the surrogate keys."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection


@dataclass
class Changes:
    """Rows inserted, deleted, moved in time and overwritten in place; touched: surrogate keys a fact may have
    to follow.
    """

    inserted: int = 0
    deleted: int = 0
    moved: int = 0
    overwritten: int = 0
    touched: int = 0

    @property
    def any(self) -> bool:
        return bool(self.inserted or self.deleted or self.moved or self.overwritten or self.touched)


def open_touched(connection: Connection, dimension: DimensionContract) -> None:
    """An empty `touched`: surrogate and business key of every member or version that a fact may have to
    follow.
    """
    connection.execute("drop table if exists pg_temp.touched")
    connection.execute(
        sql.SQL(
            "create temporary table touched on commit drop as select {} as surrogate, {} from {} limit 0"
        ).format(
            sql.Identifier(dimension.surrogate_key), identifiers(dimension.key), dimension_name(dimension).sql
        )
    )


def count_touched(connection: Connection) -> int:
    row = connection.execute("select count(*) from touched").fetchone()
    return int(row[0]) if row else 0
