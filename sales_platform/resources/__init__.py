"""Dagster resources: warehouse, source databases, folder of source files. The engine knows what to do with them."""

from sales_platform.resources.source_databases import SourceDatabasesResource
from sales_platform.resources.source_files import SourceFilesResource
from sales_platform.resources.warehouse import WarehouseResource

__all__ = ["SourceDatabasesResource", "SourceFilesResource", "WarehouseResource"]
