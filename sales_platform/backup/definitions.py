"""The text of pg_dump as entries, each with the table it belongs to. Reads text and catalog; runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sales_platform.backup.manifest import Definition, Extension
from sales_platform.engine.warehouse import Connection

Table = tuple[str, str]
ObjectId = tuple[int, int]
AFTER_DATA = frozenset(
    [
        *(
            "INDEX",
            "INDEX ATTACH",
            "CONSTRAINT",
            "FK CONSTRAINT",
            "CHECK CONSTRAINT",
            "STATISTICS",
            "TRIGGER",
        ),
        *("RULE", "POLICY", "ROW SECURITY"),
    ]
)
# One of these begins nothing new inside itself: a header within a comment, a string or a function's body is no header.
_TOKEN = re.compile(
    r"""(?P<header>^--\n--\ TOC\ entry\ (?P<number>\d+)\ \(class\ (?P<class>\d+)\ OID\ (?P<oid>\d+)\)\n
        (?:--\ Dependencies:(?P<needs>[\ \d]*)\n)?
        --\ Name:\ (?P<name>[^\n]*);\ Type:\ (?P<kind>[A-Z\ ]+);
        \ Schema:\ (?P<schema>[^\n]*);\ Owner:\ (?P<owner>[^\n]*)\n
        (?:--\ Data\ Pos:[^\n]*\n)?--\n)
    |(?P<end>^--\ Completed\ on\ |^--\n--\ PostgreSQL\ database\ dump\ complete)
    |(?P<comment>--[^\n]*)
    |[eE]'(?:[^'\\]|\\.|'')*'
    |'(?:[^']|'')*'
    |"(?:[^"]|"")*"
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)
    |\w+
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass
class Entry:
    """number, needs: pg_dump's own numbers. object_id: class and oid in the catalog; 0 for a comment or a grant."""

    number: int
    object_id: ObjectId
    needs: list[int]
    kind: str
    schema: str
    name: str
    owner: str
    sql: str = ""


@dataclass(frozen=True)
class Catalog:
    """tables: of each index, sequence, constraint, default … by class and oid, and of the tables themselves.

    indexes: the table of an index by its schema and name. roles: that an object names, by class and oid.
    """

    tables: Mapping[ObjectId, Table]
    indexes: Mapping[Table, Table]
    roles: Mapping[ObjectId, list[str]]


@dataclass
class Parsed:
    definitions: list[Definition] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)


def parse(dump: str, catalog: Catalog) -> Parsed:
    """The definitions of a verbose plain dump, in its order, and the roles they name."""
    entries = list(_entries(dump))
    by_number = {entry.number: entry for entry in entries}
    parsed = Parsed()
    after = False
    for entry in entries:
        after = after or entry.kind in AFTER_DATA
        table = _table_of(entry, by_number, catalog)
        parsed.definitions.append(
            Definition(entry.kind, entry.schema, entry.name, entry.owner, entry.sql, after, table)
        )
        parsed.roles.update([entry.owner, *catalog.roles.get(entry.object_id, [])])
    # what begins with pg_ is on every server
    parsed.roles = {role for role in parsed.roles if role and not role.startswith("pg_")}
    return parsed


def _entries(dump: str) -> Iterator[Entry]:
    entry: Entry | None = None
    start = 0
    for token in _TOKEN.finditer(dump):
        if not (token["header"] or token["end"]):
            continue
        if entry:
            entry.sql = dump[start : token.start()].strip()
            yield entry
        start, entry = token.end(), None
        if token["header"]:
            entry = Entry(
                int(token["number"]),
                (int(token["class"]), int(token["oid"])),
                [int(number) for number in (token["needs"] or "").split()],
                token["kind"],
                "" if token["schema"] == "-" else token["schema"],
                token["name"],
                token["owner"],
            )


def _table_of(entry: Entry, by_number: Mapping[int, Entry], catalog: Catalog) -> Table | None:
    if found := catalog.tables.get(entry.object_id):
        return found
    if entry.kind == "TABLE ATTACH":
        return entry.schema, entry.name
    if entry.kind == "INDEX ATTACH":
        return catalog.indexes.get((entry.schema, entry.name))
    if entry.object_id[0]:
        return None
    tables = (
        _table_of(by_number[number], by_number, catalog) for number in entry.needs if number in by_number
    )
    return next((table for table in tables if table), None)


def read_catalog(connection: Connection) -> Catalog:
    """To which table everything belongs, and which roles it names."""
    owned = connection.execute(
        """with part as (
            select 'pg_class'::regclass as class, c.oid, c.oid as relation from pg_class as c
            where c.relkind in ('r', 'p', 'f')
            union all select 'pg_class'::regclass, i.indexrelid, i.indrelid from pg_index as i
            union all select d.classid::regclass, d.objid, d.refobjid from pg_depend as d
            join pg_class as s on s.oid = d.objid and s.relkind = 'S'
            where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
                and d.deptype in ('a', 'i')
            union all select 'pg_attrdef'::regclass, oid, adrelid from pg_attrdef
            union all select 'pg_constraint'::regclass, oid, conrelid from pg_constraint where conrelid <> 0
            union all select 'pg_trigger'::regclass, oid, tgrelid from pg_trigger
            union all select 'pg_policy'::regclass, oid, polrelid from pg_policy
            union all select 'pg_rewrite'::regclass, oid, ev_class from pg_rewrite
            union all select 'pg_statistic_ext'::regclass, oid, stxrelid from pg_statistic_ext
        )
        select p.class::oid::bigint, p.oid::bigint, n.nspname, t.relname, x.relname
        from part as p
        join pg_class as t on t.oid = p.relation and t.relkind in ('r', 'p', 'f')
        join pg_namespace as n on n.oid = t.relnamespace
        left join pg_class as x on x.oid = p.oid and p.class = 'pg_class'::regclass
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"""
    ).fetchall()
    shared = connection.execute(
        """select d.classid::bigint, d.objid::bigint, array_agg(distinct r.rolname::text)
        from pg_shdepend as d join pg_roles as r on r.oid = d.refobjid
        where d.refclassid = 'pg_authid'::regclass
            and d.dbid = (select oid from pg_database where datname = current_database())
        group by 1, 2"""
    ).fetchall()
    return Catalog(
        tables={(kind, oid): (schema, table) for kind, oid, schema, table, _ in owned},
        indexes={(schema, name): (schema, table) for _, _, schema, table, name in owned if name},
        roles={(kind, oid): roles for kind, oid, roles in shared},
    )


def extensions(connection: Connection) -> list[Extension]:
    """The extensions that something in the database needs; not those that merely stand in it."""
    rows = connection.execute(
        """select e.extname, n.nspname, e.extversion
        from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
        where e.extname <> 'plpgsql' and exists (
            select from pg_depend as m
            join pg_depend as d on d.refclassid = m.classid and d.refobjid = m.objid
            where m.refclassid = 'pg_extension'::regclass and m.refobjid = e.oid and m.deptype = 'e'
                and d.deptype in ('n', 'a') and not exists (
                    select from pg_depend as o
                    where o.classid = d.classid and o.objid = d.objid and o.deptype = 'e'
                )
        )
        order by 1"""
    ).fetchall()
    return [Extension(*row) for row in rows]


def populated_views(connection: Connection, schemas: list[str]) -> list[Table]:
    """Materialized views that hold rows: a restore fills them anew."""
    rows = connection.execute(
        """select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'm' and c.relispopulated and n.nspname = any(%s) order by c.oid""",
        [schemas],
    ).fetchall()
    return [(schema, name) for schema, name in rows]
