"""Databases that are hard to back up, and what is read of them without the code under test."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from sales_platform.local.binaries import find_programs

SHOP = """
create schema shop;
create table shop.customers (
    customer_id serial primary key, email text not null unique, name text
);
create table shop.orders (
    order_id bigint generated always as identity primary key,
    customer_id integer not null references shop.customers, amount numeric(12, 2) check (amount > 0)
);
insert into shop.customers (email, name)
select 'c' || n || '@example.com', 'Name ' || n from generate_series(1, 20) as n;
insert into shop.orders (customer_id, amount) select n % 20 + 1, n + 0.25 from generate_series(1, 50) as n;
"""

# every value that a text form could spoil, every kind of object that a definition could forget
NASTY = Path(__file__).with_name("nasty.sql").read_text(encoding="utf-8")


def run(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


def rows(url: str) -> dict[str, list[str]]:
    """Every table of a database → its rows as text, sorted."""
    found = {}
    with psycopg.connect(url, options="-c TimeZone=Asia/Tokyo") as connection:
        names = connection.execute(
            """select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
            where c.relkind in ('r', 'm') and c.relispopulated and n.nspname !~ '^(pg_|information_schema)'"""
        ).fetchall()
        for schema, name in names:
            table = sql.Identifier(schema, name)
            query = sql.SQL("select t::text from only {} as t order by 1").format(table)
            found[f"{schema}.{name}"] = [str(row) for (row,) in connection.execute(query)]
    return found


def shape(url: str) -> str:
    """All definitions with grants and comments, as pg_dump writes them for people."""
    answer = subprocess.run(
        [find_programs() / "pg_dump", "--schema-only", url], capture_output=True, text=True, check=True
    ).stdout
    return re.sub(r"^\\(un)?restrict .*$", "", answer, flags=re.MULTILINE)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".unfinished" not in path.parts
    }
