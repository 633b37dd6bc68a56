"""`simulate invoicing` on a real database: what it prints, and what it refuses."""

from __future__ import annotations

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from sales_platform.cli.simulate_invoicing import invoicing
from sales_platform.errors import WrongUse

STATUSES = b"select status from invoicing.invoices group by 1 order by 1"


@pytest.fixture
def app(database_url: str, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("INVOICING_OLTP_URL", database_url)
    app = typer.Typer()
    app.command()(invoicing)
    return app


def said(app: typer.Typer, *arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return " ".join(result.output.split())


def test_a_past_is_made_once_and_live_traffic_comes_on_top(app: typer.Typer, database_url: str) -> None:
    assert "invoicing made: 10 sellers, 120 clients, 150 products, 1,500 invoices" in said(app)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(STATUSES).fetchall() == [("PAID",), ("PARTIALLY_PAID",), ("UNPAID",)]
    assert "left as it is, because it has invoices already" in said(app, "--seed", "7")
    assert "transactions in" in said(app, "--live", "--rate", "20", "--for", "0.3", "--seed", "7")


def test_rate_and_length_belong_to_live_traffic(app: typer.Typer) -> None:
    with pytest.raises(WrongUse, match="Add --live"):
        said(app, "--rate", "3")
