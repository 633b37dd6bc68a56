"""What a backup needs of the place that keeps it: blobs that are written once. No store's own words stand here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StoredBlob:
    """A blob by its name below the store's root, parts divided by `/`, and its length in bytes."""

    name: str
    length: int


class Store(Protocol):
    """A container, or a folder. Methods raise StoreUnavailable for what may pass, StoreRefused for what will not.

    Several threads may use one store at once. What the pieces of a blob raise is passed on as it is.
    """

    @property
    def place(self) -> str:
        """Where it is, for people: never with a key, a signature or a password."""
        ...

    @property
    def creates_exclusively(self) -> bool:
        """Whether the store itself refuses a name that is taken, even when two writers come at once."""
        ...

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a blob whole or not at all, from pieces of any size, with flat memory. Raises BlobExists."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """The blob in pieces of some megabytes at most. Raises BlobMissing before the first."""
        ...

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        """The blobs whose names begin with the prefix, in the order of their names."""
        ...

    def remove(self, name: str) -> None:
        """Take a blob away; none of that name is no error. Only remains of a backup that never was are removed."""
        ...
