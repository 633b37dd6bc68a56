"""The Alice sample of the README, run as it stands there."""

from __future__ import annotations

import re
from decimal import Decimal

import psycopg
import pytest

from sales_platform_tests.conftest import PROJECT


def test_the_readmes_alice_sample_runs_as_it_stands(
    source_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", source_url)
    section = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## The Alice sample")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None

    exec(compile(code[1], "README.md", "exec"), {})

    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["Customer 1 Account 1", "Posted transaction 1"]
    assert "kept as failed" in said[2]
    with psycopg.connect(source_url) as connection:
        assert connection.execute("select balance from accounts.accounts").fetchall() == [
            (Decimal("100.00"),)
        ]
        kept = connection.execute("select type, status from accounts.transactions order by 1").fetchall()
    assert kept == [("credit", "posted"), ("debit", "failed")]
