"""A blob store that fails: each fault ends as a whole blob or as none, with an error that says what to do."""

from __future__ import annotations

import base64
import logging
import os
import traceback
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from sales_platform.backup.azure_account import Patience, container_client
from sales_platform.backup.azure_store import BLOCK_BYTES, AzureStore
from sales_platform.backup.opening import open_store
from sales_platform.errors import BlobMissing, SalesPlatformError, StoreRefused, StoreUnavailable
from sales_platform_tests.azurite import ACCOUNT, CONTAINER, HASTY, Azurite
from sales_platform_tests.fault_proxy import Fault, FaultProxy, Rule, Status, fault_proxy

BLOCKS = 4
CONTENT = bytes(range(256)) * (BLOCK_BYTES * BLOCKS // 256 - 7)
ATTEMPTS = 1 + HASTY.attempts


def is_block(method: str, path: str) -> bool:
    return method == "PUT" and "comp=block&" in path


def is_join(method: str, path: str) -> bool:
    return method == "PUT" and "comp=blocklist" in path


def is_read(method: str, path: str) -> bool:
    return method == "GET" and "comp=list" not in path


def is_any(method: str, path: str) -> bool:
    return True


class Scene(NamedTuple):
    """store: behind the proxy. direct: the same blobs, past it."""

    azurite: Azurite
    proxy: FaultProxy
    prefix: str
    store: AzureStore
    direct: AzureStore


@pytest.fixture
def scene(azurite: Azurite) -> Iterator[Scene]:
    prefix = uuid.uuid4().hex
    with fault_proxy(azurite.origin) as proxy:
        yield Scene(azurite, proxy, prefix, azurite.store(prefix, proxy.origin), azurite.store(prefix))


def put(store: AzureStore) -> None:
    store.put("a/b.csv", [CONTENT[:BLOCK_BYTES], CONTENT[BLOCK_BYTES:]])


def stored(scene: Scene) -> bytes | None:
    """The whole blob, or None where the store lists none."""
    if not list(scene.direct.list("")):
        return None
    return b"".join(scene.direct.read("a/b.csv"))


DOWN = {
    "down at the first block": Rule(is_block, Fault.RESET),
    "down from the third block on": Rule(is_block, Fault.RESET, skip=2),
    "down at the last request": Rule(is_join, Fault.RESET),
    "busy": Rule(is_block, Status(503, "ServerBusy")),
    "too many requests": Rule(is_block, Status(429, "TooManyRequests", {"Retry-After": "0"})),
    "broken inside": Rule(is_join, Status(500, "InternalError")),
}
PASSING: dict[str, Fault | Status] = {
    "reset": Fault.RESET,
    "answer lost": Fault.ANSWER_LOST,
    "503": Status(503, "ServerBusy"),
    "429": Status(429, "TooManyRequests", {"Retry-After": "0"}),
}


def quick_only(chosen: str, names: Iterable[str]) -> list[Any]:
    """One case of many in the quick tier, the others in the slow one."""
    return [pytest.param(name, marks=() if name == chosen else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", quick_only("down from the third block on", DOWN))
def test_k_05_a_store_that_fails_leaves_no_blob_and_the_next_attempt_makes_it(
    scene: Scene, name: str
) -> None:
    rule = DOWN[name]
    scene.proxy.fail(Rule(rule.chosen, rule.fault, rule.skip))
    with pytest.raises(StoreUnavailable) as caught:
        put(scene.store)
    assert (caught.value.where, "run again" in str(caught.value)) == ("a/b.csv", True)
    assert stored(scene) is None
    scene.proxy.heal()
    put(scene.store)
    assert stored(scene) == CONTENT


@pytest.mark.parametrize("name", quick_only("answer lost", PASSING))
def test_a_fault_that_passes_is_tried_again_and_the_blob_is_whole(scene: Scene, name: str) -> None:
    fault = PASSING[name]
    scene.proxy.fail(Rule(is_block, fault, skip=1, times=1))
    scene.proxy.fail(Rule(is_join, fault, times=1))
    put(scene.store)
    assert stored(scene) == CONTENT
    assert sum("comp=block&" in request for request in scene.proxy.seen) == BLOCKS + 1


@pytest.mark.slow
def test_a_store_that_is_silent_is_given_up(scene: Scene) -> None:
    hurried = Patience(attempts=1, first_pause_seconds=0, growth=0, answer_seconds=0.2)
    scene.proxy.fail(Rule(is_block, Fault.SILENCE))
    with pytest.raises(StoreUnavailable):
        put(scene.azurite.store(scene.prefix, scene.proxy.origin, hurried))
    assert stored(scene) is None


@pytest.mark.slow
def test_attempts_end(scene: Scene) -> None:
    scene.proxy.fail(Rule(is_any, Status(503, "ServerBusy")))
    with pytest.raises(StoreUnavailable):
        list(scene.store.list(""))
    assert len(scene.proxy.seen) == ATTEMPTS
    scene.proxy.heal()
    scene.proxy.fail(Rule(is_any, Status(429, "TooManyRequests")))
    with pytest.raises(StoreUnavailable):
        list(scene.store.list(""))
    assert len(scene.proxy.seen) == ATTEMPTS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status(409, "BlobImmutableDueToPolicy"), StoreRefused),
        (Status(409, "ContainerBeingDeleted"), StoreUnavailable),
        (Status(412, "LeaseIdMissing"), StoreRefused),
        (Status(403, "AuthorizationPermissionMismatch"), StoreRefused),
        (Status(413, "RequestBodyTooLarge"), StoreRefused),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_refusal_is_told_by_its_code_and_not_tried_again(
    scene: Scene, status: Status, kind: type[SalesPlatformError]
) -> None:
    scene.proxy.fail(Rule(is_join, status))
    with pytest.raises(kind, match=status.code):
        put(scene.store)
    assert sum("comp=blocklist" in request for request in scene.proxy.seen) == 1
    assert stored(scene) is None


def test_an_answer_that_is_cut_short_is_read_again_until_attempts_end(scene: Scene) -> None:
    put(scene.direct)
    scene.proxy.fail(Rule(is_read, Fault.CUT, times=1))
    scene.proxy.fail(Rule(is_read, Fault.CUT, skip=2, times=1))
    assert b"".join(scene.store.read("a/b.csv")) == CONTENT
    scene.proxy.fail(Rule(is_read, Fault.CUT, skip=2))
    with pytest.raises(StoreUnavailable):
        list(scene.store.read("a/b.csv"))


@pytest.mark.slow
def test_a_blob_that_changes_while_it_is_read_is_an_error(scene: Scene) -> None:
    put(scene.direct)
    pieces = scene.store.read("a/b.csv")
    next(pieces)
    blob = scene.azurite.container().get_blob_client(f"{scene.prefix}/a/b.csv")
    blob.upload_blob(CONTENT[::-1], overwrite=True)
    with pytest.raises(StoreRefused, match="changed"):
        list(pieces)


def test_a_container_that_is_not_there_is_named_with_the_way_to_make_it(azurite: Azurite) -> None:
    store = AzureStore(azurite.container(name="nowhere"))
    acts = (lambda: store.put("a", [b"x"]), lambda: list(store.list("")), lambda: list(store.read("a")))
    for act in acts:
        with pytest.raises(StoreRefused, match=r"abfs://nowhere.*az storage container create") as caught:
            act()
        assert not isinstance(caught.value, BlobMissing)


@pytest.mark.slow
def test_the_container_of_azurites_own_account_is_made(azurite: Azurite) -> None:
    settings = azurite.settings(
        backup_url="abfs://made-by-us/prefix",
        azure_storage_account_name="devstoreaccount1",
        azure_storage_blob_endpoint=f"{azurite.origin}/devstoreaccount1",
    )
    assert list(open_store(settings).list("")) == []
    store = open_store(settings)
    store.put("a", [b"x"])
    assert [blob.name for blob in store.list("")] == ["a"]


@pytest.mark.parametrize(
    "key",
    [base64.b64encode(os.urandom(64)).decode(), "this is no key"],
    ids=["of another account", "no key at all"],
)
def test_k_30_a_wrong_key_is_refused_and_never_told(
    azurite: Azurite, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = open_store(azurite.settings(azure_storage_account_key=key))
    with pytest.raises(StoreRefused) as caught:
        store.put("a", [b"x"])
    assert caught.value.where == "AZURE_STORAGE_ACCOUNT_KEY"
    assert key not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_k_30_a_shared_signature_opens_the_store_and_is_never_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = generate_container_sas(
        ACCOUNT,
        CONTAINER,
        account_key=scene.azurite.key,
        permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    settings = scene.azurite.settings(
        scene.proxy.origin, azure_storage_account_key=None, azure_storage_sas_token=f"?{token}"
    )
    store = AzureStore(container_client(settings, CONTAINER, patience=HASTY), scene.prefix)
    put(store)
    assert stored(scene) == CONTENT
    scene.proxy.fail(Rule(is_any, Fault.RESET))
    signature = token.partition("sig=")[2].partition("&")[0]
    assert any(signature in request for request in scene.proxy.seen)
    for act in (
        lambda: list(store.read("a/b.csv")),
        lambda: list(store.list("")),
        lambda: store.put("c", [b"x"]),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            act()
        assert signature not in "".join(traceback.format_exception(caught.value)) + caplog.text
