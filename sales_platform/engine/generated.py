"""The SQL that the engine makes of a contract, for reading. Needs no database and runs nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches

from psycopg import sql

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.chain import chain_query
from sales_platform.engine.judging import judgement
from sales_platform.engine.publish import attached
from sales_platform.engine.references import references_of
from sales_platform.engine.selects import select_text
from sales_platform.errors import WrongUse

_NEWEST = datetime(2000, 1, 1, tzinfo=UTC)


def generated_sql(catalog: Catalog, name: str) -> str:
    """The SELECT behind `staging.<feed>`, `analytics.<dimension>`, a fact or a mart; `/` may stand for the
    point.

    Raises WrongUse for a name that no contract declares, with the nearest one.
    """
    schema, _, table = name.replace("/", ".").partition(".")
    if schema == "staging" and table in catalog.feeds:
        return _staging(catalog.feeds[table])
    if schema == "analytics" and table in catalog.dimensions:
        return _dimension(catalog, catalog.dimensions[table])
    if (contract := catalog.tables.get(f"{schema}.{table}")) is not None:
        return _table(catalog, contract)
    known = [f"staging.{feed}" for feed in catalog.feeds]
    known += [f"analytics.{dimension}" for dimension in catalog.dimensions] + list(catalog.tables)
    near = get_close_matches(name, known, n=1) or known[:1]
    raise WrongUse(
        f"no contract makes a table {name!r}.", remedy=f"Did you mean {near[0]}?" if near else None
    )


def _staging(feed: FileFeedContract) -> str:
    which = sql.SQL("r._load_id = any(:'load_ids'::bigint [])")
    held = {name for name, column in feed.columns.items() if column.reference}
    return _text(
        f"-- How the rows of raw.{feed.name} are cast and judged. Parameter: load_ids.",
        judgement(feed, which, _NEWEST, parents=held),
    )


def _dimension(catalog: Catalog, dimension: DimensionContract) -> str:
    columns = {events.source: _staged(catalog, events.table) for events in dimension.events}
    if not dimension.has_history:
        names = [*dimension.key, *dimension.attributes]
        picked = ", ".join(f"s.{dimension.source_column(name)} as {name}" for name in names)
        head = f"-- The rows of {dimension.name}, before surrogate keys."
        return f"{head}\nselect {picked}\nfrom {dimension.events[0].source} as s"
    types = {
        name: kind
        for name in (*dimension.key, *dimension.attributes)
        for standing in columns.values()
        if (kind := standing.get(dimension.source_column(name)))
    }
    return _text(
        f"-- The chain of versions that {dimension.name} holds, before surrogate keys.",
        chain_query(dimension, types, columns, everything=True),
    )


def _staged(catalog: Catalog, table: str) -> dict[str, str]:
    feed = catalog.feeds[table]
    columns = {name: column.kind.sql for name, column in feed.columns.items()}
    columns |= {"_snapshot_at": "timestamp with time zone"} if feed.versions else {}
    return columns | ({"_deleted": "boolean"} if feed.marks_deletes else {})


def _table(catalog: Catalog, table: SqlTableContract) -> str:
    if not table.dimensions:
        return select_text(table)
    references = references_of(table, catalog.dimensions)
    body = f"with selected as (\n{select_text(table)}\n)\n"
    return _text(
        f"-- The rows of {table.name} with their dimension keys. Parameter: partitions.\n{body}",
        attached(references),
    )


def _text(head: str, query: sql.Composable) -> str:
    return f"{head}\n{query.as_string(None)}"
