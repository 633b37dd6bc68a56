"""Backups behind any other URL that fsspec writes, such as s3://bucket/prefix. Azure and folders have better stores."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from fsspec import AbstractFileSystem

from sales_platform.backup.blob_names import checked
from sales_platform.backup.blocks import blocks
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.store import Store, StoredBlob
from sales_platform.engine.file_systems import opened
from sales_platform.errors import (
    BlobExists,
    BlobMissing,
    ConfigurationError,
    SalesPlatformError,
    StoreRefused,
    StoreUnavailable,
)
from sales_platform.logs import mask

BLOCK_BYTES = 5 << 20


def open_url(url: str) -> Store:
    """The store of a URL.

    Raises ConfigurationError for a kind that nothing here can reach, StoreUnavailable where a kind that is asked at
    once, such as ftp://, does not answer.
    """
    if url.startswith("file://"):
        return FileStore(Path(unquote(urlsplit(url).path)))
    try:
        files, root = opened(url)
    except ConfigurationError as error:
        raise ConfigurationError(
            error.what,
            where="BACKUP_URL",
            remedy="Write abfs://container/prefix, or install the package of the URL's kind: s3:// needs"
            " `sales-platform[s3]`.",
        ) from error
    except OSError as error:
        raise StoreUnavailable(
            f"{mask(url)} does not answer ({type(error).__name__}).",
            where="BACKUP_URL",
            remedy="Check the network and the URL, then run again.",
        ) from None
    return UrlStore(url, files, root)


class UrlStore:
    """Blobs as files of an fsspec file system, each written in a transaction of its own.

    What fsspec reaches has no common way to make a file only where none is. So a name is looked for before it is
    written, which cannot tell two writers apart that come at once.
    """

    creates_exclusively = False

    def __init__(self, url: str, files: AbstractFileSystem, root: str) -> None:
        self._url = url.rstrip("/")
        self._files = files
        self._root = root.rstrip("/")

    @property
    def place(self) -> str:
        return mask(self._url)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        path = self._path(name)
        with self._told(name, "written"):
            if self._files.exists(path):
                raise _taken(name)
            # A transaction belongs to a whole file system, and other blobs are written at the same time.
            files = type(self._files)(**self._files.storage_options, skip_instance_cache=True)
            file = _begun(files, path)
        try:
            for block in blocks(pieces, BLOCK_BYTES):
                with self._told(name, "written"):
                    file.write(block)
            with self._told(name, "written"):
                file.close()
                files.transaction.complete(commit=True)
        except BaseException:
            _give_up(files, file)
            raise

    def read(self, name: str) -> Iterator[bytes]:
        path = self._path(name)
        with self._told(name, "read"), self._files.open(path, "rb", block_size=BLOCK_BYTES) as file:
            while piece := file.read(BLOCK_BYTES):
                yield piece

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        folder = prefix.rpartition("/")[0]
        with self._told(prefix, "listed"):
            found = self._files.find(f"{self._root}/{folder}".rstrip("/"), detail=True)
        blobs = (
            StoredBlob(path.removeprefix(f"{self._root}/"), info["size"]) for path, info in found.items()
        )
        yield from sorted(
            (blob for blob in blobs if blob.name.startswith(prefix)), key=lambda blob: blob.name
        )

    def remove(self, name: str) -> None:
        path = self._path(name)
        with self._told(name, "removed"):
            if self._files.exists(path):
                self._files.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"

    @contextmanager
    def _told(self, name: str, done: str) -> Iterator[None]:
        """What a storage raises, as an error that names the blob; its own words may hold what it was sent."""
        try:
            yield
        except SalesPlatformError:
            raise
        except Exception as error:  # each kind of storage has a tree of errors of its own
            raise self._translated(error, name, done) from None

    def _translated(self, error: Exception, name: str, done: str) -> SalesPlatformError:
        reason = type(error).__name__
        if isinstance(error, FileExistsError):
            return _taken(name)
        if isinstance(error, FileNotFoundError | IsADirectoryError) and done == "read":
            return BlobMissing(
                f"there is no such blob in {self.place}.",
                where=name,
                remedy="`sales-platform backup list` shows what there is.",
            )
        if _may_pass(error):
            return StoreUnavailable(
                f"it cannot be {done}: {self.place} does not answer ({reason}).",
                where=name,
                remedy="Check the network and BACKUP_URL, then run again.",
            )
        return StoreRefused(
            f"it cannot be {done}: {self.place} refuses ({reason}).",
            where=name,
            remedy="Check that the bucket is there, and that its credentials may read, write and list.",
        )


def _begun(files: AbstractFileSystem, path: str) -> BinaryIO:
    files.start_transaction()
    return cast(BinaryIO, files.open(path, "wb", block_size=BLOCK_BYTES))


def _give_up(files: AbstractFileSystem, file: BinaryIO) -> None:
    # Whatever fails now leaves parts that nobody sees, and would hide why the blob was given up.
    with suppress(Exception):
        files.transaction.complete(commit=False)
    # Else the file would still try to send the rest of its buffer when it is forgotten.
    with suppress(AttributeError):
        file.closed = True  # type: ignore[misc]


def _taken(name: str) -> BlobExists:
    return BlobExists(
        "a blob of this name is there already, and none is overwritten.",
        where=name,
        remedy="Make a new backup; it gets names of its own.",
    )


def _may_pass(error: Exception) -> bool:
    kinds = ("Connect", "Timeout")
    if any(kind in ancestor.__name__ for ancestor in type(error).__mro__ for kind in kinds):
        return True
    # How s3fs names a service that asks to slow down.
    return isinstance(error, OSError) and error.errno in {errno.EBUSY, errno.ETIMEDOUT}
