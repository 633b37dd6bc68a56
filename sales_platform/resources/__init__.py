"""Dagster resources: warehouse, source databases, source files, alerts' sinks. What they are for, others know."""

from sales_platform.resources.alert_sinks import AlertSinksResource
from sales_platform.resources.source_databases import SourceDatabasesResource
from sales_platform.resources.source_files import SourceFilesResource
from sales_platform.resources.warehouse import WarehouseResource

__all__ = ["AlertSinksResource", "SourceDatabasesResource", "SourceFilesResource", "WarehouseResource"]
