"""Where the file of a feed lies and what identifies it. No SQL, and no look at what the bytes mean."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import fsspec

from sales_platform.engine import file_systems
from sales_platform.engine.file_patterns import day_in, path_of, segments
from sales_platform.engine.unpacking import CHUNK_BYTES, Unpacked, is_packed, told, unpacked
from sales_platform.errors import FileMissing, SourceError, SourceNotReady
from sales_platform.settings import DataFolder

# Reference files that the package brings along, for data folders that have none of their own.
REFERENCE_FOLDER = Path(__file__).parents[1] / "reference"


@dataclass(frozen=True)
class SourceFile:
    """One file of a feed.

    path: as a user knows it, relative to the data folder. location: where fsspec finds it. partition: the day in ISO
    form, or the file's name for a feed without partitions. leads_out: a link that ends outside the data folder; every
    look at the file raises SourceError.
    """

    path: str
    location: str
    partition: str
    leads_out: bool = False

    def open(self) -> BinaryIO:
        """A stream at the first byte, unpacked where the file is gzip; raises FileMissing or SourceError when it cannot
        be opened, and SourceError while it is read.
        """
        with self._reachable():
            source = file_systems.stream(self.location)
            packed = is_packed(source)
        if packed:
            return unpacked(source, self.path)
        return told(source, self.path) if file_systems.is_remote(self.location) else source

    def size(self) -> int:
        """Bytes of the file as it lies there."""
        with self._reachable():
            files, path = file_systems.opened(self.location)
            return int(files.size(path))

    def content_hash(self) -> str:
        """SHA-256 of the bytes, unpacked where the file is gzip, as hexadecimal digits; read once in chunks.

        Raises SourceNotReady if the file was written to while it was read.
        """
        before = self._look()
        rest = self.size()  # no further, or a writer as quick as this reader would hold it for ever
        digest = hashlib.sha256()
        with self.open() as stream, self._reachable():
            bounded = not isinstance(stream, Unpacked)
            while chunk := stream.read(min(CHUNK_BYTES, rest) if bounded else CHUNK_BYTES):
                digest.update(chunk)
                rest -= len(chunk)
        if self._look() != before:
            raise SourceNotReady(
                "The file is still being written.",
                where=self.path,
                remedy="Load it again once it stands still.",
            )
        return digest.hexdigest()

    def look(self) -> str:
        """Size and time of change, which tell cheaply whether the content may be another."""
        return " ".join(str(part) for part in self._look() if part is not None)

    def _look(self) -> tuple[object, ...]:
        with self._reachable():
            return file_systems.traits(self.location)

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        if self.leads_out:
            raise _leads_out(self.path)
        try:
            with file_systems.named(self.path, "The file cannot be read"):
                yield
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(self.path, "Put the file there and load again.") from None


def locate(
    data: DataFolder, pattern: str, partition: date | str | None, *, shipped: str | None = None
) -> SourceFile:
    """The file that `pattern` names below `data`: for a day, for a file's own name, or (None) for a feed without
    partitions. shipped: the file of the package that stands in for one that is not there.

    Raises FileMissing with the path looked for, SourceError for a path that leaves the data folder, and
    ContractError for a pattern that needs a day and got none. A link that leaves the data folder is found; reading it
    is refused, so that it costs a run no more than itself.
    """
    path = path_of(pattern, partition)
    if ".." in PurePosixPath(path).parts or PurePosixPath(path).is_absolute():
        raise _leads_out(path)
    named = partition.isoformat() if isinstance(partition, date) else PurePosixPath(path).name
    place = file_systems.below(data, path)
    if isinstance(data, Path) and (end := os.path.realpath(place)) != place:
        if not Path(end).is_relative_to(data.resolve()):
            return SourceFile(path, end, named, leads_out=True)
        place = end
    if _is_file(place):
        return SourceFile(path, place, named)
    if shipped:
        return SourceFile(f"{path} (as shipped)", str(REFERENCE_FOLDER / shipped), PurePosixPath(path).name)
    looked = file_systems.below(data, path)
    raise _missing(path, f"Put it at {looked}, or set SALES_PLATFORM_DATA to the folder that has it.")


def existing_files(data: DataFolder, pattern: str) -> list[str]:
    """The names of the files that a pattern with a * finds below `data`, digits ordered as numbers."""
    files, root = file_systems.opened(data)
    name = PurePosixPath(pattern).name
    found = [_name(path) for path, _ in file_systems.listing(files, _folder(root, pattern))]
    return sorted((path for path in found if fnmatchcase(path, name)), key=natural_order)


def natural_order(name: str) -> tuple[str, str]:
    """A sort key that takes digits as numbers, as `ops.natural_order` does: part 9 before part 10."""
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0").rjust(20, "0"), name), name


def existing_days(data: DataFolder, pattern: str) -> list[date]:
    """The days that have a file below `data`, ascending; found by listing, not by asking for each day."""
    files, root = file_systems.opened(data)
    local = isinstance(data, Path)
    days = []
    for path in _matches(files, root, segments(pattern)):
        day = day_in(pattern, path[len(root) + 1 :])
        if day is not None and (os.path.isfile(path) if local else _is_there(files, path)):
            days.append(day)
    return sorted(days)


def folders(data: DataFolder, pattern: str) -> list[str]:
    """The folders, as the storage names them, in which files of `pattern` lie or would lie."""
    files, root = file_systems.opened(data)
    return _matches(files, root, segments(pattern)[:-1]) if "{" in pattern else [_folder(root, pattern)]


def refuse_if_growing(file: SourceFile) -> None:
    """Raise SourceNotReady if size or time of the file change while its bytes are read once.

    `content_hash` looks just as closely; whoever needs the hash anyway need not call this.
    """
    file.content_hash()


def _leads_out(path: str) -> SourceError:
    return SourceError(
        "The path leads out of the data folder.",
        where=path,
        remedy="Copy the file into the data folder; links and '..' are not followed out of it.",
    )


def _missing(path: str, remedy: str) -> FileMissing:
    return FileMissing("There is no such file.", where=path, remedy=remedy)


def _is_file(place: str) -> bool:
    if not file_systems.is_remote(place):
        return os.path.isfile(place)
    return _is_there(*file_systems.opened(place))


def _folder(root: str, pattern: str) -> str:
    folder = PurePosixPath(pattern).parent
    return f"{root}/{folder}" if folder.parts else root


def _is_there(files: fsspec.AbstractFileSystem, path: str) -> bool:
    with file_systems.named(path, "The file cannot be found"):
        return bool(files.isfile(path))


def _matches(files: fsspec.AbstractFileSystem, root: str, parts: list[str | re.Pattern[str]]) -> list[str]:
    found = [root]
    for part in parts:
        if isinstance(part, str):
            found = [f"{folder}/{part}" for folder in found]
        else:
            listed = (path for folder in found for path, _ in file_systems.listing(files, folder))
            found = [path for path in listed if part.fullmatch(_name(path))]
    return found


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
