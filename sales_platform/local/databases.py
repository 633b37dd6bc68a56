"""Which server holds which database: an external one by its setting, else the embedded one. No table here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from pydantic import SecretStr

from sales_platform.errors import ConfigurationError, ServerUnavailable, WrongUse
from sales_platform.local.binaries import OLDEST_WAREHOUSE
from sales_platform.local.server import EmbeddedServer
from sales_platform.settings import Settings

URL_SETTINGS = {
    "warehouse": "warehouse_url",
    "dagster": "dagster_pg_url",
    "invoicing": "invoicing_oltp_url",
    "accounts": "accounts_oltp_url",
}
DATABASES = tuple(URL_SETTINGS)
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Databases:
    """The URLs of the databases in use. They carry passwords and are kept out of the representation."""

    _urls: Mapping[str, str] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Those in use."""
        return tuple(self._urls)

    def url(self, name: str) -> str:
        """The owner's URL. Raises WrongUse for a name that is not in use."""
        try:
            return self._urls[name]
        except KeyError:
            raise WrongUse(
                f"the database {name!r} is not in use; in use: {', '.join(self._urls) or 'none'}."
            ) from None


@contextmanager
def using(settings: Settings, *names: str) -> Iterator[Databases]:
    """Have these databases (see DATABASES) up in the block; the embedded server stops after its last user.

    Raises WrongUse for an unknown name, ServerUnavailable for a server that is down, ConfigurationError for
    an external warehouse older than PostgreSQL 16.
    """
    external = {name: url for name in names if (url := external_url(settings, name)) is not None}
    if "warehouse" in external:
        _require_warehouse_version(external["warehouse"])
    embedded = [name for name in names if name not in external]
    if not embedded:
        yield Databases(external)
        return
    server = EmbeddedServer(settings.home)
    with server.in_use():
        for name in embedded:
            server.create_database(name)
        yield Databases(external | {name: server.url(name) for name in embedded})


def external_url(settings: Settings, name: str) -> str | None:
    """The URL that the settings give for a database. Raises WrongUse for an unknown name."""
    if name not in URL_SETTINGS:
        raise WrongUse(f"there is no database {name!r}.", remedy=f"Write one of: {', '.join(DATABASES)}.")
    secret: SecretStr | None = getattr(settings, URL_SETTINGS[name])
    return secret.get_secret_value() if secret else None


def _require_warehouse_version(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise ServerUnavailable(
            f"the server does not answer: {str(error).strip()}",
            where="WAREHOUSE_URL",
            remedy="Start it, or correct the setting.",
        ) from error
    except psycopg.ProgrammingError:
        # the driver's message repeats the URL, password included
        raise ConfigurationError(
            "this is not a URL that PostgreSQL takes.",
            where="WAREHOUSE_URL",
            remedy="Write postgresql://user:password@host:port/database.",
        ) from None
    if major < OLDEST_WAREHOUSE:
        raise ConfigurationError(
            f"the server is PostgreSQL {major}; the warehouse needs {OLDEST_WAREHOUSE} or newer.",
            where="WAREHOUSE_URL",
            remedy="Name a newer server, or leave the setting out to use the embedded one.",
        )
