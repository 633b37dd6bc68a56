"""Dagster resources: warehouse, source databases, source files, blob store, alerts' sinks. What they are for, others
know.
"""

from sales_platform.resources.alert_sinks import AlertSinksResource
from sales_platform.resources.blob_store import BlobStoreResource
from sales_platform.resources.source_databases import SourceDatabasesResource
from sales_platform.resources.source_files import SourceFilesResource
from sales_platform.resources.warehouse import WarehouseResource

__all__ = [
    "AlertSinksResource",
    "BlobStoreResource",
    "SourceDatabasesResource",
    "SourceFilesResource",
    "WarehouseResource",
]
