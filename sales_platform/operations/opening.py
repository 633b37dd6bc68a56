"""Opens what a command works on: the migrated warehouse, Dagster's instance and definitions. No more."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import ConfigurationError
from sales_platform.local.databases import Databases, external_url, using
from sales_platform.operations.dead_runs import bury_dead_runs, bury_runs_without_server
from sales_platform.operations.environment import dagster_home, exported, open_instance, variables
from sales_platform.operations.pools import make_pools
from sales_platform.operations.source_databases import using_with_sources
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class Platform:
    """A warehouse, Dagster's record of runs, and the assets of this project."""

    settings: Settings
    databases: Databases
    warehouse: Warehouse
    instance: dg.DagsterInstance
    definitions: dg.Definitions


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """The warehouse for the length of the block, without Dagster.

    An embedded one is brought to the newest version; raises ConfigurationError for an external one that lacks
    migrations, because that is changed on purpose only.
    """
    with using(settings, "warehouse") as databases:
        make_current(settings, databases, migrating=False)
        yield Warehouse(databases.url("warehouse"), settings.lock_timeout_seconds)


@contextmanager
def open_platform(settings: Settings, *, migrating: bool = False) -> Iterator[Platform]:
    """What a run in this process needs, sources included. migrating: apply migrations to an external warehouse too."""
    with using_with_sources(settings, "warehouse", "dagster") as databases:
        make_current(settings, databases, migrating=migrating)
        with exported(variables(settings, databases)), _instance(settings) as instance:
            from sales_platform.definitions import defs

            accept_beta()
            warehouse = Warehouse(databases.url("warehouse"), settings.lock_timeout_seconds)
            definitions = defs()
            make_pools(instance, definitions)
            yield Platform(settings, databases, warehouse, instance, definitions)


def make_current(settings: Settings, databases: Databases, *, migrating: bool) -> list[str]:
    """Apply what is pending, return its numbers. migrating: to an external warehouse too, else refuse."""
    from sales_platform.engine.driver_errors import translated
    from sales_platform.engine.migrations import migrate, pending

    url = databases.url("warehouse")
    with translated("warehouse"):
        if migrating or external_url(settings, "warehouse") is None:
            return migrate(url, time_zone=settings.time_zone)
        lacking = pending(url)
    if lacking:
        raise ConfigurationError(
            f"the warehouse lacks {len(lacking)} migrations.",
            where="WAREHOUSE_URL",
            remedy="Run `sales-platform migrate`.",
        )
    return []


def accept_beta() -> None:
    """Dagster's own copy of a checks definition sets a parameter that Dagster marks as beta, when first used."""
    import dagster as dg

    warnings.filterwarnings("ignore", "Parameter `execution_type` of function", dg.BetaWarning)


def prepare_instance(settings: Settings, databases: Databases) -> list[str]:
    """Make the pools, and mark as failed what an earlier `up` or command left as running when it was killed. Returns
    these runs.
    """
    with exported(variables(settings, databases)), _instance(settings) as instance:
        from sales_platform.definitions import defs

        accept_beta()
        make_pools(instance, defs())
        # with a storage that others share, a server of another machine cannot be told from one that is gone
        return [] if external_url(settings, "dagster") else bury_runs_without_server(instance)


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(dagster_home(settings)) as instance:
        bury_dead_runs(instance)
        yield instance
