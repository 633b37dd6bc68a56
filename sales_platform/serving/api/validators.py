"""ETag and Last-Modified of an answer, from the version of the tables that it is made of; whether a caller has it, or
this server made it before.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from importlib.metadata import version as version_of

from fastapi import Request, Response

from sales_platform.engine.warehouse import Connection
from sales_platform.metrics.registry import FOLDER
from sales_platform.metrics.running import TableVersion, last_changed
from sales_platform.serving.api.answering import json_answer, json_response
from sales_platform.serving.api.kept_answers import KeptAnswers

NOT_MODIFIED = 304


class Validators:
    """headers: for the answer. Weak tags, because the answer may be compressed on its way.

    The version is read before the rows: at worst an answer is newer than its tag, and asked for once more.
    """

    def __init__(self, request: Request, connection: Connection, *tables: str) -> None:
        self._request = request
        self._kept: KeptAnswers = request.app.state.kept_answers
        self.version: TableVersion | None = last_changed(connection, *tables)
        self.headers = {"cache-control": "private, no-cache", "vary": "Accept, Accept-Encoding"}
        if self.version:
            self.headers["etag"] = self._tag(self.version)
            self.headers["last-modified"] = format_datetime(
                self.version.changed_at.astimezone(UTC), usegmt=True
            )

    @property
    def made(self) -> Response | None:
        """The answer without a look at the tables: 304 where the caller has this version, or the one that was kept."""
        if self.version is None:
            return None
        if self._caller_has(self.version):
            return Response(status_code=NOT_MODIFIED, headers=self.headers)
        body = self._kept.find(self.headers["etag"])
        return None if body is None else json_response(body, self.headers)

    def answer(self, content: object) -> Response:
        """The content as JSON, kept for whoever asks the same before a table changes."""
        answer = json_answer(content, self.headers)
        if self.version:
            self._kept.keep(self.headers["etag"], bytes(answer.body))
        return answer

    def _caller_has(self, version: TableVersion) -> bool:
        tags = self._request.headers.get("if-none-match")
        if tags is not None:
            wanted = self.headers["etag"].removeprefix("W/")
            return any(tag.strip().removeprefix("W/") in ("*", wanted) for tag in tags.split(","))
        since = _moment(self._request.headers.get("if-modified-since"))
        return since is not None and version.changed_at.replace(microsecond=0) <= since

    def _tag(self, version: TableVersion) -> str:
        accepted = self._request.headers.get("accept", "")
        url = self._request.url
        # a restored warehouse gives a number once more, but not the moment
        asked = f"{version.number} {version.changed_at} {url.path}?{url.query} {accepted} {_definitions()}"
        return f'W/"{hashlib.sha256(asked.encode()).hexdigest()[:24]}"'


@cache
def _definitions() -> str:
    """Changes with the program and with what a figure is."""
    files = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.yaml")))
    return version_of("sales-platform") + hashlib.sha256(files).hexdigest()


def _moment(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
