"""The OLTP databases that are read, as a Dagster resource: whence their URLs. The engine knows how to read them."""

from __future__ import annotations

import re
from typing import Any

import dagster as dg
import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field

from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.errors import ConfigurationError
from sales_platform.settings import load_settings


class SourceDatabasesResource(dg.ConfigurableResource[Any]):
    """Databases by the name that a contract uses; without an entry in `urls` the setting <NAME>_OLTP_URL.

    Read when a run first needs it, so that definitions load without a server and no password enters a snapshot.
    """

    urls: dict[str, str] = Field(default_factory=dict)

    def open(self, name: str) -> SourceDatabase:
        """Raises ConfigurationError when no URL is known, or one that cannot be read."""
        variable = f"{name.upper()}_OLTP_URL"
        url = self.urls.get(name) or load_settings().source_url(name)
        if not url:
            raise ConfigurationError(
                f"the URL of the source {name} is not set.",
                where=variable,
                remedy=f'Run `export {variable}="$(sales-platform url {name})"` or `sales-platform up`.',
            )
        return SourceDatabase(name, _readable(url, variable))


def _readable(url: str, variable: str) -> str:
    """The URL without SQLAlchemy's driver. Raises ConfigurationError, which does not repeat it: it has a password."""
    plain = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "this is not a URL that PostgreSQL takes.",
            where=variable,
            remedy="Write postgresql://user:password@host:port/database.",
        ) from None
    return plain
