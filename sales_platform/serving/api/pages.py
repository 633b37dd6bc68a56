"""A mart as pages, ordered by its key: the next one begins after the last row, however far in, at the same cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fastapi import Request, Response
from psycopg import sql

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.selects import output_columns
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import WrongParameter
from sales_platform.metrics.registry import Registry
from sales_platform.metrics.selects import Parameters, filter_condition, relation_of
from sales_platform.serving.api.answering import as_records, csv_answer
from sales_platform.serving.api.cursors import read_cursor, write_cursor
from sales_platform.serving.api.tables import made, pool_of, read_rows, registry_of
from sales_platform.serving.api.validators import Validators
from sales_platform.serving.options import CSV_ROWS_MOST, ROWS_DEFAULT

_PORTION = 2_000


@dataclass(frozen=True)
class PageQuery:
    """What of a mart. columns: those shown, beside its key. limit: rows at most; None is a page, or all of a CSV."""

    mart: str
    columns: tuple[str, ...]
    from_: date | None = None
    to: date | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cursor: str | None = None
    limit: int | None = None

    @property
    def contract(self) -> SqlTableContract:
        return read_catalog().tables[self.mart]

    @property
    def about(self) -> str:
        """The question without the place in it."""
        filters = sorted((name, list(values)) for name, values in self.filters.items())
        return json.dumps([self.mart, self.columns, str(self.from_), str(self.to), filters])


def page_of(request: Request, query: PageQuery, name: str, *, as_csv: bool) -> Response:
    """A page as JSON, or everything from the cursor on as CSV. Raises WrongParameter and MartMissing."""
    after = read_cursor(query.about, query.cursor) if query.cursor else None
    registry = registry_of(request)
    with pool_of(request).connection() as connection:
        validators = Validators(request, connection, query.mart)
        if made := validators.made:
            return made
        if as_csv:
            rows = _all_rows(connection, registry, query, after)
            return csv_answer(name, query.columns, rows, validators.headers)
        size = query.limit or ROWS_DEFAULT
        statement, parameters = _select(registry, query, after, size + 1)
        rows_read = read_rows(connection, query.mart, statement, parameters)
    shown, width = rows_read[:size], len(query.columns)
    more = write_cursor(query.about, shown[-1][width:]) if len(rows_read) > size else None
    content = {
        "columns": query.columns,
        "rows": as_records(query.columns, (row[:width] for row in shown)),
        "next": more,
    }
    return validators.answer(content)


def columns_of(mart: str) -> tuple[str, ...]:
    return output_columns(read_catalog().tables[mart])


def _all_rows(
    connection: Connection, registry: Registry, query: PageQuery, after: list[str] | None
) -> Iterator[tuple[Any, ...]]:
    """From one statement, so of one version of the mart; fetched in portions."""
    most, width = query.limit or CSV_ROWS_MOST + 1, len(query.columns)
    statement, parameters = _select(registry, query, after, most)
    with (
        translated(query.mart),
        made(query.mart),
        connection.transaction(),
        connection.cursor("rows") as cursor,
    ):
        cursor.itersize = _PORTION
        cursor.execute(statement, parameters)
        for number, row in enumerate(cursor, 1):
            if number > CSV_ROWS_MOST:
                raise WrongParameter(
                    f"from: the answer has more than {CSV_ROWS_MOST:,} rows.",
                    parameter="from",
                    remedy="Ask for a shorter range or with a filter.",
                )
            yield row[:width]


def _select(
    registry: Registry, query: PageQuery, after: list[str] | None, most: int
) -> tuple[sql.Composed, Parameters]:
    """The columns, followed by the key."""
    parameters: Parameters = {"most": most}
    key = query.contract.grain
    conditions = [*_chosen(registry, query, parameters), *_after(key, after, parameters)]
    dimensions = [registry.dimensions[name] for name in query.filters]
    return (
        sql.SQL("select {}, {} from {} {} order by {} limit {}").format(
            identifiers(query.columns),
            identifiers(key),
            relation_of(query.mart, dimensions),
            sql.SQL("where {}").format(sql.SQL(" and ").join(conditions)) if conditions else sql.SQL(""),
            identifiers(key),
            sql.Placeholder("most"),
        ),
        parameters,
    )


def _chosen(registry: Registry, query: PageQuery, parameters: Parameters) -> list[sql.Composed]:
    found = [
        filter_condition(registry.dimensions[name], values, parameters)
        for name, values in query.filters.items()
    ]
    mart = registry.marts.get(query.mart)
    time = mart.time if mart else None
    for sign, day, name in ((">=", query.from_, "from_day"), ("<=", query.to, "to_day")):
        if time and day:
            parameters[name] = day
            found.append(
                sql.SQL("{} {} {}::date").format(sql.Identifier(time), sql.SQL(sign), sql.Placeholder(name))
            )
    return found


def _after(key: Sequence[str], after: list[str] | None, parameters: Parameters) -> list[sql.Composed]:
    if after is None:
        return []
    names = [f"after_{number}" for number in range(len(key))]
    parameters.update(zip(names, after, strict=True))
    return [sql.SQL("({}) > ({})").format(identifiers(key), sql.SQL(", ").join(map(sql.Placeholder, names)))]
