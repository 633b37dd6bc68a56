"""The variables and the DAGSTER_HOME by which Dagster, here or in a child, finds this platform; and its instance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform import local
from sales_platform.errors import ConfigurationError
from sales_platform.local.databases import Databases
from sales_platform.settings import DataFolder, Settings

if TYPE_CHECKING:
    import dagster as dg

DAGSTER_YAML = "dagster.yaml"
OLTP = ("invoicing", "accounts")
# Dagster writes the days of a range one by one unless it is told how many at once.
EVENTS_AT_ONCE = 1000


def variables(settings: Settings, databases: Databases) -> dict[str, str]:
    """What a process needs to know: the URLs in use, DAGSTER_HOME (made ready) and absolute folders.

    databases holds `warehouse` and `dagster` at least; each source among them gets its <NAME>_OLTP_URL.
    """
    sources = {f"{name.upper()}_OLTP_URL": databases.url(name) for name in OLTP if name in databases.names}
    return {
        "WAREHOUSE_URL": databases.url("warehouse"),
        "DAGSTER_PG_URL": storage_url(databases.url("dagster")),
        "DAGSTER_HOME": str(dagster_home(settings)),
        "SALES_PLATFORM_HOME": str(settings.home.resolve()),
        "SALES_PLATFORM_DATA": _absolute(settings.data_root),
        "LOG_DIR": str(settings.logs.resolve()),
        "DAGSTER_EVENT_BATCH_SIZE": str(EVENTS_AT_ONCE),
        **sources,
    }


def _absolute(data: DataFolder) -> str:
    return data if isinstance(data, str) else str(data.resolve())


def storage_url(url: str) -> str:
    """The URL with the driver that Dagster's storage needs; it cannot notify through psycopg 3."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}+psycopg2://{rest}".replace("postgres+", "postgresql+", 1)


def dagster_home(settings: Settings) -> Path:
    """The folder of the Dagster instance, with local mode's dagster.yaml in it.

    Raises ConfigurationError where it cannot be written.
    """
    home = settings.home.resolve() / "dagster"
    wanted = (Path(local.__file__).parent / DAGSTER_YAML).read_bytes()
    place = home / DAGSTER_YAML
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_bytes() != wanted:
            draft = place.with_name(f"{DAGSTER_YAML}.{os.getpid()}")
            draft.write_bytes(wanted)
            draft.replace(place)
    except OSError as error:
        raise ConfigurationError(
            f"the folder cannot be written: {error.strerror}.",
            where=str(home),
            remedy="Set SALES_PLATFORM_HOME to a folder that you may write.",
        ) from error
    return home


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of a folder, for one process that runs assets in itself."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home)) as instance:
        # Dagster's word for keeping connections: else each of a run's hundreds of events makes one of its own
        instance.optimize_for_webserver(statement_timeout=0, pool_recycle=3600, max_overflow=20)
        yield instance


@contextmanager
def exported(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process inside the block; Dagster's instance and resources read them there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
