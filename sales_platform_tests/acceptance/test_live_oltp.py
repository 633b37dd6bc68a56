"""Live sources under a real daemon: what is written there stands in the warehouse within two ticks of the sensor."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import psycopg
import pytest

from sales_platform.local.processes import free_port
from sales_platform_tests.acceptance.conftest import Command
from sales_platform_tests.acceptance.test_up import Up, eventually, up

__all__ = ["up"]

TWO_TICKS_AND_A_RUN = 180
INVOICE = """
with seller as (
    insert into sellers (seller_name, seller_address, seller_tax_id) values ('S', 'Street 1', '900-00-0001')
    returning seller_id
),
client as (
    insert into invoicing.clients (client_name, client_address, client_tax_id) values ('C', 'Street 2', '900-00-0002')
    returning client_id
)
insert into invoicing.invoices (invoice_no, invoice_date, seller_id, client_id, total_gross_worth)
select 'PSQL-1', current_date, seller_id, client_id, 12.50 from seller, client
"""


def invoices(url: str, number: str | None = None) -> int:
    """Rows of the fact, all or those of one number; 0 before the table stands."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("select to_regclass('analytics.fact_invoice')").fetchone() == (None,):
            return 0
        found = connection.execute(
            "select count(*) from analytics.fact_invoice where %(no)s::text is null or invoice_no = %(no)s",
            {"no": number},
        ).fetchone()
    return int(found[0]) if found else 0


def until_it_grows(url: str, before: int, running: Up) -> int:
    eventually(lambda: invoices(url) > before, TWO_TICKS_AND_A_RUN, lambda: running.text)
    return invoices(url)


def stop(running: Up) -> None:
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: running.process.poll() is not None, 90, lambda: running.text)
    assert running.process.returncode == 0


@pytest.mark.slow
def test_under_live_traffic_the_invoices_of_the_warehouse_grow_again_and_again(
    command: Command, up: Callable[..., Up]
) -> None:
    running = up("--live", "--port", str(free_port()))
    assert "simulated live: the shop's files, invoicing, accounts" in running.text
    warehouse = command("url", "warehouse").strip()

    first = until_it_grows(warehouse, 0, running)
    second = until_it_grows(warehouse, first, running)
    until_it_grows(warehouse, second, running)

    stop(running)
    command("reconcile", "invoicing")
    command("reconcile", "accounts")
    found = json.loads(command("reconcile", "invoicing", "--json"))
    assert {(table["missing"], table["changed"], table["deleted"]) for table in found} == {(0, 0, 0)}
    command("down")


@pytest.mark.slow
def test_a_row_that_psql_inserts_stands_in_the_fact_while_only_up_runs(
    command: Command, up: Callable[..., Up]
) -> None:
    source, warehouse = (command("url", name).strip() for name in ("invoicing", "warehouse"))
    running = up("--port", str(free_port()))
    with psycopg.connect(source) as connection:
        connection.execute(INVOICE)

    eventually(lambda: invoices(warehouse, "PSQL-1") == 1, TWO_TICKS_AND_A_RUN, lambda: running.text)

    stop(running)
    command("down")
