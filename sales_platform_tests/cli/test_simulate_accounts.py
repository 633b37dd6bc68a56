"""`simulate accounts` as typed: options, output and exit code, on an external accounts database."""

from __future__ import annotations

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from sales_platform.cli.simulate_accounts import accounts
from sales_platform.errors import ServerUnavailable, WrongUse


@pytest.fixture
def source_url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", database_url)
    return database_url


def simulate(*options: str) -> Result:
    app = typer.Typer()
    app.command()(accounts)
    return CliRunner().invoke(app, options)


def counts(url: str) -> list[int]:
    with psycopg.connect(url) as conn:
        return [
            len(conn.execute(f"select * from accounts.{table}".encode()).fetchall())
            for table in ("customers", "accounts", "transactions")
        ]


def test_simulate_accounts_fills_an_empty_source_once_and_says_so(source_url: str) -> None:
    first = simulate("--seed", "7")
    assert first.exit_code == 0
    assert "50 customers, 100 accounts, 1,000 transactions, of which " in first.stdout
    again = simulate("--customers", "3")
    assert again.exit_code == 0
    assert "left as it is, because it holds rows already" in again.stdout
    assert counts(source_url) == [50, 100, 1000]


def test_simulate_accounts_live_writes_on_top_of_the_history(source_url: str) -> None:
    done = simulate(
        "--customers", "2", "--transactions-per-account", "1", "--live", "--rate", "40", "--for", "1"
    )
    assert done.exit_code == 0
    assert " calls in " in done.stdout
    assert counts(source_url)[2] > 4


@pytest.mark.parametrize("options", [["--customers", "-1"], ["--seed", "-1"]])
def test_a_wrong_option_of_simulate_accounts_exits_2(source_url: str, options: list[str]) -> None:
    assert simulate(*options).exit_code == 2


@pytest.mark.parametrize("options", [["--accounts-per-customer", "3"], ["--rate", "5"]])
def test_simulate_accounts_refuses_what_makes_no_sense_before_it_writes(
    source_url: str, options: list[str]
) -> None:
    done = simulate(*options)
    assert isinstance(done.exception, WrongUse)
    with psycopg.connect(source_url) as conn:
        [found] = conn.execute("select to_regclass('accounts.customers')").fetchall()
    assert found == (None,) or counts(source_url) == [0, 0, 0]


def test_simulate_accounts_names_a_source_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", "postgresql://someone:secret@127.0.0.1:1/nowhere")
    done = simulate()
    assert isinstance(done.exception, ServerUnavailable)
    assert "secret" not in str(done.exception)
