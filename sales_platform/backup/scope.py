"""Which schemas a source has, and which of its tables a backup takes: asked of the database, decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sales_platform.backup.manifest import Column
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import WrongUse

WAREHOUSE = "warehouse"
# What a rebuild makes again is kept without its tables (promise 1).
_WAREHOUSE_DATA = ["raw", "ops", "quality"]
_WAREHOUSE_DERIVED = ["staging", "analytics", "marts"]


@dataclass(frozen=True)
class Scope:
    """schemas: with their rows. empty_schemas: without tables. main_schema: whose tables need no schema before them."""

    schemas: list[str]
    empty_schemas: list[str]
    main_schema: str | None

    @property
    def all_schemas(self) -> list[str]:
        return [*self.schemas, *self.empty_schemas]


@dataclass(frozen=True)
class Relation:
    """kind: r holds rows, p is a partitioned table, whose rows lie in others. above: the partitioned ones above it."""

    schema: str
    name: str
    kind: str
    columns: list[Column]
    above: list[str]

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"


def scope_of(connection: Connection, source: str) -> Scope:
    """The schemas of a source as its database has them. Raises WrongUse for a warehouse that is none."""
    rows = connection.execute(
        """select nspname from pg_namespace
        where nspname !~ '^pg_' and nspname <> 'information_schema' order by nspname"""
    ).fetchall()
    present = [str(name) for (name,) in rows]
    if source == WAREHOUSE:
        if missing := [name for name in [*_WAREHOUSE_DATA, *_WAREHOUSE_DERIVED] if name not in present]:
            raise WrongUse(
                f"this is no warehouse: it has no schema {', '.join(missing)}.",
                remedy="Check WAREHOUSE_URL, or run `sales-platform migrate` first.",
            )
        return Scope(_WAREHOUSE_DATA, _WAREHOUSE_DERIVED, None)
    return Scope(present, [], source if source in present else "public")


def relations(connection: Connection, scope: Scope) -> list[Relation]:
    """Every table of the scope that holds rows or partitions, but those that belong to an extension."""
    rows = connection.execute(
        """select n.nspname, c.relname, c.relkind,
            coalesce((
                select array_agg(array[a.attname, format_type(a.atttypid, a.atttypmod)] order by a.attnum)
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
            ), '{}'),
            case when c.relispartition then array(
                select pn.nspname || '.' || pc.relname
                from pg_partition_ancestors(c.oid) as up
                join pg_class as pc on pc.oid = up.relid
                join pg_namespace as pn on pn.oid = pc.relnamespace
                where pc.oid <> c.oid
            ) else '{}' end
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname = any(%s) and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
        order by 1, 2""",
        [scope.schemas],
    ).fetchall()
    return [
        Relation(schema, name, kind, [Column(*column) for column in columns], above)
        for schema, name, kind, columns, above in rows
    ]


def chosen(all_relations: Sequence[Relation], names: Sequence[str] | None, scope: Scope) -> list[Relation]:
    """The relations that a person named, with the partitions below them; all where none is named. Raises WrongUse."""
    if names is None:
        return list(all_relations)
    known = {relation.title for relation in all_relations}
    wanted = {name if name in known else f"{scope.main_schema}.{name}" for name in names}
    if unknown := sorted(wanted - known):
        raise WrongUse(
            f"there is no such table: {', '.join(unknown)}.",
            remedy=f"There are: {', '.join(sorted(known)) or 'none'}.",
        )
    return [one for one in all_relations if one.title in wanted or wanted.intersection(one.above)]
