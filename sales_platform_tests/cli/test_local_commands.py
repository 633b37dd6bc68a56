"""url, down, settings, logs, and how errors end a command; each run as a process, as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sales_platform.local.server import EmbeddedServer

COMMAND = [sys.executable, "-W", "error", "-c", "from sales_platform.cli import main; main()"]


def sales_platform(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """The server of the default home of a command that runs in this test's folder."""
    server = EmbeddedServer(tmp_path / ".sales_platform")
    yield server
    server.unkeep()
    assert server.remove_if_unused()


def test_url_prints_the_owners_url_alone_and_leaves_the_server_up_until_down(server: EmbeddedServer) -> None:
    answer = sales_platform("url", "invoicing")
    assert answer.returncode == 0, answer.stderr
    url = answer.stdout.removesuffix("\n")
    assert url == server.url("invoicing")
    with psycopg.connect(url) as connection:
        assert connection.execute("select current_user, current_database()").fetchone() == (
            "sales_platform",
            "invoicing",
        )
        assert connection.execute("select count(*) from invoices").fetchone() == (0,)
    assert sales_platform("url", "warehouse").stdout.startswith(url.removesuffix("invoicing"))
    psycopg.connect(url).close()
    down = sales_platform("down")
    assert (down.returncode, down.stdout) == (0, "The embedded server is stopped.\n")
    assert not server.running
    assert sales_platform("down").stdout == "The embedded server was not running.\n"


def test_down_leaves_the_server_to_a_command_that_still_uses_it(server: EmbeddedServer) -> None:
    with server.in_use():
        server.keep()
        down = sales_platform("down")
        assert down.returncode == 0
        assert "still uses" in down.stdout
        assert server.running
    assert not server.running


def test_url_of_an_external_database_is_what_psql_takes(server: EmbeddedServer) -> None:
    answer = sales_platform("url", "dagster", DAGSTER_PG_URL="postgresql+psycopg2://me:pw@db:5432/dagster")
    assert answer.stdout == "postgresql://me:pw@db:5432/dagster\n"
    assert not server.running


def test_an_unknown_database_is_one_line_and_exit_code_2(server: EmbeddedServer) -> None:
    answer = sales_platform("url", "warehose")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == [
        "error: there is no database 'warehose'. Write one of: warehouse, dagster, invoicing, accounts."
    ]


def test_a_home_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = sales_platform("url", "warehouse", SALES_PLATFORM_HOME=str(tmp_path / "file" / "home"))
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "SALES_PLATFORM_HOME" in answer.stderr


def test_a_traceback_is_shown_on_request_only() -> None:
    assert "Traceback" not in sales_platform("url", "x").stderr
    assert "Traceback" in sales_platform("--debug", "url", "x").stderr
    assert "Traceback" in sales_platform("url", "x", LOG_LEVEL="DEBUG").stderr


def test_an_unexpected_error_is_said_without_its_words() -> None:
    code = (
        "import sales_platform.operations.local_server as module\n"
        "def broken(*_): raise ValueError('ann@example.org')\n"
        "module.lasting_url = broken\n"
        "from sales_platform.cli import main; main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, "url", "warehouse"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: unexpected ValueError at <string>:2.")
    assert "ann@example.org" not in answer.stderr


def test_a_wrong_setting_is_one_line_and_help_needs_none() -> None:
    answer = sales_platform("url", "warehouse", BUSINESS_TIME_ZONE="Moon")
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "BUSINESS_TIME_ZONE" in answer.stderr
    assert sales_platform("url", "--help", BUSINESS_TIME_ZONE="Moon").returncode == 0


def test_settings_shows_values_sources_and_no_password(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=WARNING\nWAREHOUSE_URL=postgresql://me:geheim@file/db\n")
    url = "postgresql://me:geheim@host/db"
    answer = sales_platform("settings", "--json", WAREHOUSE_URL=url)
    assert answer.returncode == 0
    listed = {row["name"]: (row["value"], row["source"]) for row in json.loads(answer.stdout)}
    assert listed["WAREHOUSE_URL"] == ("postgresql://me:***@host/db", "environment")
    assert listed["LOG_LEVEL"] == ("WARNING", ".env")
    assert listed["BUSINESS_TIME_ZONE"] == ("UTC", "default")
    assert listed["ACCOUNTS_OLTP_URL"] == ("embedded server", "default")
    shown = sales_platform("settings", WAREHOUSE_URL=url).stdout
    assert "geheim" not in answer.stdout + shown
    assert all(name in shown for name in listed)


def test_settings_shows_a_wrong_value_before_it_is_refused() -> None:
    answer = sales_platform("settings", LOG_LEVEL="LOUD")
    assert answer.returncode == 2
    assert "LOUD" in answer.stdout
    assert "LOG_LEVEL" in answer.stderr


def test_logs_shows_what_other_commands_logged(server: EmbeddedServer) -> None:
    sales_platform("url", "warehouse")
    sales_platform("down")
    messages = [line.split(" | ")[3] for line in sales_platform("logs").stdout.splitlines()]
    assert messages[-1] == "embedded server stopped"
    assert any(message.startswith("embedded server started on port") for message in messages)
    assert len(sales_platform("logs", "--lines", "1").stdout.splitlines()) == 1


def test_logs_follows_until_ctrl_c(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    entry = {"time": "t", "level": "INFO", "name": "n", "message": "first"}
    (folder / "a-1.jsonl").write_text(json.dumps(entry) + "\n")
    follower = subprocess.Popen(
        [*COMMAND, "logs", "-f"],
        env={**os.environ, "LOG_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout
    assert follower.stdout.readline().endswith("first\n")
    (folder / "b-2.jsonl").write_text(json.dumps({**entry, "message": "second"}) + "\n")
    assert follower.stdout.readline().endswith("second\n")
    follower.send_signal(signal.SIGINT)
    _, said = follower.communicate()
    assert follower.returncode == 130
    assert "Traceback" not in said
