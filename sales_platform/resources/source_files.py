"""The folder of source files as a Dagster resource. How a file is found and read belongs to the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from sales_platform.settings import load_settings


class SourceFilesResource(dg.ConfigurableResource[Any]):
    """The folder below which a contract's path lies; without `folder` the setting SALES_PLATFORM_DATA."""

    folder: str = ""

    @property
    def root(self) -> Path:
        return Path(self.folder) if self.folder else load_settings().data
