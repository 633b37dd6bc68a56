"""Posting a text to a chat's webhook: the JSON that each chat reads, and one careful request. When to post is not
decided here.

The path of a webhook's URL is its password, so no message of an error repeats it.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

from sales_platform.errors import TransientError

TIMEOUT_SECONDS = 5.0


class AlertNotTaken(TransientError):
    """The receiver of alerts did not take one; it is sent again."""


def slack_body(text: str) -> dict[str, Any]:
    """What an incoming webhook of Slack or Mattermost reads. Slack's three control characters are escaped, so that no
    text becomes a link or calls a whole channel.
    """
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def teams_body(text: str) -> dict[str, Any]:
    """What a Workflows webhook of Teams reads: an adaptive card. A text run is not read as Markdown."""
    run = {"type": "TextRun", "text": text}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": [run]}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


BODIES = {"slack": slack_body, "teams": teams_body}


def post(url: str, body: Mapping[str, Any], *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Post JSON. Raises AlertNotTaken unless the answer is a success; a redirect is not followed."""
    try:
        request = urllib.request.Request(
            url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with _OPENER.open(request, timeout=timeout_seconds):
            return
    except urllib.error.HTTPError as error:
        why = f"it answered {error.code}"
        error.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        why = f"it could not be reached ({type(cause).__name__})"
    raise AlertNotTaken(
        f"the receiver of alerts took none: {why}.",
        where="ALERT_WEBHOOK_URL",
        remedy="It is tried again; check the URL if this goes on.",
    ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the alert to a host that nobody named."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)
