"""Who makes the tables of a source: simulators anywhere, all others in the embedded server only."""

from __future__ import annotations

import psycopg
import pytest
from pydantic import SecretStr

from sales_platform.errors import ServerUnavailable
from sales_platform.local.databases import Databases
from sales_platform.operations.environment import variables
from sales_platform.operations.live_sources import simulated_sources
from sales_platform.operations.source_databases import open_source, using_with_sources
from sales_platform.settings import Settings


def schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("select nspname::text from pg_namespace")}


@pytest.fixture
def external(settings: Settings, database_url: str) -> Settings:
    url = SecretStr(database_url)
    return settings.model_copy(
        update={"invoicing_oltp_url": url, "accounts_oltp_url": url, "dagster_pg_url": url}
    )


def test_an_external_source_is_only_read(external: Settings, database_url: str) -> None:
    with using_with_sources(external, "dagster") as databases:
        assert databases.url("invoicing") == database_url

    assert schemas(database_url).isdisjoint({"invoicing", "accounts"})
    assert simulated_sources(external) == []


def test_a_simulator_that_was_asked_for_makes_the_tables_anywhere(
    external: Settings, database_url: str
) -> None:
    with open_source(external, "accounts") as url:
        assert "accounts" in schemas(url)


def test_an_external_source_that_is_down_keeps_no_other_command_from_working(external: Settings) -> None:
    down = SecretStr("postgresql://u:p@127.0.0.1:1/accounts")

    with using_with_sources(external.model_copy(update={"accounts_oltp_url": down}), "dagster") as databases:
        assert "127.0.0.1:1" in databases.url("accounts")
    with (
        pytest.raises(ServerUnavailable),
        open_source(external.model_copy(update={"accounts_oltp_url": down}), "accounts"),
    ):
        pass


def test_processes_are_told_where_the_sources_are(settings: Settings) -> None:
    urls = {"warehouse": "postgresql:///w", "dagster": "postgresql:///d"}
    told = variables(
        settings, Databases({**urls, "invoicing": "postgresql:///i", "accounts": "postgresql:///a"})
    )

    assert told["INVOICING_OLTP_URL"] == "postgresql:///i"
    assert told["ACCOUNTS_OLTP_URL"] == "postgresql:///a"
    assert "INVOICING_OLTP_URL" not in variables(settings, Databases(urls))
