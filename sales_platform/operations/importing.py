"""What `sales-platform import` does: land an export of a real source in the data folder. Loads no table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.sources.retail.importer import RetailImport


def import_retail(settings: Settings, export: Path) -> RetailImport:
    """Land the five files of a retail export as the platform's feeds expect them.

    Raises FileMissing, FileEmpty, HeaderMismatch and SourceError before anything is written.
    """
    from sales_platform.sources.retail import importer

    return importer.import_retail(export, settings.data, settings.zone)
