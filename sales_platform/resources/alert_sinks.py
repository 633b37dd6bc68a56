"""Where alerts go, as a Dagster resource: the log, and a webhook where the settings name one. What an alert says, and
when there is one, is decided elsewhere.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import unquote, urlsplit

import dagster as dg
from pydantic import SecretStr

from sales_platform.engine.outbox import Alert
from sales_platform.logs import mask
from sales_platform.resources.webhook import BODIES, TIMEOUT_SECONDS, post
from sales_platform.settings import Settings, load_settings

log = logging.getLogger(__name__)


class AlertSinksResource(dg.ConfigurableResource[Any]):
    """The sinks of the settings ALERT_WEBHOOK_URL and ALERT_WEBHOOK_FORMAT, read when an alert is sent."""

    timeout_seconds: float = TIMEOUT_SECONDS

    def send(self, alert: Alert) -> None:
        """Log an alert at its first try, then post it. Raises AlertNotTaken when the webhook did not take it."""
        settings = load_settings()
        text = without_secrets(alert.text, settings)
        if not alert.tries:
            log.log(logging.ERROR if alert.event == "opened" else logging.INFO, "%s", text)
        if settings.alert_webhook_url:
            body = BODIES[settings.alert_webhook_format](text)
            post(settings.alert_webhook_url.get_secret_value(), body, timeout_seconds=self.timeout_seconds)


def without_secrets(text: str, settings: Settings) -> str:
    """The text without any secret that the settings hold, wherever it stands in it."""
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        text = text.replace(secret, "***")
    return mask(text)


def _secrets(settings: Settings) -> set[str]:
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            url = urlsplit(value.get_secret_value())
            found |= {value.get_secret_value(), url.password or "", unquote(url.password or "")}
    webhook = settings.alert_webhook_url
    if webhook:
        found.add(urlsplit(webhook.get_secret_value()).path.strip("/"))
    return {secret for secret in found if secret}
