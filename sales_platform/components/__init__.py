"""Where Dagster meets the engine: the Components that a `defs.yaml` names. No rule of a table stands here."""

from sales_platform.components.dimension import Dimension
from sales_platform.components.file_feed import FileFeed
from sales_platform.components.postgres_feed import PostgresFeed
from sales_platform.components.sql_check import SqlCheck
from sales_platform.components.sql_table import SqlTable

__all__ = ["Dimension", "FileFeed", "PostgresFeed", "SqlCheck", "SqlTable"]
