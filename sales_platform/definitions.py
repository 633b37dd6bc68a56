"""What Dagster loads: everything that `defs/` declares, with resources bound. Nothing else belongs here."""

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


def build(
    warehouse: WarehouseResource,
    source_files: SourceFilesResource,
    source_databases: SourceDatabasesResource | None = None,
    blob_store: BlobStoreResource | None = None,
) -> dg.Definitions:
    """Fresh definitions over the given resources, so that a test brings its own."""
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    resources = {
        "warehouse": warehouse,
        "source_files": source_files,
        "source_databases": source_databases or SourceDatabasesResource(),
        "blob_store": blob_store or BlobStoreResource(),
        "alert_sinks": AlertSinksResource(),
    }
    bound = dg.Definitions(resources=resources, executor=dg.in_process_executor)
    return dg.Definitions.merge(found, hourly(found), bound)


@dg.definitions
def defs() -> dg.Definitions:
    return build(WarehouseResource(), SourceFilesResource())
