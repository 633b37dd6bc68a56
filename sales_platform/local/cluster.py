"""The database cluster of a home: made, configured, given its one owner role. Superuser nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import errors, sql

from sales_platform.errors import ServerUnavailable
from sales_platform.local.account import Account
from sales_platform.local.placement import remove_tree
from sales_platform.local.state import OWNER, SUPERUSER, State, write_private

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_prepared_transactions": "20",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # errors and statements quote rows; whoever caused them is told anyway
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
OWN_FILE = "sales_platform.conf"
CONNECT_SECONDS = 10


def create_cluster(programs: Path, data: Path, account: Account, state: State, *, durable: bool) -> None:
    """Make the data folder, whole or not at all. Raises ServerUnavailable with initdb's reason."""
    draft = data.with_name(f"{data.name}.draft")
    remove_tree(draft)
    draft.mkdir(mode=0o700)
    password_file = data.with_name("initdb.password")
    if account.drops:
        os.chown(draft, account.uid, account.gid)
    write_private(password_file, state.password(SUPERUSER), account.file_owner)
    command: list[str | Path] = [programs / "initdb", "-D", draft, "-U", SUPERUSER, "--pwfile", password_file]
    command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
    try:
        made = account.run(command if durable else [*command, "--no-sync"])
    finally:
        password_file.unlink()
    if made.returncode:
        raise ServerUnavailable(
            f"initdb failed: {made.stderr.strip()[-500:]}",
            where=str(data),
            remedy="Check free disk and rights.",
        )
    with (draft / "postgresql.conf").open("a") as file:
        file.write(f"include_if_exists = '{OWN_FILE}'\n")
    draft.rename(data)


def configure(programs: Path, data: Path, account: Account, port: int, overrides: Mapping[str, str]) -> None:
    """Write the settings of the next start."""
    values = {**CONFIGURATION, **overrides, "port": str(port)}
    if any((programs.parent / "lib").rglob("pg_stat_statements.*")):
        values.setdefault("shared_preload_libraries", "pg_stat_statements")
    lines = (f"{name} = '{value}'\n" for name, value in values.items())
    write_private(data / OWN_FILE, "".join(lines), account.file_owner)


def connect(state: State, role: str = SUPERUSER) -> psycopg.Connection:
    """A connection to the maintenance database. Raises ServerUnavailable."""
    try:
        return psycopg.connect(
            host="127.0.0.1",
            port=state.port(),
            user=role,
            password=state.password(role),
            dbname="postgres",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
        )
    except psycopg.OperationalError as error:
        raise ServerUnavailable(
            f"the embedded server does not answer: {error}", where=str(state.folder), remedy="Try again."
        ) from error


def set_up_owner(state: State) -> None:
    """Make or mend the owner role: no superuser, may create roles and databases, and see the sessions of others."""
    with connect(state) as connection:
        role = sql.Identifier(OWNER)
        if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
            connection.execute(sql.SQL("create role {}").format(role))
        # hashed here, so that the password itself never travels or stands in a statement
        hashed = connection.pgconn.encrypt_password(
            state.password(OWNER).encode(), OWNER.encode(), b"scram-sha-256"
        ).decode()
        alter = sql.SQL("alter role {} with login nosuperuser createrole createdb password {}")
        connection.execute(alter.format(role, sql.Literal(hashed)))
        connection.execute(sql.SQL("grant pg_monitor to {}").format(role))
        if connection.execute(
            "select 1 from pg_available_extensions where name = 'pg_stat_statements'"
        ).fetchone():
            connection.execute("create extension if not exists pg_stat_statements")


def create_database(state: State, name: str, template: str | None = None) -> None:
    """Make a database of the owner if it is not there; two processes may do so at once."""
    with connect(state) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return
        # copied as files: a fifth of the time that writing every page to the log takes
        statement = sql.SQL("create database {} owner {} template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
        )
        try:
            connection.execute(statement)
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            return


def drop_database(state: State, name: str) -> None:
    """Remove a database and cut off its sessions; none there is fine."""
    with connect(state) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
