"""Makes the tables of a simulated OLTP source from `sql/<domain>/source/`. Writes no row into them."""

from __future__ import annotations

import hashlib

import psycopg
from psycopg import sql

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.engine.driver_errors import translated


def ensure_schema(url: str, domain: str) -> None:
    """Bring schema `<domain>` to what its DDL files say, in one transaction.

    What was run is remembered by its hash as the schema's comment, so that a second call takes no lock on the tables.
    """
    files = sorted((PROJECT_ROOT / "sql" / domain / "source").glob("*.sql"))
    ddl = "\n".join(path.read_text(encoding="utf-8") for path in files)
    mark = f"simulated source, DDL {hashlib.sha256(ddl.encode()).hexdigest()[:16]}"
    with translated(domain), psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"source schema {domain}"]
        )
        if _comment(connection, domain) == mark:
            return
        connection.execute(ddl.encode())
        connection.execute(
            sql.SQL("comment on schema {} is {}").format(sql.Identifier(domain), sql.Literal(mark))
        )


def _comment(connection: psycopg.Connection, schema: str) -> str | None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", [schema]
    ).fetchone()
    return row[0] if row else None
