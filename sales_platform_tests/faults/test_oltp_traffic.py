"""Loads while both live systems are written to: after one more load each warehouse is equal to its source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from sales_platform.sources.accounts import live as accounts_live
from sales_platform.sources.accounts.generator import fill
from sales_platform.sources.invoicing import live as invoicing_live
from sales_platform_tests.faults.oltp_scene import END, Scene, prepare_invoicing

WRITERS = 20
RATE = 150
SHORT_AND_LONG = [pytest.param(3, id="3_s"), pytest.param(20, id="20_s", marks=pytest.mark.slow)]


def load_under(scene: Scene, run_traffic: Callable[..., Any], seconds: int) -> Any:
    """Run the domain again and again while twenty writers write; three times at least. Returns their report."""
    with ThreadPoolExecutor(1) as pool:
        over = threading.Event()
        traffic: Future[Any] = pool.submit(
            run_traffic, scene.url, rate=RATE, writers=WRITERS, seed=7, stop=over
        )
        timer = threading.Timer(seconds, over.set)
        timer.start()
        try:
            runs = 0
            while runs < 3 or not over.is_set():
                scene.run()
                runs += 1
        finally:
            timer.cancel()
            over.set()
        return traffic.result()


@pytest.mark.parametrize("seconds", SHORT_AND_LONG)
def test_i_07_invoicing_under_twenty_writers_is_equal_after_one_more_load(
    database_url: str, warehouse_url: str, seconds: int
) -> None:
    scene = prepare_invoicing(database_url, warehouse_url)
    report = load_under(scene, invoicing_live.run_traffic, seconds)
    assert sum(report.committed.values()) > seconds * WRITERS

    scene.load()
    found = scene.compare()

    # what bears a stamp of change was seen by it
    assert {name: table.missing for name, table in found.items() if table.missing} == {}
    assert {
        name: found[name].changed
        for name in ("clients", "sellers", "products", "invoices")
        if found[name].changed
    } == {}
    scene.publish()
    scene.assert_equal_and_sound()


@pytest.mark.parametrize("seconds", SHORT_AND_LONG)
def test_i_07_accounts_under_twenty_writers_have_the_ledgers_balances_after_one_more_load(
    database_url: str, warehouse_url: str, seconds: int
) -> None:
    scene = Scene("accounts", database_url, warehouse_url)
    fill(scene.url, customers=15, accounts_per_customer=2, transactions_per_account=8, seed=5, end=END)
    report = load_under(scene, accounts_live.run_traffic, seconds)
    assert report.calls > seconds * WRITERS

    scene.load()
    found = scene.compare()

    assert {name: table.missing for name, table in found.items() if table.missing} == {}
    scene.publish()
    scene.assert_equal_and_sound()
    assert scene.ask(BALANCES) == scene.source("select account_id, balance from accounts.accounts order by 1")
    assert scene.ask(STAGED_BALANCES) == scene.ask(BALANCES)


STAGED_BALANCES = "select account_id, balance from staging.accounts_accounts order by 1"
BALANCES = """
    select a.account_id, coalesce(
        sum(case t.type when 'credit' then t.amount when 'debit' then -t.amount end)
        filter (where t.status = 'posted'), 0
    )::numeric(14, 2)
    from staging.accounts_accounts as a left join analytics.fact_account_transaction as t using (account_id)
    group by 1 order by 1"""
