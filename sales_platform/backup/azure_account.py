"""The client of a storage account, from the settings: whose key, which endpoint, how patient. It sends nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.transport import HttpRequest, HttpResponse, RequestsTransport
from azure.storage.blob import ContainerClient, ExponentialRetry

from sales_platform.backup.azure_errors import TOO_MANY_REQUESTS
from sales_platform.errors import ConfigurationError
from sales_platform.settings import Settings

# Of Azurite, and public: its container may be made without asking.
DEVELOPMENT_ACCOUNT = "devstoreaccount1"
# The client holds about eleven of them while it reads.
_CHUNK_BYTES = 2 << 20
LONGEST_PAUSE_SECONDS = 60


@dataclass(frozen=True)
class Patience:
    """How long a request is tried again before it is an error.

    With four attempts more the growing pauses are 35 seconds together, which outlasts a restart of the store.
    answer_seconds: silence after which an attempt has failed.
    """

    attempts: int = 4
    first_pause_seconds: int = 1
    growth: int = 2
    answer_seconds: float = 60


def container_client(
    settings: Settings,
    container: str,
    *,
    patience: Patience | None = None,
    credential: TokenCredential | None = None,
) -> ContainerClient:
    """A client of the container, by the connection string, else the key, else the SAS, else who the machine is.

    credential: stands in for who the machine is. Raises ConfigurationError where the account or its form is wrong.
    """
    options = client_options(patience or Patience())
    whole = settings.azure_storage_connection_string
    if whole:
        return _from_connection_string(whole.get_secret_value(), container, options)
    try:
        endpoint = _endpoint(settings)
        return ContainerClient(
            endpoint, container, credential=_credential(settings, endpoint, credential), **options
        )
    except ValueError:
        raise ConfigurationError(
            "the storage account has no URL that a client could use.",
            where="AZURE_STORAGE_BLOB_ENDPOINT",
            remedy="Write it like https://account.blob.core.windows.net or http://127.0.0.1:10000/account.",
        ) from None


def client_options(patience: Patience) -> dict[str, Any]:
    """What any client of the SDK is made with, so that it retries and reads as backups need it."""
    return {
        "retry_policy": _PatientRetry(patience),
        "transport": _WholeAnswers(
            connection_timeout=min(10, patience.answer_seconds),
            read_timeout=patience.answer_seconds,
            connection_data_block_size=_CHUNK_BYTES,
        ),
        "max_single_get_size": _CHUNK_BYTES,
        "max_chunk_get_size": _CHUNK_BYTES,
    }


def is_development(client: ContainerClient) -> bool:
    return DEVELOPMENT_ACCOUNT in (client.account_name, urlsplit(client.url).path.split("/")[1])


def _from_connection_string(text: str, container: str, options: dict[str, Any]) -> ContainerClient:
    try:
        return ContainerClient.from_connection_string(text, container, **options)
    except ValueError:
        # The parser's own words may quote the string.
        raise ConfigurationError(
            "the connection string cannot be read.",
            where="AZURE_STORAGE_CONNECTION_STRING",
            remedy="Copy it anew from the account's access keys; it begins with DefaultEndpointsProtocol=.",
        ) from None


def _account(settings: Settings) -> str:
    name = settings.azure_storage_account_name or settings.azure_storage_account
    if name:
        return name
    raise ConfigurationError(
        "BACKUP_URL means Azure, but no storage account is named.",
        where="AZURE_STORAGE_ACCOUNT_NAME",
        remedy="Set it, or AZURE_STORAGE_CONNECTION_STRING.",
    )


def _endpoint(settings: Settings) -> str:
    return settings.azure_storage_blob_endpoint or f"https://{_account(settings)}.blob.core.windows.net"


def _credential(
    settings: Settings, endpoint: str, stand_in: TokenCredential | None
) -> AzureNamedKeyCredential | AzureSasCredential | TokenCredential:
    key = settings.azure_storage_account_key or settings.azure_storage_key
    if key:
        return AzureNamedKeyCredential(_account(settings), key.get_secret_value())
    if settings.azure_storage_sas_token:
        return AzureSasCredential(settings.azure_storage_sas_token.get_secret_value().lstrip("?"))
    if not endpoint.startswith("https://"):
        raise ConfigurationError(
            "without a key the machine's own sign-in is sent, and that is never sent without TLS.",
            where="AZURE_STORAGE_BLOB_ENDPOINT",
            remedy="Write an https:// endpoint, or set AZURE_STORAGE_ACCOUNT_KEY.",
        )
    if stand_in:
        return stand_in
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


class _PatientRetry(ExponentialRetry):
    """The client's own retries, and one case that they leave out: a service that asks to be left alone for a while."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        super().__init__(
            initial_backoff=patience.first_pause_seconds,
            increment_base=patience.growth,
            retry_total=patience.attempts,
            retry_connect=patience.attempts,
            retry_read=patience.attempts,
            retry_status=patience.attempts,
            random_jitter_range=patience.first_pause_seconds,
        )

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response: PipelineResponse[Any, Any] = super().send(request)  # type: ignore[no-untyped-call]
        for attempt in range(self._patience.attempts):
            answer = response.http_response
            if answer.status_code != TOO_MANY_REQUESTS:
                break
            wished = answer.headers.get("Retry-After", "")
            pause = int(wished) if wished.isdigit() else self._pause(attempt)
            time.sleep(min(pause, LONGEST_PAUSE_SECONDS))
            response = super().send(request)  # type: ignore[no-untyped-call]
        return response

    def _pause(self, attempt: int) -> int:
        return self._patience.first_pause_seconds * int(self._patience.growth**attempt)


class _WholeAnswers(RequestsTransport):  # type: ignore[misc]
    """Reads an answer to its end where the client does so anyway, to compare it with its checksum.

    The client does it where a connection that breaks is no longer seen as its own error, and so not tried again.
    """

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().send(request, **kwargs)
        if "x-ms-range-get-content-md5" in request.headers:
            try:
                response.body()
            except OSError as error:
                raise ServiceResponseError("the answer broke off", error=error) from error
        return response
