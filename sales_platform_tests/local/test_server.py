"""One embedded server per home: races, kills, ports and secrets, on real servers."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import psycopg
import pytest

from sales_platform.errors import ConfigurationError, ServerUnavailable
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.local.conftest import eventually, postmaster_id, program

START = """
import sys
from pathlib import Path
from sales_platform.local.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), fsync="off", shared_buffers="16MB")
server.start()
print((server.data / "postmaster.pid").read_text().split()[0], server.url("postgres"))
"""


def test_four_processes_that_start_at_once_share_one_server(home: Path, server: EmbeddedServer) -> None:
    starters = [program(START, home) for _ in range(4)]
    answers = [starter.communicate()[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4
    assert len(set(answers)) == 1
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select current_user").fetchone() == ("sales_platform",)
    server.stop()


def test_a_killed_server_comes_back_with_its_committed_rows(server: EmbeddedServer) -> None:
    server.start()
    server.create_database("kept")
    with psycopg.connect(server.url("kept")) as connection:
        connection.execute("create table seen as select 7 as n")
    os.kill(postmaster_id(server), signal.SIGKILL)
    server.start()
    with psycopg.connect(server.url("kept")) as connection:
        assert connection.execute("select n from seen").fetchone() == (7,)
    server.stop()


def test_a_process_number_that_now_belongs_to_a_stranger_is_no_server(server: EmbeddedServer) -> None:
    server.start()
    number = postmaster_id(server)
    note = (server.data / "postmaster.pid").read_text()
    os.kill(number, signal.SIGKILL)
    assert eventually(lambda: not server.running)
    stranger = program("input()")
    (server.data / "postmaster.pid").write_text(note.replace(str(number), str(stranger.pid), 1))
    assert not server.running
    server.start()
    server.stop()
    assert stranger.poll() is None
    stranger.communicate("\n")
    assert stranger.returncode == 0


def test_a_set_up_that_was_killed_begins_again(server: EmbeddedServer, home: Path) -> None:
    server.start()
    server.stop()
    # the state that a kill inside initdb leaves: a draft, a password, no data
    server.data.rename(server.data.with_name("data.draft"))
    server.start()
    assert server.running
    server.stop()


def test_starting_twice_and_stopping_twice_is_fine(server: EmbeddedServer) -> None:
    server.stop()
    server.start()
    number = postmaster_id(server)
    server.start()
    assert postmaster_id(server) == number
    server.stop()
    server.stop()
    assert not server.running


def test_the_port_is_kept_across_restarts(server: EmbeddedServer) -> None:
    server.start()
    before = server.url("postgres")
    server.stop()
    server.start()
    assert server.url("postgres") == before
    server.stop()


def test_a_port_that_a_stranger_took_is_replaced_and_said(
    server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.start()
    port = psycopg.conninfo.conninfo_to_dict(server.url("postgres"))["port"]
    server.stop()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", int(str(port))))
        stranger.listen()
        server.start()
        moved = psycopg.conninfo.conninfo_to_dict(server.url("postgres"))["port"]
    assert moved != port
    assert f"port {port} is taken" in caplog.text
    psycopg.connect(server.url("postgres")).close()
    server.stop()


def test_the_password_is_private_and_in_no_command_line_and_no_log(
    home: Path, server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    commands: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            commands.update(_command_lines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with server.in_use():
        pass
    done.set()
    watcher.join()
    files = sorted((home / "postgres").glob("*.password"))
    assert [file.name for file in files] == ["postgres.password", "sales_platform.password"]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    written = "".join(path.read_text(errors="replace") for path in server.data.rglob("*.log*"))
    assert any("initdb" in command for command in commands)
    for secret in (file.read_text() for file in files):
        assert not any(secret in command for command in commands)
        assert secret not in written
        assert secret not in caplog.text
    assert not (server.data.parent / "initdb.password").exists()


def test_a_lost_password_is_said_with_the_folder(home: Path, server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (home / "postgres" / "sales_platform.password").unlink()
    with pytest.raises(ConfigurationError) as caught:
        server.start()
    assert caught.value.where == str(home / "postgres")


def test_a_server_that_was_never_started_has_no_url(server: EmbeddedServer) -> None:
    with pytest.raises(ServerUnavailable):
        server.url("warehouse")


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    broken = EmbeddedServer(home, shared_buffers="nonsense")
    with pytest.raises(ServerUnavailable) as caught:
        broken.start(wait=20)
    assert "shared_buffers" in caught.value.what


def test_the_servers_log_names_no_row(server: EmbeddedServer) -> None:
    server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("create temp table once (email text primary key)")
        connection.execute("insert into once values ('ann@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into once values ('ann@example.org')")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("select 'ann@example.org'::int")
    server.stop()
    assert "ann@example.org" not in (server.data / "server.log").read_text()


def _command_lines() -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.add(path.read_text(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return found
