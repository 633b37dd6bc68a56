"""The databases of the platform and what their owner may do."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from sales_platform.errors import ConfigurationError, ServerUnavailable, WrongUse
from sales_platform.local.databases import DATABASES, using
from sales_platform.local.server import EmbeddedServer
from sales_platform.settings import Settings


def test_embedded_databases_are_made_and_their_server_ends_with_the_block(home: Path) -> None:
    with using(Settings(home=home), *DATABASES) as databases:
        for name in DATABASES:
            with psycopg.connect(databases.url(name)) as connection:
                assert connection.info.dbname == name
    assert not EmbeddedServer(home).running


def test_databases_stand_when_they_are_used_again(home: Path) -> None:
    for _ in range(2):
        with using(Settings(home=home), "warehouse") as databases:
            psycopg.connect(databases.url("warehouse")).close()


def test_an_external_url_wins_and_starts_no_server(home: Path, database_url: str) -> None:
    settings = Settings(home=home, warehouse_url=SecretStr(database_url))
    with using(settings, "warehouse") as databases:
        assert databases.url("warehouse") == database_url
    assert not home.exists()


def test_a_database_that_is_not_in_use_has_no_url(home: Path, database_url: str) -> None:
    with (
        using(Settings(home=home, warehouse_url=SecretStr(database_url)), "warehouse") as databases,
        pytest.raises(WrongUse),
    ):
        databases.url("dagster")


def test_an_unknown_database_is_refused_with_the_names_there_are(home: Path) -> None:
    with pytest.raises(WrongUse) as caught, using(Settings(home=home), "warehose"):
        pass
    assert "warehouse, dagster, invoicing, accounts" in str(caught.value)


def test_an_external_warehouse_that_is_down_is_said_without_its_password(home: Path) -> None:
    settings = Settings(home=home, warehouse_url=SecretStr("postgresql://me:geheim@127.0.0.1:1/x"))
    with pytest.raises(ServerUnavailable) as caught, using(settings, "warehouse"):
        pass
    assert caught.value.where == "WAREHOUSE_URL"
    assert "geheim" not in str(caught.value)


def test_a_malformed_url_is_said_without_repeating_it(home: Path) -> None:
    settings = Settings(home=home, warehouse_url=SecretStr("me:geheim@somewhere"))
    with pytest.raises(ConfigurationError) as caught, using(settings, "warehouse"):
        pass
    assert "geheim" not in str(caught.value)


def test_the_owner_is_no_superuser_but_may_make_roles_and_see_other_sessions(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute(
            "select rolsuper, rolcreaterole, rolbypassrls, pg_has_role('pg_read_all_stats', 'usage')"
            " from pg_roles where rolname = current_user"
        ).fetchone() == (False, True, False, True)
        connection.execute("create extension btree_gist")
        assert connection.execute(
            "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
        ).fetchone() == ("sales_platform",)


def test_transactions_can_be_prepared(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.tpc_begin(connection.xid(1, database_url[-12:], "test"))
        connection.execute("create table two_phase ()")
        connection.tpc_prepare()
        connection.tpc_rollback()


def test_the_server_speaks_utc_and_scram_and_listens_on_loopback_only(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        shown = {
            name: connection.execute("select current_setting(%s)", [name]).fetchone()
            for name in ("timezone", "password_encryption", "listen_addresses", "unix_socket_directories")
        }
    assert shown == {
        "timezone": ("UTC",),
        "password_encryption": ("scram-sha-256",),
        "listen_addresses": ("127.0.0.1",),
        "unix_socket_directories": ("",),
    }


def test_a_wrong_password_is_refused(database_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database_url, password="guess")
