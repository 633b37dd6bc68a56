"""What `url` and `down` do with the embedded server of this machine."""

from __future__ import annotations

import re
from enum import Enum

from sales_platform.local.databases import external_url
from sales_platform.local.server import EmbeddedServer
from sales_platform.operations.environment import OLTP
from sales_platform.settings import Settings


class Down(Enum):
    """How a request to stop the server ended."""

    STOPPED = "The embedded server is stopped."
    NOT_RUNNING = "The embedded server was not running."
    IN_USE = "Another command still uses the embedded server; it stops when that ends."


def lasting_url(settings: Settings, name: str) -> str:
    """The owner's URL of a database on a server that stays up, a source's with its tables. Raises WrongUse for an
    unknown name.

    An external URL is given as psql takes it, without SQLAlchemy's driver suffix.
    """
    external = external_url(settings, name)
    if external is not None:
        return without_driver(external)
    server = EmbeddedServer(settings.home)
    with server.in_use():
        server.create_database(name)
        server.keep()
        if name in OLTP:
            from sales_platform.operations.source_databases import make_tables_if_embedded

            make_tables_if_embedded(settings, name, server.url(name))
        return server.url(name)


def without_driver(url: str) -> str:
    """A URL as psql and psycopg take it: postgresql+psycopg2:// is SQLAlchemy's way to write it."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)


def take_down(settings: Settings) -> Down:
    """Stop the embedded server unless another process uses it; it then stops with that one."""
    server = EmbeddedServer(settings.home)
    was_running = server.running
    server.unkeep()
    if not server.stop_if_unused():
        return Down.IN_USE
    return Down.STOPPED if was_running else Down.NOT_RUNNING
