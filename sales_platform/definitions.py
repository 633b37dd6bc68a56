"""What Dagster loads: everything that `defs/` declares, with resources bound. Nothing else belongs here."""

from functools import lru_cache
from pathlib import Path

import dagster as dg

from sales_platform.defs.automation.freshness import hourly
from sales_platform.resources import (
    AlertSinksResource,
    BlobStoreResource,
    SourceDatabasesResource,
    SourceFilesResource,
    WarehouseResource,
)
from sales_platform.settings import Settings, load_settings


def build(
    warehouse: WarehouseResource,
    source_files: SourceFilesResource,
    source_databases: SourceDatabasesResource | None = None,
    blob_store: BlobStoreResource | None = None,
) -> dg.Definitions:
    """Fresh definitions over the given resources, so that a test brings its own."""
    found = _declared(_shape(load_settings()))
    resources = {
        "warehouse": warehouse,
        "source_files": source_files,
        "source_databases": source_databases or SourceDatabasesResource(),
        "blob_store": blob_store or BlobStoreResource(),
        "alert_sinks": AlertSinksResource(),
    }
    bound = dg.Definitions(resources=resources, executor=dg.in_process_executor)
    return dg.Definitions.merge(found, hourly(found), bound)


# To read all of it takes a second, and a command opens the platform more than once.
@lru_cache(maxsize=1)
def _declared(_shape: tuple[object, ...]) -> dg.Definitions:
    """What `defs/` declares. It has neither resources nor a state, so runs may share it."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)


def _shape(settings: Settings) -> tuple[object, ...]:
    """The settings that declarations depend on; all others are read when something runs."""
    switches = tuple(sorted(settings.switches().items()))
    return (switches, settings.time_zone, settings.partitions_start)


@dg.definitions
def defs() -> dg.Definitions:
    return build(WarehouseResource(), SourceFilesResource())
