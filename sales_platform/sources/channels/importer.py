"""Lands an export of the real payment channels in the platform's layout, byte for byte; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sales_platform.engine.files import existing_days, locate
from sales_platform.errors import FileMissing
from sales_platform.sources.channels.layout import DAY_PATTERN, transactions_file
from sales_platform.sources.placing import PlacedFiles, place


@dataclass(frozen=True)
class ChannelsImport:
    """What an import landed, and the first and last day of it."""

    landed: PlacedFiles
    first_day: date
    last_day: date


def import_channels(export: Path, data: Path) -> ChannelsImport:
    """Copy every YYYY/MM/DD/transactions.csv below `export`; a second import changes nothing.

    Raises FileMissing for a folder without any, SourceError for a file that cannot be read.
    """
    days = existing_days(export, DAY_PATTERN)
    if not days:
        raise FileMissing(
            "the folder has no file of a day.",
            where=str(export),
            remedy="Name the folder in which YYYY/MM/DD/transactions.csv lie.",
        )
    changed = rows = 0
    for day in days:
        with locate(export, DAY_PATTERN, day).open() as stream:
            content = stream.read()
        changed += place(transactions_file(data, day), content)
        rows += max(len(content.splitlines()) - 1, 0)
    return ChannelsImport(PlacedFiles("transactions", len(days), changed, rows), days[0], days[-1])
