"""`sales-platform backup` as people see it: tables that fit, exit codes, and never a password (K-30)."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from sales_platform.backup.summaries import Summary
from sales_platform.cli import main
from sales_platform.cli.backup import megabytes, print_backups
from sales_platform.sources.accounts.ledger import create_customer
from sales_platform.sources.schema import ensure_schema

AT = datetime(2026, 9, 10, 3, tzinfo=UTC)
LARGE = Summary(
    id="20260910T030000.123456Z",
    source="warehouse",
    made_at=AT,
    tables=64,
    rows=123_456_789,
    size=12_345_678_901,
    format="csv",
    verified_at=AT,
    verified_as="deep",
    restorable=True,
    partial=True,
    same_as=None,
    warnings=[],
)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process; gives its exit code and all it wrote."""

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["sales-platform", "backup", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out + written.err

    return command


@pytest.mark.parametrize("width", [80, 100, 120])
def test_large_figures_fit_the_terminal_and_an_id_is_never_cut(width: int) -> None:
    output = Console(file=io.StringIO(), width=width)
    print_backups(output, [LARGE, dataclasses.replace(LARGE, restorable=False, verified_as="damaged")])

    assert isinstance(output.file, io.StringIO)
    shown = output.file.getvalue()
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    assert shown.count(LARGE.id) == 2
    assert "12,345.7" in shown
    assert "cannot be restored" in shown
    assert (megabytes(0), megabytes(1_234), megabytes(1_234_567)) == ("0.0", "0.001", "1.2")


def test_k_30_a_walk_through_the_commands_tells_everything_but_a_password(
    run: Run, database_url: str, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    ensure_schema(database_url, "accounts")
    with psycopg.connect(database_url, autocommit=True) as session:
        create_customer(session, "ann@example.com", "Ann")
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", database_url)
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("RESTORE_URL", warehouse_url)
    monkeypatch.setenv("SALES_PLATFORM_HOME", str(Path("home").absolute()))
    monkeypatch.setenv("LOG_LEVEL", "INFO")
    said = []

    def told(expected_code: int, *arguments: str) -> str:
        code, text = run(*arguments)
        assert code == expected_code, text
        said.append(text)
        return text

    assert "No backup yet" in told(0, "list")
    assert "✓" in told(
        0, "create", "--source", "accounts", "--tables", "customers,accounts", "--format", "parquet"
    )
    assert "(part)" in told(0, "list")
    told(0, "create", "--source", "accounts")
    assert "not read" in told(0, "verify", "latest", "--quick")
    assert "read back" in told(0, "verify")
    listed = json.loads(told(0, "list", "--json"))
    assert [one["verified_as"] for one in listed["backups"]] == ["deep", "deep"]
    assert "3 tables, 1 rows" in told(0, "restore", "latest", "--tables", "customers,accounts,transactions")
    assert "hold rows" in told(3, "restore", "latest", "--tables", "customers")
    assert "restored, 1 rows" in told(0, "rehearse")
    assert "no complete backup" in told(2, "restore", "20200101T000000.000000Z")
    told(2, "restore", "latest", "--into", f"{warehouse_url}?not_an_option=1")
    told(2, "restore", "latest", "--into", f"{warehouse_url}_is_not_there")
    (blob,) = Path("home/backups").glob("accounts/*/*/raw/transactions.csv")
    blob.write_bytes(blob.read_bytes()[:-1])
    assert "raw/transactions.csv" in told(1, "verify")
    assert "cannot be restored" in told(0, "list")
    assert "damaged" in told(1, "restore", "latest", "--replace")

    logs = [path.read_text(encoding="utf-8") for path in Path("home").rglob("*.jsonl")]
    manifests = [path.read_text(encoding="utf-8") for path in Path("home").rglob("*.json")]
    assert manifests
    for url in (database_url, warehouse_url):
        password = urlsplit(url).password
        assert password
        assert not [text for text in (*said, *logs, *manifests) if password in text]
    assert "Traceback" not in "".join(said)
