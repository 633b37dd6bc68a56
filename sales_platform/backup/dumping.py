"""pg_dump as a program: the DDL of some schemas within a snapshot, as text. The password goes by the environment."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from sales_platform.backup import sessions
from sales_platform.errors import ConfigurationError, DatabaseFailure
from sales_platform.local.binaries import find_programs


def dump_definitions(
    url: str, server_version: int, export: str, schemas: Sequence[str], emptied: Sequence[str]
) -> str:
    """The statements that make the schemas again, each under a comment that says what it makes.

    server_version: as the server counts it. emptied: of these, the tables, views and sequences are left out.
    Raises ConfigurationError where the program is missing or older than the server.
    """
    program = _program(server_version)
    command: list[str | Path] = [program, "--schema-only", "--verbose", "--no-tablespaces", "--encoding=UTF8"]
    command += [f"--snapshot={export}", f"--lock-wait-timeout={sessions.LOCK_SECONDS}s"]
    command += [f"--schema={_pattern(schema)}" for schema in [*schemas, *emptied]]
    command += [f"--exclude-table={_pattern(schema)}.*" for schema in emptied]
    done = subprocess.run(
        command,
        env=_environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        # --verbose tells of every step; what went wrong is marked
        said = [
            line for line in done.stderr.splitlines() if re.search(r"error:|detail:|server version", line)
        ]
        raise DatabaseFailure(
            f"pg_dump ended with {done.returncode}: {' '.join(said)[:500] or 'it gave no reason'}.",
            where=sessions.place(url),
        )
    return done.stdout


def _program(server_version: int) -> Path:
    program = find_programs() / "pg_dump"
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        answer = ""
    found = re.search(r"(\d+)", answer)
    if not found:
        raise ConfigurationError(
            "pg_dump does not run, and a backup needs it for the definitions of the tables.",
            where=str(program),
            remedy="Set PG_BIN to the programs of PostgreSQL.",
        )
    major = server_version // 10_000
    if int(found[1]) < major:
        raise ConfigurationError(
            f"pg_dump has version {found[1]}, and cannot read a server of version {major}.",
            where=str(program),
            remedy=f"Set PG_BIN to the programs of PostgreSQL {major}.",
        )
    return program


def _environment(url: str) -> dict[str, str]:
    """All of the connection as libpq's variables: the process list shows no part of it (K-30)."""
    parts = conninfo_to_dict(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar
    }
    for word, value in parts.items():
        name = word
        if name not in variables:
            raise ConfigurationError(
                f"pg_dump cannot be told of `{name}` without showing it to every user of this machine.",
                where=sessions.place(url),
                remedy="Leave it out of the URL, or put it into a pg_service.conf.",
            )
        environment[variables[name]] = str(value)
    return environment | {"PGAPPNAME": "sales_platform backup"}


def _pattern(schema: str) -> str:
    """A name that pg_dump takes as it is, whatever letters it has."""
    return '"' + schema.replace('"', '""') + '"'
