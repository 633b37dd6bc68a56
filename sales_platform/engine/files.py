"""Where the file of a feed lies and what identifies it. No SQL, and no look at what the bytes mean.

Everything goes through fsspec, so that a location may become a URL; today it is a path below the data folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import fsspec
from fsspec.core import url_to_fs

from sales_platform.errors import ContractError, FileMissing, SourceError, SourceNotReady

CHUNK_BYTES = 1 << 20
# Reference files that the package brings along, for data folders that have none of their own.
REFERENCE_FOLDER = Path(__file__).parents[1] / "reference"

_PLACEHOLDER = re.compile(r"\{partition:([^{}]*)\}")
_DIRECTIVES = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}"}


@dataclass(frozen=True)
class SourceFile:
    """One file of a feed.

    path: as a user knows it, relative to the data folder. location: where fsspec finds it.
    partition: the day in ISO form, or the file's name for a feed without partitions.
    """

    path: str
    location: str
    partition: str

    def open(self) -> BinaryIO:
        """A stream at the first byte; raises FileMissing or SourceError when it cannot be opened."""
        with self._readable():
            return cast(BinaryIO, _file_system(self.location).open(self.location, "rb"))

    def size(self) -> int:
        """Bytes of the file."""
        with self._readable():
            return int(_file_system(self.location).size(self.location))

    def content_hash(self) -> str:
        """SHA-256 of the bytes as hexadecimal digits, read once in chunks.

        Raises SourceNotReady if the file was written to while it was read.
        """
        before = self._look()
        rest = self.size()  # no further, or a writer as quick as this reader would hold it for ever
        digest = hashlib.sha256()
        with self.open() as stream, self._readable():
            while chunk := stream.read(min(CHUNK_BYTES, rest)):
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
        with self._readable():
            info = _file_system(self.location).info(self.location)
        return tuple(info.get(name) for name in ("size", "mtime", "ino", "LastModified", "ETag", "etag"))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise _missing(self.path, "Put the file there and load again.") from None
        except OSError as error:
            raise SourceError(
                f"The file cannot be read ({error.strerror or type(error).__name__}).",
                where=self.path,
                remedy="Check its permissions and the disk it lies on.",
            ) from error


def locate(
    data: Path, pattern: str, partition: date | str | None, *, shipped: str | None = None
) -> SourceFile:
    """The file that `pattern` names below `data`: for a day, for a file's own name, or (None) for a feed without
    partitions. shipped: the file of the package that stands in for one that is not there.

    Raises FileMissing with the path looked for, SourceError for a path that leaves the data folder, and
    ContractError for a pattern that needs a day and got none.
    """
    path = _path_of(pattern, partition)
    root = data.resolve()
    place = (root / path).resolve()
    if not place.is_relative_to(root):
        raise SourceError(
            "The path leads out of the data folder.",
            where=path,
            remedy="Copy the file into the data folder; links and '..' are not followed out of it.",
        )
    if not place.is_file():
        if shipped:
            return SourceFile(
                f"{path} (as shipped)", str(REFERENCE_FOLDER / shipped), PurePosixPath(path).name
            )
        raise _missing(
            path, f"Put it at {root / path}, or set SALES_PLATFORM_DATA to the folder that has it."
        )
    named = partition.isoformat() if isinstance(partition, date) else PurePosixPath(path).name
    return SourceFile(path, str(place), named)


def existing_files(data: Path, pattern: str) -> list[str]:
    """The names of the files that a pattern with a * finds below `data`, digits ordered as numbers."""
    root, folder = data.resolve(), PurePosixPath(pattern).parent
    paths = _listed(_file_system(str(root)), str(root / folder))
    name = PurePosixPath(pattern).name
    return sorted((_name(path) for path in paths if fnmatchcase(_name(path), name)), key=natural_order)


def natural_order(name: str) -> tuple[str, str]:
    """A sort key that takes digits as numbers, as `ops.natural_order` does: part 9 before part 10."""
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0").rjust(20, "0"), name), name


def existing_days(data: Path, pattern: str) -> list[date]:
    """The days that have a file below `data`, ascending; found by listing, not by asking for each day."""
    root = str(data.resolve())
    files = _file_system(root)
    days = []
    for path in _matches(files, root, _segments(pattern)):
        day = _day_in(pattern, path[len(root) + 1 :])
        if day is not None and files.isfile(path):
            days.append(day)
    return sorted(days)


def refuse_if_growing(file: SourceFile) -> None:
    """Raise SourceNotReady if size or time of the file change while its bytes are read once.

    `content_hash` looks just as closely; whoever needs the hash anyway need not call this.
    """
    file.content_hash()


def _file_system(location: str) -> fsspec.AbstractFileSystem:
    return url_to_fs(location)[0]


def _missing(path: str, remedy: str) -> FileMissing:
    return FileMissing("There is no such file.", where=path, remedy=remedy)


def _path_of(pattern: str, partition: date | str | None) -> str:
    if isinstance(partition, str):
        return str(PurePosixPath(pattern).parent / partition)
    if "{" not in pattern:
        return pattern
    if partition is None:
        raise ContractError(
            "The path needs a day.", where=pattern, remedy="Declare the feed as `partitions: daily`."
        )
    _day_format(pattern)
    return _PLACEHOLDER.sub(lambda found: partition.strftime(found[1]), pattern)


@cache
def _day_format(pattern: str) -> str:
    """The pattern as one strftime format; raises ContractError for what cannot be turned back into a day."""
    found = _PLACEHOLDER.sub(r"\1", pattern)
    unknown = set(re.findall(r"%.?|[{}]", found)) - _DIRECTIVES.keys()
    if unknown or not _DIRECTIVES.keys() <= set(re.findall("%.", found)):
        raise ContractError(
            "The path does not name one file per day.",
            where=pattern,
            remedy="Write the day as {partition:…} with %Y, %m and %d, such as {partition:%Y/%m/%d}.",
        )
    return found


def _segments(pattern: str) -> list[str | re.Pattern[str]]:
    """The parts of the path: text where it is fixed, an expression where it holds a part of the day."""
    return [
        re.compile("".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in re.split("(%.)", part)))
        if "%" in part
        else part
        for part in _day_format(pattern).split("/")
    ]


def _matches(files: fsspec.AbstractFileSystem, root: str, segments: list[str | re.Pattern[str]]) -> list[str]:
    found = [root]
    for segment in segments:
        if isinstance(segment, str):
            found = [f"{folder}/{segment}" for folder in found]
        else:
            found = [
                path for folder in found for path in _listed(files, folder) if segment.fullmatch(_name(path))
            ]
    return found


def _listed(files: fsspec.AbstractFileSystem, folder: str) -> list[str]:
    try:
        return [str(path) for path in files.ls(folder, detail=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SourceError(
            f"The folder cannot be listed ({error.strerror}).", where=folder, remedy="Check its permissions."
        ) from error


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _day_in(pattern: str, path: str) -> date | None:
    """The day that `path` stands for; None where its digits are no day, such as the 31st of February."""
    expression, directives = _day_expression(pattern)
    found = expression.fullmatch(path)
    if found is None:
        return None
    part = dict(zip(directives, found.groups(), strict=True))
    try:
        day = date(int(part["%Y"]), int(part["%m"]), int(part["%d"]))
    except ValueError:
        return None
    # A day that the path names twice must be the same both times.
    return day if day.strftime(_day_format(pattern)) == path else None


@cache
def _day_expression(pattern: str) -> tuple[re.Pattern[str], list[str]]:
    """What a path of the pattern looks like, with one group for each directive, and these directives."""
    pieces = re.split("(%.)", _day_format(pattern))
    expression = "".join(
        f"({_DIRECTIVES[piece]})" if piece in _DIRECTIVES else re.escape(piece) for piece in pieces
    )
    return re.compile(expression), pieces[1::2]
