"""What `serve` decides before it serves: where it listens, and that a warehouse which is down stops nothing."""

from __future__ import annotations

import pytest
import uvicorn
from pydantic import SecretStr

from sales_platform.errors import ConfigurationError
from sales_platform.local.processes import free_port
from sales_platform.operations.serving import serve
from sales_platform.settings import Settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Config]:
    """The configuration of every server that would run."""
    found: list[uvicorn.Config] = []
    monkeypatch.setattr("sales_platform.operations.serving._dashboard", lambda _settings, _url: None)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self: found.append(self.config))
    return found


@pytest.mark.parametrize(("key", "host"), [(None, "127.0.0.1"), (SecretStr("0123456789abcdef"), "0.0.0.0")])
def test_it_listens_on_this_machine_alone_unless_there_is_a_key(
    served: list[uvicorn.Config], warehouse_url: str, key: SecretStr | None, host: str
) -> None:
    port = free_port()
    serve(Settings(warehouse_url=SecretStr(warehouse_url), api_key=key), port=port)

    assert [(config.host, config.port) for config in served] == [(host, port)]


def test_a_warehouse_that_is_down_is_told_and_waited_for(served: list[uvicorn.Config]) -> None:
    steps: list[str] = []
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    serve(Settings(warehouse_url=SecretStr(url)), port=free_port(), on_step=steps.append)

    assert len(served) == 1
    assert any("does not answer yet" in step for step in steps)


def test_a_warehouse_without_migrations_is_refused_with_the_command(
    served: list[uvicorn.Config], database_url: str
) -> None:
    with pytest.raises(ConfigurationError, match="sales-platform migrate"):
        serve(Settings(warehouse_url=SecretStr(database_url)), port=free_port())
    assert served == []
