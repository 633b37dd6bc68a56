"""Live traffic on a real server: whatever its sessions do at once, the books stay right and nothing stays behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import psycopg
import pytest

from sales_platform.errors import DatabaseFailure, ServerUnavailable, WrongUse
from sales_platform.sources.invoicing import changes, live, sessions
from sales_platform.sources.invoicing.draws import Draws
from sales_platform.sources.invoicing.live import TrafficReport, run_traffic
from sales_platform.sources.schema import ensure_schema

TABLES = ("clients", "sellers", "products", "invoices", "invoice_items", "payments")
SESSIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture
def source_url(database_url: str) -> str:
    ensure_schema(database_url, "invoicing")
    return database_url


def one(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def counts(url: str) -> dict[str, int]:
    return {table: int(str(one(url, f"select count(*) from {table}")[0])) for table in TABLES}


def assert_books_are_right(url: str) -> None:
    wrong_payments = (
        "select count(*) from invoices i left join (select invoice_id, sum(amount) paid from payments group by 1) p"
        " using (invoice_id) where coalesce(paid, 0) > total_gross_worth or status <> case when paid is null"
        " then 'UNPAID' when paid < total_gross_worth then 'PARTIALLY_PAID' else 'PAID' end"
    )
    wrong_totals = (
        "select count(*) from invoices i left join (select invoice_id, sum(item_net_worth) net,"
        " sum(item_gross_worth) gross from invoice_items group by 1) t using (invoice_id)"
        " where (total_net_worth, total_gross_worth, total_vat) is distinct from (net, gross, gross - net)"
    )
    assert (one(url, wrong_payments), one(url, wrong_totals)) == ((0,), (0,))


@pytest.fixture
def quick_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions that stay open do so for tenths of a second, so that a short traffic has many of them."""
    monkeypatch.setattr(live, "SHORTEST_HOLD", 0.1)
    monkeypatch.setattr(live, "LONGEST_HOLD", 0.3)


@pytest.mark.usefixtures("quick_holds")
def test_sessions_that_write_at_once_never_overpay_and_count_what_they_committed(
    source_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SHARES", (60, 15, 15, 10))
    run_traffic(source_url, rate=50, seconds=0.1)
    before = counts(source_url)
    report = run_traffic(source_url, rate=150, seconds=2.5, writers=8, seed=1)
    assert_books_are_right(source_url)
    assert one(source_url, SESSIONS) == (0,)
    done, after = report.committed, counts(source_url)
    grown = {table: after[table] - before[table] for table in TABLES}
    assert grown["clients"] == done["new client"]
    assert grown["sellers"] == 0
    assert grown["products"] == done["new product"] - done.get("deleted product", 0)
    assert grown["invoices"] == done["new invoice"] - done["deleted invoice"]
    assert sum(report.rolled_back.values()) > 0
    assert sum(report.undone.values()) > 0
    assert report.late > 0


@pytest.mark.usefixtures("quick_holds")
def test_a_late_transaction_shows_rows_that_are_older_than_rows_already_seen(
    source_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SHARES", (50, 50, 0, 0))
    monkeypatch.setattr(live, "KINDS", [kind for kind in changes.KINDS if kind.name == "new client"])
    run_traffic(source_url, rate=1, seconds=0.01)
    traffic = threading.Thread(target=lambda: run_traffic(source_url, rate=60, seconds=1.5, writers=8))
    seen: dict[int, datetime] = {}
    late = 0
    with psycopg.connect(source_url, autocommit=True) as connection:
        traffic.start()
        while traffic.is_alive():
            visible: dict[int, datetime] = dict(
                connection.execute("select client_id, updated_at from clients").fetchall()
            )
            newest = max(seen.values(), default=datetime.min)
            late += sum(stamp < newest for client, stamp in visible.items() if client not in seen)
            seen = visible
    assert late > 5


@pytest.mark.parametrize("end", [live._End.ROLLBACK, live._End.SAVEPOINT])
def test_what_was_rolled_back_leaves_nothing(
    source_url: str, monkeypatch: pytest.MonkeyPatch, end: live._End
) -> None:
    run_traffic(source_url, rate=1, seconds=0.01)
    before = counts(source_url)
    monkeypatch.setattr(live, "_SHARES", [int(each is end) for each in live._End])
    report = run_traffic(source_url, rate=100, seconds=0.5, seed=3)
    if end is live._End.ROLLBACK:
        assert sum(report.committed.values()) == 0 < sum(report.rolled_back.values())
        assert counts(source_url) == before
    else:
        assert sum(report.undone.values()) == sum(report.committed.values()) > 0
        assert counts(source_url)["clients"] - before["clients"] == report.committed["new client"]
    assert_books_are_right(source_url)


def test_each_deed_changes_what_its_name_says(source_url: str) -> None:
    run_traffic(source_url, rate=1, seconds=0.01, seed=4)
    draws = Draws(4, "test")
    with sessions.session(source_url) as connection:
        for kind in changes.KINDS:
            before = counts(source_url)
            stamp = one(source_url, "select clock_timestamp() at time zone 'UTC'")[0]
            assert kind.change(connection, draws), kind.name
            after = counts(source_url)
            grown = {table for table in TABLES if after[table] > before[table]}
            shrunk = {table for table in TABLES if after[table] < before[table]}
            touched = {
                table
                for table in ("clients", "sellers", "products", "invoices")
                if one(source_url, f"select coalesce(max(updated_at) >= '{stamp}', false) from {table}")
                == (True,)
            }
            assert (grown, shrunk - {"payments"}, touched) == DEEDS[kind.name], kind.name
    assert_books_are_right(source_url)


DEEDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "new invoice": ({"invoices", "invoice_items"}, set(), {"invoices"}),
    "payment": ({"payments"}, set(), {"invoices"}),
    "new client": ({"clients"}, set(), {"clients"}),
    "changed client": (set(), set(), {"clients"}),
    "changed seller": (set(), set(), {"sellers"}),
    "new product": ({"products"}, set(), {"products"}),
    "changed product": (set(), set(), {"products"}),
    "new price": (set(), set(), {"products"}),
    "deleted invoice": (set(), {"invoices", "invoice_items"}, set()),
    "deleted product": (set(), {"products"}, set()),
}


def test_an_invoice_goes_from_unpaid_over_partially_paid_to_paid(source_url: str) -> None:
    run_traffic(source_url, rate=1, seconds=0.01, seed=5)
    draws = Draws(5, "test")
    with sessions.session(source_url) as connection:
        connection.execute("delete from invoicing.invoices")
        assert not changes.payment(connection, draws)
        seen: list[str] = []
        while set(seen) != {"UNPAID", "PARTIALLY_PAID", "PAID"} and len(seen) < 500:
            if not seen or seen[-1] == "PAID":
                connection.execute("delete from invoicing.invoices")
                changes.new_invoice(connection, draws)
                seen = []
            else:
                changes.payment(connection, draws)
            seen.append(str(one(source_url, "select status from invoices")[0]))
            assert_books_are_right(source_url)
    assert seen[0] == "UNPAID"
    assert seen == sorted(seen, key=["UNPAID", "PARTIALLY_PAID", "PAID"].index)


def test_an_empty_database_gets_a_small_past_first(source_url: str) -> None:
    run_traffic(source_url, rate=1, seconds=0.01)
    found = counts(source_url)
    assert found["sellers"] == 3
    assert found["invoices"] >= 59


def test_traffic_without_a_length_ends_when_it_is_told_to(source_url: str) -> None:
    stop = threading.Event()
    reports: list[TrafficReport] = []
    thread = threading.Thread(target=lambda: reports.append(run_traffic(source_url, rate=50, stop=stop)))
    thread.start()
    stop.set()
    thread.join(timeout=30)
    assert len(reports) == 1
    assert one(source_url, SESSIONS) == (0,)


def test_sessions_that_the_server_ends_raise_server_unavailable_and_leave_nothing(source_url: str) -> None:
    outcome = _run_and(source_url, lambda: _terminate_writers(source_url))
    assert isinstance(outcome, ServerUnavailable)
    assert one(source_url, SESSIONS) == (0,)
    assert_books_are_right(source_url)


def _terminate_writers(url: str) -> None:
    query = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database()"
        " and application_name = 'simulated invoicing'"
    )
    for _ in range(100_000):
        if one(url, query) != (0,):
            return


def _run_and(url: str, act: Callable[[], None]) -> BaseException | None:
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            run_traffic(url, rate=50, stop=threading.Event())
        except Exception as error:
            outcome.append(error)

    run_traffic(url, rate=1, seconds=0.01)
    thread = threading.Thread(target=run)
    thread.start()
    act()
    thread.join(timeout=30)
    return outcome[0] if outcome else None


def test_a_deed_that_never_goes_through_is_given_up_with_the_servers_reason(
    source_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_traffic(source_url, rate=1, seconds=0.01)
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute("create unique index on clients ((true)) where client_id > 20")
    monkeypatch.setattr(live, "KINDS", [kind for kind in changes.KINDS if kind.name == "new client"])
    with pytest.raises(DatabaseFailure, match="Unique violation"):
        run_traffic(source_url, rate=100, seconds=60)


@pytest.mark.parametrize(
    ("rate", "seconds", "message"),
    [(0, 1, "a rate above 0"), (1, 0, "longer than 0 seconds"), (1, None, "needs an end")],
)
def test_figures_that_make_no_sense_are_refused(rate: float, seconds: float | None, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        run_traffic("postgresql://nowhere", rate=rate, seconds=seconds)


def test_a_server_that_is_down_is_server_unavailable() -> None:
    with pytest.raises(ServerUnavailable):
        run_traffic("postgresql://127.0.0.1:1/nowhere", rate=1, seconds=1)
