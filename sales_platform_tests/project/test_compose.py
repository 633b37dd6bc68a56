"""The services of docker-compose.yml at work: their very commands as processes, PostgreSQL from the wheel.

Only names change: a service's host name becomes loopback, a container's path a scratch folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from sales_platform.local.binaries import find_programs
from sales_platform.local.server import EmbeddedServer
from sales_platform.local.state import OWNER, SUPERUSER, State
from sales_platform_tests.project.compose import ROOT, fill_in, ours, read_compose
from sales_platform_tests.project.services import Places, Services, eventually

# characters that would break a URL or a shell that was careless with them
PASSWORDS = {
    "POSTGRES_PASSWORD": "administrator",
    "SALES_PLATFORM_PASSWORD": "o'w n/e@r:$#%",
    "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
    "API_KEY": "0123456789abcdef",
}
CALENDAR_DAYS = 18_628  # 2000-01-01 to 2050-12-31, 13 leap years
ASSETS = "{ assetNodes { assetKey { path } } }"
DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
LAUNCH = """mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) { __typename ... on LaunchRunSuccess { run { runId } } }
}"""
RUN = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


@pytest.fixture
def database_port(tmp_path: Path) -> Iterator[int]:
    """A PostgreSQL after its first start as the container has it: the script, and nothing of ours before."""
    home = tmp_path / "server"
    server = EmbeddedServer(home, fsync="off", shared_buffers="64MB")
    with server.in_use():
        address = urlsplit(server.url("postgres"))
        password = State(home).password(SUPERUSER)
        with psycopg.connect(
            host=address.hostname, port=address.port, user=SUPERUSER, password=password, dbname="postgres"
        ) as connection:
            connection.execute(f"drop role {OWNER}")
        _first_start(address.port, password)
        assert address.port is not None
        yield address.port
    assert server.remove_if_unused()


def _first_start(port: int | None, password: str) -> None:
    environment = {
        "PATH": f"{find_programs()}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGPASSWORD": password,
        "POSTGRES_USER": SUPERUSER,
        "SALES_PLATFORM_PASSWORD": PASSWORDS["SALES_PLATFORM_PASSWORD"],
    }
    subprocess.run([ROOT / "docker" / "initdb" / "10-databases.sh"], env=environment, check=True)


def _connect(port: int, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user="sales_platform",
        password=PASSWORDS["SALES_PLATFORM_PASSWORD"],
        dbname=database,
    )


def _ask(ui: str, query: str, **variables: object) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{ui}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = json.load(answer)
    assert "errors" not in content, content["errors"]
    return content["data"]


def _materialize(ui: str, *path: str) -> str:
    """Ask for a run of one asset as the UI does; the id of the run."""
    location = {
        "repositoryLocationName": "sales_platform.definitions",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": path}],
    }
    launched = _ask(ui, LAUNCH, parameters={"selector": location, "mode": "default"})["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess"
    run: str = launched["run"]["runId"]
    return run


def test_the_first_start_of_postgresql_makes_an_owner_that_is_no_superuser(database_port: int) -> None:
    with _connect(database_port, "warehouse") as connection:
        owner = connection.execute(
            "select rolsuper, rolcreaterole, pg_has_role(oid, 'pg_monitor', 'usage')"
            " from pg_roles where rolname = current_user"
        ).fetchone()
        owned = connection.execute(
            "select datname from pg_database where datdba = current_user::regrole order by datname"
        ).fetchall()

    assert owner == (False, True, True)
    assert owned == [("accounts",), ("dagster",), ("invoicing",), ("warehouse",)]


@pytest.mark.slow
def test_every_service_starts_by_its_own_command_and_they_fill_a_table_together(
    tmp_path: Path, database_port: int
) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    places = Places(folder, database_port)
    services = ours(fill_in(read_compose(), PASSWORDS))

    with Services(services, places) as running:
        for name, service in services.items():
            for needed, how in service["depends_on"].items():
                if needed in services:
                    running.wait_for(needed, how["condition"])
            running.start(name)
        running.wait_for("webserver", "service_healthy")
        running.wait_for("daemon", "service_healthy")
        running.wait_for("serve", "service_healthy")

        listed = {tuple(node["assetKey"]["path"]) for node in _ask(places.ui, ASSETS)["assetNodes"]}
        assert {("analytics", "dim_date"), ("staging", "retail_sales")} <= listed

        statuses = _ask(places.ui, DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert [status for status in statuses if status["required"] and not status["healthy"]] == []

        run = _materialize(places.ui, "analytics", "dim_date")
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        eventually(
            lambda: _ask(places.ui, RUN, run=run)["runOrError"]["status"] in ended, "the run has ended"
        )
        assert _ask(places.ui, RUN, run=run)["runOrError"]["status"] == "SUCCESS"

    with _connect(database_port, "warehouse") as connection:
        [days] = connection.execute("select count(*) from analytics.dim_date where date_key > 0")
    assert days == (CALENDAR_DAYS,)
