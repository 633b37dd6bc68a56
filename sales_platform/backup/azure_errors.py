"""What Azure says, in the platform's own errors. Nothing is sent or read here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from sales_platform.errors import BlobExists, BlobMissing, SalesPlatformError, StoreRefused, StoreUnavailable

TOO_MANY_REQUESTS = 429
_MAY_PASS = {408, TOO_MANY_REQUESTS, 500, 502, 503, 504}
# Refusals by their code whose reason goes away without anybody's act.
_CODES_THAT_PASS = {"ContainerBeingDeleted", "AccountBeingCreated", "OperationTimedOut", "ServerBusy"}
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CHANGED = 401, 403, 404, 412


def code_of(error: AzureError) -> str:
    """The service's own name of what went wrong, such as BlobNotFound; empty where no service answered."""
    code = getattr(error, "error_code", None)
    response = getattr(error, "response", None)
    if code is None and response is not None:
        code = response.headers.get("x-ms-error-code")
    return str(getattr(code, "value", code) or "")


@contextmanager
def told(name: str, place: str) -> Iterator[None]:
    """Turn what the client raises into an error that names the blob and the store.

    The cause is left out on purpose: its text holds whole addresses, and with them the signature of a SAS.
    """
    try:
        yield
    except AzureError as error:
        raise _translated(error, name, place) from None
    except OSError as error:  # of the connection, where the client lets it through
        raise _silent(type(error).__name__, name, place) from None


def _translated(error: AzureError, name: str, place: str) -> SalesPlatformError:
    if isinstance(error, HttpResponseError) and error.status_code:
        return _answered(error, error.status_code, name, place)
    if isinstance(error, ClientAuthenticationError):
        return _unknown_caller(type(error).__name__, place)
    if isinstance(error, ServiceRequestError | ServiceResponseError | HttpResponseError):
        return _silent(type(error).__name__, name, place)
    # The one plain AzureError of the client: bytes that arrived differ from their checksum, every time.
    return StoreUnavailable(
        f"what {place} sent or got is not what its checksum says ({type(error).__name__}).",
        where=name,
        remedy="Run again; where it comes back, something on the way changes the bytes: a proxy, a card, memory.",
    )


def _answered(error: HttpResponseError, status: int, name: str, place: str) -> SalesPlatformError:
    code = code_of(error) or f"status {status}"
    if status in _MAY_PASS or code in _CODES_THAT_PASS:
        return _silent(code, name, place)
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return _unknown_caller(code, place)
    if status == _NOT_FOUND:
        return _no_container(place) if code == "ContainerNotFound" else _no_blob(code, name, place)
    if code == "BlobAlreadyExists":
        return exists(name)
    return _refused(code, status, name, place)


def exists(name: str) -> BlobExists:
    return BlobExists(
        "a blob of this name is there already, and none is overwritten.",
        where=name,
        remedy="Make a new backup; it gets names of its own.",
    )


def _silent(reason: str, name: str, place: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{place} does not answer, or asks to come again later ({reason}), after every attempt.",
        where="BACKUP_URL" if name == place else name,
        remedy="Check the network, AZURE_STORAGE_BLOB_ENDPOINT and the account's name, then run again.",
    )


def _refused(code: str, status: int, name: str, place: str) -> StoreRefused:
    if status == _CHANGED:
        return StoreRefused(
            f"the blob in {place} was changed by somebody while it was in use ({code}).",
            where=name,
            remedy="Find out who writes into the backups, then run again.",
        )
    return StoreRefused(
        f"{place} refuses ({code}).",
        where=name,
        remedy="Look the code up among the error codes of Azure's blob storage.",
    )


def _no_blob(code: str, name: str, place: str) -> BlobMissing:
    return BlobMissing(
        f"there is no such blob in {place} ({code}).",
        where=name,
        remedy="`sales-platform backup list` shows what there is.",
    )


def _unknown_caller(reason: str, place: str) -> StoreRefused:
    return StoreRefused(
        f"{place} refuses who asks ({reason}): the key, token or role is wrong, too narrow or out of date.",
        where="AZURE_STORAGE_ACCOUNT_KEY",
        remedy="Check the credential: `sales-platform settings` shows which is set; it must read, write and list.",
    )


def _no_container(place: str) -> StoreRefused:
    return StoreRefused(
        f"the container of {place} is not there, and the platform makes none in an account of yours.",
        where="BACKUP_URL",
        remedy="Correct the name, or make it: `az storage container create --name <container>`.",
    )
