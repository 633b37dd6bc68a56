"""Where the next page of a table begins, in a text that callers hand back and cannot make themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence

from sales_platform.errors import WrongParameter

# Known to this process alone: a cursor is good until the program is started anew.
_KEY = secrets.token_bytes(32)
_SIGNED = 16


def write_cursor(about: str, key: Sequence[object]) -> str:
    """about: the question. key: of the last row that was given."""
    body = json.dumps([str(part) for part in key], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_signature(about, body) + body).decode().rstrip("=")


def read_cursor(about: str, cursor: str) -> list[str]:
    """Raises WrongParameter for what `write_cursor` did not write to the same question."""
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    signature, body = raw[:_SIGNED], raw[_SIGNED:]
    if not hmac.compare_digest(signature, _signature(about, body)):
        raise WrongParameter(
            "cursor: belongs to no page of this question.",
            parameter="cursor",
            remedy="Take `next` of the page before as it is, with the same filters, or begin without a cursor.",
        )
    key: list[str] = json.loads(body)
    return key


def _signature(about: str, body: bytes) -> bytes:
    return hmac.new(_KEY, about.encode() + b"\0" + body, hashlib.sha256).digest()[:_SIGNED]
