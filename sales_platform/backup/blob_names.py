"""Which names a blob may have, in every store alike, so that a backup can be carried from one to another."""

from __future__ import annotations

from sales_platform.errors import StoreRefused

# Azure's limit, the narrowest but for the parts of a path.
MOST_CHARACTERS = 1024


def checked(name: str) -> str:
    """The name itself. Raises StoreRefused for one that leads elsewhere, or that some store cannot keep."""
    parts = name.split("/")
    if len(name) > MOST_CHARACTERS or not name.isprintable() or "\\" in name:
        raise _refused(name)
    # A hidden part is a store's own; Azure drops dots at the end of a part.
    if any(not part or part.startswith(".") or part.endswith(".") for part in parts):
        raise _refused(name)
    return name


def _refused(name: str) -> StoreRefused:
    return StoreRefused(
        "this cannot be the name of a blob: it is empty, too long, or has a part that is empty, begins or ends with"
        " a dot, or holds a backslash or a control character.",
        where=ascii(name[:MOST_CHARACTERS]),
        remedy="Blobs of backups are named by the platform alone; a file of yours belongs elsewhere.",
    )
