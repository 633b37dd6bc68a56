"""The calendar covers every day that a fact names: days outside its range are added when the fact is published."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from sales_platform.engine.tables import TableName, exists
from sales_platform.engine.warehouse import Connection

CALENDAR = "analytics.dim_date"


def cover_days(connection: Connection, fact: TableName, columns: Iterable[str], some: sql.Composable) -> None:
    """Add the days of the fact's `…_date_key` columns that the calendar lacks. some: which rows to look at."""
    if not exists(connection, TableName.parse(CALENDAR)):
        return
    for column in (name for name in columns if name.endswith("_date_key")):
        connection.execute(sql.SQL(_ADD_DAYS).format(column=sql.Identifier(column), fact=fact.sql, some=some))


_ADD_DAYS = """
insert into analytics.dim_date
select c.* from (
    select distinct {column} as date_key from {fact} where {some} and {column} is not null
) as m
cross join lateral (
    select make_date(m.date_key / 10000, m.date_key / 100 % 100, m.date_key % 100) as day
) as d
cross join lateral ops.calendar(d.day, d.day) as c
where m.date_key not in (select date_key from analytics.dim_date)
on conflict (date_key) do nothing
"""
