"""Puts a source file in its place whole or not at all. What a file holds is the business of each domain."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from sales_platform.errors import ConfigurationError, SalesPlatformError, StorageFull


@dataclass(frozen=True)
class PlacedFiles:
    """The files of one table: how many there are, how many had to be written, and their records."""

    table: str
    files: int
    changed: int
    rows: int

    def summary(self) -> str:
        """One line for a person."""
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        return f"{self.table:<17}{self.rows:>9,} rows  {files}, {self.changed} written"


def place(path: Path, content: bytes) -> bool:
    """Make `path` hold exactly `content`; say whether anything was written.

    A file that already holds it is left untouched, its modification time included, so that nobody reads
    it again. Raises StorageFull when the disk has no room and ConfigurationError when the folder cannot
    be written.
    """
    try:
        if _holds(path, content):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise _explained(path, error) from error
    return True


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _explained(path: Path, error: OSError) -> SalesPlatformError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StorageFull("no room is left for the file.", where=str(path), remedy="Free some room.")
    return ConfigurationError(
        f"the file could not be written: {error.strerror or type(error).__name__}.",
        where=str(path),
        remedy="Point SALES_PLATFORM_DATA at a folder that you may write.",
    )
