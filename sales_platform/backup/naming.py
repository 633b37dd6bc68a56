"""Ids of backups and names of their blobs. No I/O."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sales_platform.errors import WrongUse

STARTED = "started.json"
MANIFEST = "manifest.json"
MANIFEST_COPY = "manifest.copy.json"
_TIME = "%Y%m%dT%H%M%S.%fZ"
_BACKUP = re.compile(r"(?P<source>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)/(?P<id>\d{8}T\d{6}\.\d{6}Z)/")
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# a file's name has 255 characters at most nearly everywhere
_LONGEST = 200


def next_id(now: datetime, taken: list[str]) -> str:
    """The time as an id, and later than every id that is taken, even where the clock went back (K-14)."""
    moment = now.astimezone(UTC)
    if taken:
        moment = max(moment, time_of(max(taken)) + timedelta(microseconds=1))
    return moment.strftime(_TIME)


def time_of(backup_id: str) -> datetime:
    return datetime.strptime(backup_id, _TIME).replace(tzinfo=UTC)


def prefix_of(name: str) -> str | None:
    """`<source>/<day>/<id>/` where a blob's name begins so."""
    found = _BACKUP.match(name)
    return found[0] if found else None


def id_of(prefix: str) -> str:
    return prefix.rstrip("/").rpartition("/")[2]


def checked_source(source: str) -> str:
    """Raises WrongUse for a name that cannot be a folder everywhere."""
    if not _SOURCE.fullmatch(source):
        raise WrongUse(
            "the name of a source is made of small letters, digits, _ and -, and begins with a letter.",
            where=ascii(source),
        )
    return source


def data_blob(schema: str, table: str, *, bare: bool, ending: str) -> str:
    """Where the rows of a table lie below their backup; no name leads elsewhere, and no two are alike."""
    name = _encoded(table) if bare else f"{_encoded(schema)}.{_encoded(table)}"
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"raw/{name}.{ending}"


def verified_blob(now: datetime, level: str) -> str:
    return f"verified-{now.astimezone(UTC).strftime(_TIME)}-{level}.json"


def verified_as(name: str) -> tuple[datetime, str] | None:
    """When and how, from the name of such a blob below its backup."""
    found = re.fullmatch(r"verified-(\d{8}T\d{6}\.\d{6}Z)-([a-z]+)\.json", name)
    return (time_of(found[1]), found[2]) if found else None


def _encoded(name: str) -> str:
    # a dot divides schema and table, a tilde the hash of a long name
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
