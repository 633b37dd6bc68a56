"""The folder of source files as a Dagster resource. How a file is found and read belongs to the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from sales_platform.settings import DataFolder, load_settings


class SourceFilesResource(dg.ConfigurableResource[Any]):
    """The folder below which a contract's path lies; without `folder` the setting SALES_PLATFORM_DATA."""

    folder: str = ""

    @property
    def root(self) -> DataFolder:
        if not self.folder:
            return load_settings().data_root
        return self.folder if "://" in self.folder else Path(self.folder)
