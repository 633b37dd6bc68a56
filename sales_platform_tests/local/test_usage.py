"""Who keeps the server up and who lets it go."""

from __future__ import annotations

from pathlib import Path

from sales_platform.local.locks import exclusive
from sales_platform.local.server import EmbeddedServer
from sales_platform.local.state import State
from sales_platform_tests.local.conftest import eventually, program

USE = """
import sys
from pathlib import Path
from sales_platform.local.server import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1]), fsync="off", shared_buffers="16MB").in_use():
    print("in use", flush=True)
    input()
"""


def test_the_last_of_several_users_stops_the_server(home: Path, server: EmbeddedServer) -> None:
    other = program(USE, home)
    assert other.stdout
    assert other.stdout.readline() == "in use\n"
    with server.in_use():
        with server.in_use():
            pass
        assert server.running
    assert server.running
    other.communicate("\n")
    assert not server.running


def test_a_killed_user_does_not_keep_the_server_up(home: Path, server: EmbeddedServer) -> None:
    killed = program(USE, home)
    assert killed.stdout
    assert killed.stdout.readline() == "in use\n"
    with server.in_use():
        killed.kill()
        killed.communicate()
        assert server.running
    assert not server.running


def test_the_server_stops_after_its_only_user_was_killed(home: Path, server: EmbeddedServer) -> None:
    killed = program(USE, home)
    assert killed.stdout
    assert killed.stdout.readline() == "in use\n"
    assert server.running
    killed.kill()
    killed.communicate()
    assert eventually(lambda: not server.running)
    assert (home / "postgres" / "warden.log").read_text() == ""


def test_the_next_life_of_a_server_has_its_guard_too(home: Path, server: EmbeddedServer) -> None:
    with server.in_use():
        pass
    test_the_server_stops_after_its_only_user_was_killed(home, server)


def test_a_kept_server_stays_up_after_its_last_user(server: EmbeddedServer) -> None:
    with server.in_use():
        server.keep()
    assert server.running
    assert not server.stop_if_unused()
    server.unkeep()
    assert server.stop_if_unused()
    assert not server.running


def test_a_server_in_use_is_not_stopped(home: Path, server: EmbeddedServer) -> None:
    with server.in_use():
        assert not EmbeddedServer(home).stop_if_unused()
        assert not EmbeddedServer(home).remove_if_unused()
        assert server.running


def test_a_removed_server_leaves_no_data_and_no_password(home: Path, server: EmbeddedServer) -> None:
    with server.in_use():
        data = server.data
    assert data.exists()
    assert server.remove_if_unused()
    assert not data.exists()
    assert not list(home.rglob("*password"))


def test_the_guard_that_just_woke_is_not_taken_for_a_user(home: Path, server: EmbeddedServer) -> None:
    with server.in_use():
        pass
    with exclusive(State(home).wake_lock, wait=60):
        assert server.stop_if_unused()
        assert server.remove_if_unused()
