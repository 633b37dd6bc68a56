"""Whether a database can take a backup, and how it is emptied for one. Every question comes before the first write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from sales_platform.backup.manifest import Extension, Manifest
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import RestoreRefused, WrongUse

Table = tuple[str, str]
# A warehouse that was migrated and never loaded has rows only here.
_MIGRATIONS = ("ops", "alembic_version")
# Those that a migration makes.
_OWN_ROLES = ("sales_platform_loader", "sales_platform_reader", "sales_platform_transformer")


def require_server(connection: Connection, manifest: Manifest, where: str) -> None:
    """Raises RestoreRefused for an older server (K-22), or one whose encoding cannot hold the texts."""
    version = connection.info.server_version // 10_000
    needed = manifest.origin.server_version // 10_000
    if version < needed:
        raise RestoreRefused(
            f"the backup was made on PostgreSQL {needed}, and this server is PostgreSQL {version}.",
            where=where,
            remedy=f"Restore into PostgreSQL {needed} or newer.",
        )
    row = connection.execute("select current_setting('server_encoding')").fetchone()
    encoding = row[0] if row else None
    if encoding not in (manifest.origin.encoding, "UTF8"):
        raise RestoreRefused(
            f"the backup's texts are {manifest.origin.encoding}, and this database is {encoding}.",
            where=where,
            remedy="Restore into a database whose encoding is UTF8.",
        )


def roles_to_make(
    connection: Connection, manifest: Manifest, roles: Mapping[str, str], where: str
) -> list[str]:
    """The platform's own among the missing ones, if this account may create roles: on a new server nobody else would.

    Raises RestoreRefused that names every other role that is missing (K-27).
    """
    if unknown := sorted(roles.keys() - set(manifest.roles)):
        raise WrongUse(
            f"the backup names no role {', '.join(unknown)}.",
            where=manifest.id,
            remedy=f"It names {', '.join(manifest.roles) or 'none'}.",
        )
    missing = missing_roles(connection, [roles.get(role, role) for role in manifest.roles])
    ours = [role for role in missing if role in _OWN_ROLES and _may_create_roles(connection)]
    if foreign := [role for role in missing if role not in ours]:
        raise RestoreRefused(
            f"the server has no role {', '.join(foreign)}, and the backup names it as owner or in grants.",
            where=where,
            remedy="Create it there, or say which role takes its place: --role OLD=NEW.",
        )
    return ours


def _may_create_roles(connection: Connection) -> bool:
    row = connection.execute(
        "select rolcreaterole or rolsuper from pg_roles where rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def missing_roles(connection: Connection, names: Sequence[str]) -> list[str]:
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where name not in (select rolname from pg_roles) order by 1",
        [list(names)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def missing_extensions(connection: Connection, manifest: Manifest, where: str) -> list[Extension]:
    """Those that must be created and can be. Raises RestoreRefused that names every one that cannot (K-27)."""
    rows = connection.execute(
        """select w.name,
            exists (
                select from pg_available_extension_versions as v where v.name = w.name and (
                    (select rolsuper from pg_roles where rolname = current_user)
                    or (v.trusted and has_database_privilege(current_database(), 'create'))
                )
            )
        from unnest(%s::text[]) as w (name)
        where w.name not in (select extname from pg_extension)""",
        [[extension.name for extension in manifest.extensions]],
    ).fetchall()
    if impossible := sorted(name for name, possible in rows if not possible):
        raise RestoreRefused(
            f"the database has no extension {', '.join(impossible)}, and this role cannot create it.",
            where=where,
            remedy="Have it installed and created in the target by its administrator.",
        )
    needed = {name for name, _ in rows}
    return [extension for extension in manifest.extensions if extension.name in needed]


def require_empty(connection: Connection, manifest: Manifest, where: str) -> None:
    """Raises RestoreRefused where a table of the backup's schemas holds rows, or stands there for something else."""
    schemas = [*manifest.schemas, *manifest.empty_schemas]
    rows = connection.execute(
        """select n.nspname, c.relname, c.relkind in ('r', 'p')
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
        order by 1, 2""",
        [schemas],
    ).fetchall()
    known = {(one.schema, one.name) for one in manifest.definitions}
    # what a rebuild makes has no definition in the backup
    found = [
        f"{schema}.{name}"
        for schema, name, is_table in rows
        if (is_table and (schema, name) != _MIGRATIONS and holds_rows(connection, (schema, name)))
        or (not manifest.empty_schemas and (schema, name) not in known)
    ]
    if found:
        raise RestoreRefused(
            f"the target is not empty: {_some(found)}.",
            where=where,
            remedy="Restore into an empty database, or take the place of what stands there with --replace.",
        )


def holds_rows(connection: Connection, table: Table) -> bool:
    row = connection.execute(
        sql.SQL("select exists (select from {})").format(sql.Identifier(*table))
    ).fetchone()
    return bool(row and row[0])


def clear(connection: Connection, schemas: Sequence[str], where: str) -> None:
    """Drop all that stands in the schemas, but extensions. Raises RestoreRefused where others would lose something."""
    before = _others(connection, schemas)
    for kind, name in _contents(connection, schemas):
        # names as the server itself writes them; a cascade may have taken one already
        connection.execute(f"drop {kind} if exists {name} cascade".encode())
    _forget_default_grants(connection, schemas)
    for schema in _of_our_own(connection, schemas):
        connection.execute(sql.SQL("drop schema {}").format(sql.Identifier(schema)))
    lost = before - _others(connection, schemas)
    if lost:
        raise RestoreRefused(
            f"objects outside of the backup depend on what it would replace: {_some(sorted(lost))}.",
            where=where,
            remedy="Drop them first, and make them again afterwards.",
        )


def _contents(connection: Connection, schemas: Sequence[str]) -> list[tuple[str, str]]:
    rows = connection.execute(
        """select o.type, o.identity
        from pg_depend as d
        join pg_namespace as n on n.oid = d.refobjid
        cross join lateral pg_identify_object(d.classid, d.objid, 0) as o
        where d.refclassid = 'pg_namespace'::regclass and d.deptype = 'n' and n.nspname = any(%s)
            and d.classid not in ('pg_extension'::regclass, 'pg_default_acl'::regclass)
            and not exists (
                select from pg_depend as e
                -- of an extension, or a part of another object and gone with it
                where e.classid = d.classid and e.objid = d.objid and e.objsubid = 0 and e.deptype in ('e', 'i')
            )""",
        [list(schemas)],
    ).fetchall()
    words = {"composite type": "type", "statistics object": "statistics"}
    return [(words.get(str(kind), str(kind)), str(name)) for kind, name in rows]


def _forget_default_grants(connection: Connection, schemas: Sequence[str]) -> None:
    """Else the restored tables would get grants of the target beside their own."""
    rows = connection.execute(
        """select distinct format(
            'alter default privileges for role %%I in schema %%I revoke all on %%s from %%s',
            r.rolname, n.nspname, case d.defaclobjtype
                when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
            end, case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
        )
        from pg_default_acl as d
        join pg_namespace as n on n.oid = d.defaclnamespace
        join pg_roles as r on r.oid = d.defaclrole
        cross join lateral aclexplode(d.defaclacl) as a
        where n.nspname = any(%s)""",
        [list(schemas)],
    ).fetchall()
    for (statement,) in rows:
        connection.execute(str(statement).encode())


def _of_our_own(connection: Connection, schemas: Sequence[str]) -> list[str]:
    """Of the schemas, those that stand and can go: no extension lives there, and it is not the one of all."""
    rows = connection.execute(
        """select nspname from pg_namespace as n
        where nspname = any(%s) and nspname <> 'public'
            and not exists (select from pg_extension as e where e.extnamespace = n.oid)""",
        [list(schemas)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _others(connection: Connection, schemas: Sequence[str]) -> set[str]:
    """Names of everything outside of the schemas that a cascade could reach."""
    rows = connection.execute(
        """with outside as (
            select oid from pg_namespace
            where nspname <> all(%s) and nspname !~ '^pg_' and nspname <> 'information_schema'
        )
        select c.oid::regclass || '.' || quote_ident(a.attname)
        from pg_class as c join pg_attribute as a on a.attrelid = c.oid
        where c.relnamespace in (select oid from outside) and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and a.attnum > 0 and not a.attisdropped
        union all
        select c.conrelid::regclass || ' ' || quote_ident(c.conname) from pg_constraint as c
        where c.connamespace in (select oid from outside)
        union all select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace in (select oid from outside)
        union all
        select t.tgrelid::regclass || ' ' || quote_ident(t.tgname)
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
        where not t.tgisinternal and c.relnamespace in (select oid from outside)""",
        [list(schemas)],
    ).fetchall()
    return {str(name) for (name,) in rows}


def _some(names: Sequence[str]) -> str:
    most = 8
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
