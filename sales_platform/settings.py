"""Every environment variable that the platform reads, typed, with its default. None is read elsewhere.

A `.env` file in the working directory is read too; a variable that is set wins over it.
"""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sales_platform.errors import ConfigurationError

# A folder of this machine, or a URL that fsspec reads. A URL stays text: a Path would fold its slashes.
DataFolder = Path | str
SHORTEST_KEY = 16


class Settings(BaseSettings):
    """The settings of one process. `None` for a URL means: the embedded server."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        dotenv_filtering="only_existing",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        frozen=True,
    )

    home: Path = Field(
        Path(".sales_platform"),
        validation_alias="SALES_PLATFORM_HOME",
        description="Folder of everything the platform keeps on this machine.",
    )
    data_root: DataFolder = Field(
        Path("data"),
        validation_alias="SALES_PLATFORM_DATA",
        description="Folder below which the source files lie, or a URL such as s3://bucket/prefix.",
    )
    log_dir: Path | None = Field(
        None, validation_alias="LOG_DIR", description="Folder of the JSON logs; default: logs below the home."
    )
    log_level: str = Field("INFO", validation_alias="LOG_LEVEL", description="Level of the console log.")
    warehouse_url: SecretStr | None = Field(
        None, validation_alias="WAREHOUSE_URL", description="PostgreSQL of the warehouse; default: embedded."
    )
    invoicing_oltp_url: SecretStr | None = Field(
        None,
        validation_alias="INVOICING_OLTP_URL",
        description="Source database of invoicing; default: embedded.",
    )
    accounts_oltp_url: SecretStr | None = Field(
        None,
        validation_alias="ACCOUNTS_OLTP_URL",
        description="Source database of accounts; default: embedded.",
    )
    dagster_pg_url: SecretStr | None = Field(
        None,
        validation_alias="DAGSTER_PG_URL",
        description="PostgreSQL of Dagster's own storage; default: embedded.",
    )
    pg_bin: Path | None = Field(
        None,
        validation_alias="PG_BIN",
        description="Folder of the embedded server's programs; default: the package's, else the system's.",
    )
    time_zone: str = Field(
        "UTC",
        validation_alias="BUSINESS_TIME_ZONE",
        description="Time zone in which a business day is taken.",
    )
    partitions_start: date = Field(
        date(2025, 1, 1),
        validation_alias="PARTITIONS_START",
        description="First day of the daily partitions (YYYY-MM-DD).",
    )
    ui_port: int = Field(
        3000, ge=1, le=65535, validation_alias="SALES_PLATFORM_UI_PORT", description="Port of the Dagster UI."
    )
    port: int = Field(
        8000,
        ge=1,
        le=65535,
        validation_alias="SALES_PLATFORM_PORT",
        description="Port of API and dashboard.",
    )
    api_key: SecretStr | None = Field(
        None,
        validation_alias="API_KEY",
        description="What API and dashboard ask for, a secret; without one they answer on this machine only.",
    )
    allow_missing_invoice_id: bool = Field(
        False,
        validation_alias="ALLOW_MISSING_INVOICE_ID",
        description="Whether a billing line without an invoice id gets a generated one.",
    )
    automation: bool = Field(
        True,
        validation_alias="AUTOMATION",
        description="Whether schedules and sensors are on until someone switches one in the UI.",
    )
    alert_webhook_url: SecretStr | None = Field(
        None,
        validation_alias="ALERT_WEBHOOK_URL",
        description="Where alerts are sent, beside the log; the URL is a secret. Default: the log alone.",
    )
    alert_webhook_format: Literal["slack", "teams"] = Field(
        "slack",
        validation_alias="ALERT_WEBHOOK_FORMAT",
        description="What the webhook reads: slack (also Mattermost), or teams (a Workflows webhook).",
    )
    backup_url: str | None = Field(
        None,
        validation_alias="BACKUP_URL",
        description="Where backups are kept: abfs://container/prefix, or a URL that fsspec writes.",
    )
    restore_url: SecretStr | None = Field(
        None,
        validation_alias="RESTORE_URL",
        description="Database that `backup restore` writes into, where --into is left out.",
    )
    azure_storage_account_name: str | None = Field(
        None, validation_alias="AZURE_STORAGE_ACCOUNT_NAME", description="Storage account of abfs:// backups."
    )
    azure_storage_account_key: SecretStr | None = Field(
        None, validation_alias="AZURE_STORAGE_ACCOUNT_KEY", description="Its key, a secret."
    )
    azure_storage_account: str | None = Field(
        None, validation_alias="AZURE_STORAGE_ACCOUNT", description="Short for AZURE_STORAGE_ACCOUNT_NAME."
    )
    azure_storage_key: SecretStr | None = Field(
        None, validation_alias="AZURE_STORAGE_KEY", description="Short for AZURE_STORAGE_ACCOUNT_KEY."
    )
    azure_storage_sas_token: SecretStr | None = Field(
        None,
        validation_alias="AZURE_STORAGE_SAS_TOKEN",
        description="A shared access signature in place of the key, a secret.",
    )
    azure_storage_connection_string: SecretStr | None = Field(
        None,
        validation_alias="AZURE_STORAGE_CONNECTION_STRING",
        description="Account, key and endpoint in one, in place of those; a secret.",
    )
    azure_storage_blob_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_STORAGE_BLOB_ENDPOINT",
        description="URL of the account where it is not Azure's own, such as Azurite's.",
    )
    lock_timeout_seconds: int = Field(
        60,
        ge=1,
        validation_alias="LOCK_TIMEOUT_SECONDS",
        description="How long a run waits for another one's table.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code gives values by field name, the environment by variable: HOME is not SALES_PLATFORM_HOME."""
        for source in (env_settings, dotenv_settings):
            source.config = SettingsConfigDict(**{**source.config, "populate_by_name": False})
        return init_settings, env_settings, dotenv_settings

    @field_validator("data_root", mode="before")
    @classmethod
    def _folder_or_url(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and "://" not in value else value

    @field_validator("api_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"must have at least {SHORTEST_KEY} characters")
        return value

    @field_validator("alert_webhook_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts and not (parts.scheme in {"http", "https"} and parts.hostname):
            raise ValueError("must be a URL that begins with https:// or http://")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone; write one like Europe/Paris") from error
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        level = value.upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return level

    def switches(self) -> dict[str, bool]:
        """The settings that are on or off, by variable; a contract's `when` names one."""
        return {
            str(field.validation_alias): bool(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if field.annotation is bool
        }

    def source_url(self, name: str) -> str | None:
        """The URL of an OLTP database by the name that a contract uses: <NAME>_OLTP_URL, whatever the name."""
        known: SecretStr | None = getattr(self, f"{name}_oltp_url", None)
        return known.get_secret_value() if known else os.environ.get(f"{name.upper()}_OLTP_URL") or None

    @property
    def data(self) -> Path:
        """The data folder, for whoever writes there. Raises ConfigurationError where it is a URL."""
        if isinstance(self.data_root, Path):
            return self.data_root
        raise ConfigurationError(
            "files are written to a folder of this machine only, and this is a URL.",
            where="SALES_PLATFORM_DATA",
            remedy="Set it to a folder for this command, and copy the files.",
        )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def logs(self) -> Path:
        return self.log_dir or self.home / "logs"


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names each wrong variable."""
    return _read(frozenset(os.environ.items()), _dotenv_state())


# Loading the definitions asks a hundred times; nothing is read again until the environment or the file changes.
@lru_cache(maxsize=1)
def _read(_environment: frozenset[tuple[str, str]], _dotenv: tuple[str, int, int] | None) -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{_variable(part['loc'])}: {part['msg']}" for part in error.errors())
        raise ConfigurationError(
            f"a setting is wrong: {faults}.",
            where="environment",
            remedy="Run `sales-platform settings` to see every setting with its source.",
        ) from None


def _dotenv_state() -> tuple[str, int, int] | None:
    """Folder, time and size of the `.env` that would be read."""
    try:
        state = os.stat(".env")
    except OSError:
        return None
    return os.getcwd(), state.st_mtime_ns, state.st_size


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "?"
    field = Settings.model_fields.get(name)
    alias = field.validation_alias if field else name
    return str(alias or name)
