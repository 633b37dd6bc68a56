"""Sessions of pages: kept while a server runs, never one that is lost, never more than are allowed."""

from __future__ import annotations

import psycopg
import pytest

from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ServerUnavailable
from sales_platform.local.processes import free_port
from sales_platform.serving.dashboard import sessions
from sales_platform.serving.dashboard.sessions import kept_sessions, page_session

CUT_OFF = "select pg_terminate_backend(%s, 10000)"


def _process(session: Connection) -> int:
    return session.info.backend_pid


def test_a_session_is_kept_from_one_drawing_to_the_next_while_a_server_runs(warehouse_url: str) -> None:
    warehouse = Warehouse(warehouse_url)
    with kept_sessions():
        with page_session(warehouse) as first, page_session(warehouse) as beside:
            assert _process(first) != _process(beside)
        with page_session(warehouse) as second:
            assert second in (first, beside)
            assert second.execute("select current_user").fetchone() == ("sales_platform_reader",)
    assert first.closed
    assert beside.closed
    with page_session(warehouse) as alone:
        pass
    assert alone.closed


def test_a_session_that_the_server_ended_or_left_in_a_transaction_is_replaced(
    warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(warehouse_url)
    with kept_sessions(), psycopg.connect(warehouse_url, autocommit=True) as owner:
        with page_session(warehouse) as lost:
            pass
        owner.execute(CUT_OFF, [_process(lost)])
        with page_session(warehouse) as found:
            assert found.execute("select 1").fetchone() == (1,)
            found.execute("begin")
        assert found.closed
        with page_session(warehouse) as old:
            pass
        monkeypatch.setattr(sessions, "KEPT_SECONDS", 0.0)
        with page_session(warehouse) as young:
            assert young is not old
        assert old.closed


def test_a_warehouse_that_is_down_is_told_at_once_though_sessions_are_kept() -> None:
    nowhere = Warehouse(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    with kept_sessions(), pytest.raises(ServerUnavailable), page_session(nowhere):
        pass
