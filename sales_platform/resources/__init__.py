"""Dagster resources: the warehouse, the folder of source files. The engine knows what to do with them."""

from sales_platform.resources.source_files import SourceFilesResource
from sales_platform.resources.warehouse import WarehouseResource

__all__ = ["SourceFilesResource", "WarehouseResource"]
