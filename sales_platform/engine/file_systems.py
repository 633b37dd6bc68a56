"""The storage of the source files: a folder of this machine, or whatever fsspec reaches by a URL. Knows no feed and
no name of a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from sales_platform.errors import ConfigurationError, SalesPlatformError, SourceError, SourceNotReady
from sales_platform.settings import DataFolder

# What a remote file reads ahead: its default is sixteen times as much, for each file that is open.
READ_AHEAD_BYTES = 4 << 20
# Size, time of change and version as the kinds of storage call them.
_TRAITS = ("size", "mtime", "created", "LastModified", "last_modified", "updated", "ETag", "etag")


def opened(folder: DataFolder) -> tuple[fsspec.AbstractFileSystem, str]:
    """The storage of a folder or file, and the path by which the storage knows it.

    Raises ConfigurationError for a kind of URL that nothing here can reach.
    """
    location = folder if isinstance(folder, str) else str(folder.resolve())
    try:
        # A sensor that remembers yesterday's listing would see no new file.
        files, path = url_to_fs(location, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        kind = location.partition("://")[0]
        raise ConfigurationError(
            f"files behind {kind}:// cannot be reached ({type(error).__name__}).",
            where="SALES_PLATFORM_DATA",
            remedy="Write a folder, or a URL of fsspec whose package is installed: s3:// needs `sales-platform[s3]`.",
        ) from error
    return files, path.rstrip("/")


def below(folder: DataFolder, path: str) -> str:
    """Where `path` lies, as a message names it."""
    return f"{folder.rstrip('/')}/{path}" if isinstance(folder, str) else str(folder.resolve() / path)


def is_remote(location: str) -> bool:
    return "://" in location


def traits(location: str) -> tuple[object, ...]:
    """What changes when the file does: size, time of change, version."""
    if not is_remote(location):
        found = os.stat(location)
        return found.st_size, found.st_mtime, found.st_ino
    files, path = opened(location)
    info = files.info(path)
    return tuple(info.get(name) for name in _TRAITS)


def stream(location: str) -> BinaryIO:
    """The file's bytes from the first on, in a stream that can be set back."""
    files, path = opened(location)
    return cast(BinaryIO, files.open(path, "rb", block_size=READ_AHEAD_BYTES))


def write(folder: str, path: str, content: bytes) -> None:
    """Put a whole file into remote storage, in one request where the storage knows such."""
    files, place = opened(below(folder, path))
    with named(path, "The file cannot be written"):
        files.pipe_file(place, content)


def listing(files: fsspec.AbstractFileSystem, folder: str) -> list[tuple[str, bool]]:
    """Path and whether it is a file, of everything in a folder; empty for a folder that is not there.

    A sensor lists many folders of this machine at every look, hence the short way.
    """
    with named(folder, "The folder cannot be listed"):
        try:
            if isinstance(files, LocalFileSystem):
                with os.scandir(folder) as entries:
                    return [(entry.path, entry.is_file()) for entry in entries]
            found = files.ls(folder, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
    # Some kinds of storage list a folder, or a file asked for as if it were one, as its own entry.
    named_so = ((str(entry["name"]).rstrip("/"), entry["type"] == "file") for entry in found)
    return [(path, is_file) for path, is_file in named_so if path != folder]


@contextmanager
def named(where: str, what: str) -> Iterator[None]:
    """Turn what a storage raises into an error that names the file; FileNotFoundError is left to the caller.

    Raises SourceNotReady where the storage did not answer, which may pass, and SourceError for anything else.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, SalesPlatformError):
        raise
    except Exception as error:  # each kind of storage has a tree of errors of its own
        if _may_pass(error):
            raise SourceNotReady(
                f"{what}: the storage does not answer ({type(error).__name__}).",
                where=where,
                remedy="Check the network and the URL in SALES_PLATFORM_DATA, then run again.",
            ) from error
        said = error.strerror if isinstance(error, OSError) else None
        raise SourceError(
            f"{what} ({said or type(error).__name__}).",
            where=where,
            remedy="Check its permissions and the disk or storage it lies on.",
        ) from error


def _may_pass(error: Exception) -> bool:
    return any("Connect" in kind.__name__ or "Timeout" in kind.__name__ for kind in type(error).__mro__)
