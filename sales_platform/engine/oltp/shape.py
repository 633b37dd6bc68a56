"""The columns of a source table, and how each is carried into the warehouse: types that both sides spell alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.errors import ContractError, SourceDrift

# Their numbers or spelling differ from server to server, or they have no binary form.
_AS_TEXT = frozenset(["aclitem", "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper",
                      "regoperator", "regproc", "regprocedure", "regrole", "regtype", "pg_node_tree"])  # fmt: skip
_WITHOUT_EQUALITY = frozenset(["json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"])


@dataclass(frozen=True)
class CarriedColumn:
    """One column. type: in the warehouse, as format_type() prints it. reading: how it is selected, from alias `t`.
    comparable: whether PostgreSQL has an equality for the type; if not, its text is compared.
    """

    name: str
    source_type: str
    type: str
    reading: sql.Composable
    comparable: bool
    always_there: bool

    def compared(self, alias: str) -> sql.Composable:
        column = sql.Identifier(alias, self.name)
        return column if self.comparable else sql.SQL("{}::text").format(column)


@dataclass(frozen=True)
class Shape:
    """A source table as it stands. rows: an estimate from statistics and size."""

    columns: tuple[CarriedColumn, ...]
    rows: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> CarriedColumn:
        return next(column for column in self.columns if column.name == name)


def read_shape(reader: SourceSession, feed: TableFeed) -> Shape:
    """What the source's catalog says. Raises ContractError for a table, key or cursor that is not there."""
    schema, table = feed.source_table
    with translated(reader.where):
        rows = reader.execute(_COLUMNS, {"schema": schema, "table": table}).fetchall()
    if not rows:
        raise ContractError(
            f"the source has no table {schema}.{table}, or this account may not see it.",
            where=feed.name,
            remedy=f"Create it (a simulated one: `sales-platform simulate {feed.domain}`), or mend the contract.",
        )
    shape = Shape(tuple(_carried(feed, *row[:6]) for row in rows), int(rows[0][6]))
    _require(feed, shape)
    return shape


_COLUMNS = """
with recursive typed as (
    select a.attnum, a.attname, a.attnotnull, a.atttypid as type_id, a.atttypmod as modifier,
        greatest(c.reltuples, pg_relation_size(c.oid) / 200.0) as rows
    from pg_attribute as a
    inner join pg_class as c on a.attrelid = c.oid
    inner join pg_namespace as n on c.relnamespace = n.oid
    where n.nspname = %(schema)s and c.relname = %(table)s and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and a.attnum > 0 and not a.attisdropped
    union all
    select t.attnum, t.attname, t.attnotnull, y.typbasetype,
        case when y.typtypmod = -1 then t.modifier else y.typtypmod end, t.rows
    from typed as t
    inner join pg_type as y on t.type_id = y.oid
    where y.typtype = 'd'
)
select t.attname, t.attnotnull, format_type(t.type_id, t.modifier), y.typname,
    y.typtype in ('b', 'r', 'm') and y.typnamespace = 'pg_catalog'::regnamespace
    and (e.oid is null or (e.typtype in ('b', 'r', 'm') and e.typnamespace = 'pg_catalog'::regnamespace)),
    e.typname, t.rows::bigint
from typed as t
inner join pg_type as y on t.type_id = y.oid
left join pg_type as e on y.typelem = e.oid and y.typcategory = 'A'
where y.typtype <> 'd'
order by t.attnum
"""


def _carried(
    feed: TableFeed, name: str, not_null: bool, spelled: str, base: str, builtin: bool, element: str | None
) -> CarriedColumn:
    column = sql.Identifier("t", name)
    equal = (element or base) not in _WITHOUT_EQUALITY
    if base == "money":
        return CarriedColumn(name, spelled, "numeric", sql.SQL("{}::numeric").format(column), True, not_null)
    if not builtin or base in _AS_TEXT or element in _AS_TEXT:
        kind = "text[]" if element else "text"
        return CarriedColumn(
            name, spelled, kind, sql.SQL("{}::{}").format(column, sql.SQL(kind)), True, not_null
        )
    if base == "timestamp":
        at_zone = sql.SQL("({} at time zone {})").format(column, sql.Literal(feed.source.zone))
        zoned = spelled.replace("without time zone", "with time zone")
        return CarriedColumn(name, spelled, zoned, at_zone, True, not_null)
    return CarriedColumn(name, spelled, spelled, column, equal, not_null)


def _require(feed: TableFeed, shape: Shape) -> None:
    lacking = [
        name for name in (*feed.key, *([feed.cursor] if feed.cursor else [])) if name not in shape.names
    ]
    if lacking:
        raise ContractError(
            f"the source table has no column {lacking[0]}; it has {', '.join(shape.names)}.",
            where=feed.name,
            remedy="Mend key or cursor in the contract and run `dg check defs`.",
        )
    clash = [name for name in shape.names if name.startswith("_")]
    if clash:
        raise ContractError(
            f"the source's column {clash[0]} begins with an underscore, as only the platform's own columns do (S-46).",
            where=feed.name,
            remedy="Read the table through a view that names it otherwise.",
        )
    if feed.cursor and not shape[feed.cursor].type.startswith(("timestamp", "date")):
        raise ContractError(
            f"the cursor {feed.cursor} is {shape[feed.cursor].source_type}; only a time can be read up to a mark,"
            " because numbers are drawn before their rows commit (I-06).",
            where=feed.name,
            remedy="Name a column with the time of writing, or `cursor: none`.",
        )


def refuse_drift(feed: TableFeed, standing: Mapping[str, str], shape: Shape) -> tuple[str, ...]:
    """Columns of the source that raw lacks. standing: column → type of the raw table, without the platform's own.

    Raises SourceDrift for a column that vanished or changed its type: nobody can guess what that means.
    """
    retyped = [c for c in shape.columns if c.name in standing and standing[c.name] != c.type]
    if retyped:
        column = retyped[0]
        raise SourceDrift(
            f"column {column.name} was {standing[column.name]} and is now {column.source_type}.",
            where=feed.name,
            remedy=f"If the new type is right: `alter table raw.{feed.name} alter column {column.name} type"
            f" {column.type}`, drop staging.{feed.name}, and run `sales-platform rebuild {feed.domain}`.",
        )
    gone = [name for name in standing if name not in shape.names and not _dropped(feed, name)]
    if gone:
        raise SourceDrift(
            f"column {gone[0]} is no longer in the source table.",
            where=feed.name,
            remedy=f"Bring it back, or if it is gone for good write `columns: {{{gone[0]}: {{dropped: true}}}}` into"
            " the contract: what was read stays, what comes has NULL there.",
        )
    return tuple(name for name in shape.names if name not in standing)


def _dropped(feed: TableFeed, name: str) -> bool:
    spoken = feed.spoken.columns.get(name)
    return spoken is not None and spoken.dropped
