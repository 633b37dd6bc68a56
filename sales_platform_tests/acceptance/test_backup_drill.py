"""The page on what to do when everything is lost, followed step by step with the commands that it names."""

from __future__ import annotations

import json

import psycopg
import pytest
from psycopg import sql

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.conftest import Command


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Every table behind raw → its rows and a hash over them, keys included."""
    found: dict[str, tuple[int, str]] = {}
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        names = connection.execute(
            """select schemaname, tablename from pg_tables
            where schemaname in ('staging', 'analytics', 'marts') order by 1, 2"""
        ).fetchall()
        for schema, name in names:
            # which load brought a row is part of raw, and what a rebuild notes anew is its own
            query = sql.SQL(
                "select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} as t"
            ).format(sql.Identifier(schema, name))
            row = connection.execute(query).fetchone()
            assert row is not None
            found[f"{schema}.{name}"] = (row[0], row[1])
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_warehouse_that_is_lost_comes_back_by_the_commands_and_the_next_run_goes_on(
    command: Command,
) -> None:
    for domain in ("retail", "accounts"):
        command("simulate", domain, *(["--days", "3"] if domain == "retail" else ["--customers", "5"]))
        command("run", domain)
    url = command("url", "warehouse").strip()
    before = contents(url)
    assert before["analytics.fact_sales"][0] == 3 * 278
    assert before["analytics.fact_account_transaction"][0] == 5 * 2 * 10
    command("backup", "create", "--source", "warehouse")
    command("backup", "verify", "latest", "--source", "warehouse")

    EmbeddedServer(command.home).drop_database("warehouse")
    command.settings["RESTORE_URL"] = command("url", "warehouse").strip()
    assert contents(command.settings["RESTORE_URL"]) == {}
    command("backup", "restore", "latest", "--source", "warehouse")
    command("rebuild")

    assert json.loads(command("rebuild", "--verify", "--json")) == []
    restored = contents(url)
    # the calendar needs no raw, so a rebuild of everything makes it where nobody has asked for it yet
    assert {name: restored[name] for name in restored if name != "analytics.dim_date"} == before
    command("simulate", "accounts", "--live", "--rate", "20", "--for", "3")
    command("run", "accounts")
    assert "nothing to do" in command("run", "retail")
    after = contents(url)
    assert after["analytics.fact_account_transaction"][0] > 100
    assert after["analytics.fact_sales"] == before["analytics.fact_sales"]
    with psycopg.connect(url) as warehouse, psycopg.connect(command("url", "accounts").strip()) as source:
        count = "select count(*) from {}"
        there = source.execute(count.format("accounts.transactions").encode()).fetchone()
        here = warehouse.execute(count.format("staging.accounts_transactions").encode()).fetchone()
    assert here == there
    assert json.loads(command("rebuild", "--verify", "--json")) == []
    command("down")
