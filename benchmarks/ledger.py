"""Transactions per second of the accounts ledger with 1, 4 and 8 clients, against pgbench with the same statements.

The clients are processes: threads of one interpreter would wait for each other, and measure that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.bench_server import fresh_server, run
from benchmarks.measuring import Rate, Result
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.binaries import find_programs
from sales_platform.sources.schema import ensure_schema

CLIENTS = (1, 4, 8)
# So many that clients seldom meet at one.
ACCOUNTS = 10_000
SECONDS = 5

# What ledger.transaction sends for a credit that is posted, and a client's own reckoning between.
_SCRIPT = f"""\\set account random(1, {ACCOUNTS})
begin;
insert into accounts.transactions (account_id, amount, currency, type, status, metadata)
values (:account, 1.00, 'USD', 'credit', 'pending', '{{}}'::jsonb)
returning transaction_id \\gset
select balance, currency from accounts.accounts where account_id = :account for no key update \\gset
update accounts.accounts set balance = :balance + 1.00 where account_id = :account;
update accounts.transactions set status = 'posted' where transaction_id = :transaction_id;
commit;
"""


def measure(rounds: int) -> list[Result]:
    rates: dict[int, tuple[list[float], list[float]]] = {clients: ([], []) for clients in CLIENTS}
    with fresh_server() as (server, folder):
        server.create_database("accounts")
        url = server.url("accounts")
        ensure_schema(url, "accounts")
        _open_accounts(url)
        folder.mkdir()
        script = folder / "transaction.sql"
        script.write_text(_SCRIPT)
        for number in range(rounds):
            for clients, (ledger, floor) in rates.items():
                if number % 2:
                    floor.append(_floor(url, script, clients))
                ledger.append(_ledger(url, clients))
                if number % 2 == 0:
                    floor.append(_floor(url, script, clients))
        _compare(url)
    return [
        Rate(f"ledger transactions with {clients} client{'s' if clients > 1 else ''}", *pair)
        for clients, pair in rates.items()
    ]


def _open_accounts(url: str) -> None:
    with Warehouse(url).transaction() as connection:
        run(
            connection,
            f"""insert into accounts.customers (email, name)
            select 'user' || n || '@example.com', 'Name ' || n from generate_series(1, {ACCOUNTS}) as n""",
            """insert into accounts.accounts (account_id, customer_id, account_type)
            select customer_id, customer_id, 'checking' from accounts.customers""",
            "analyze accounts.accounts",
        )


def _ledger(url: str, clients: int) -> float:
    """All clients connect, and begin at one word."""
    command = [sys.executable, "-m", "benchmarks.ledger_client", str(ACCOUNTS), str(SECONDS)]
    started = [
        subprocess.Popen(
            [*command, str(seed)],
            env={**os.environ, "ACCOUNTS_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(clients)
    ]
    for client in started:
        assert client.stdout is not None
        client.stdout.readline()
    for client in started:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    return sum(_rate_of(client) for client in started)


def _rate_of(client: subprocess.Popen[str]) -> float:
    answer, _ = client.communicate()
    if client.returncode:
        raise RuntimeError("a client of the ledger failed; what it said stands above")
    done, spent = answer.split()
    return int(done) / float(spent)


def _floor(url: str, script: Path, clients: int) -> float:
    """pgbench with prepared statements, which the driver of the ledger uses too."""
    threads = min(clients, os.cpu_count() or 1)
    answer = subprocess.run(
        [find_programs() / "pgbench", "--no-vacuum", "--protocol=prepared", f"--file={script}",
         f"--client={clients}", f"--jobs={threads}", f"--time={SECONDS}"],
        env={**os.environ, **_connection_settings(url)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )  # fmt: skip
    found = re.search(r"^tps = ([0-9.]+) \(without initial", answer.stdout, re.MULTILINE)
    if not found or not re.search(r"number of failed transactions: 0 ", answer.stdout):
        raise RuntimeError(f"pgbench said: {answer.stdout}")
    return float(found[1])


def _connection_settings(url: str) -> dict[str, str]:
    parts = conninfo_to_dict(url)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    return {variable: str(parts[name]) for name, variable in names.items()}


def _compare(url: str) -> None:
    """Both must have kept the books, or the figures say nothing."""
    with Warehouse(url).transaction() as connection:
        row = connection.execute(
            """
            select (select sum(balance) from accounts.accounts) = sum(amount) and every(status = 'posted')
            from accounts.transactions
            """
        ).fetchone()
    if row is None or not row[0]:
        raise AssertionError("the balances are not what was posted")
