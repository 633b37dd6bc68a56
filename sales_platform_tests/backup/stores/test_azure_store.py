"""Blobs in Azure: what only a container can get wrong."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from dagster_azure.blob import AzureBlobStorageKeyCredential, AzureBlobStorageResource

from sales_platform.backup.azure_store import AzureStore
from sales_platform_tests.azurite import ACCOUNT, CONTAINER, Azurite


def test_stores_of_one_container_do_not_see_each_other(azurite: Azurite) -> None:
    prefix = uuid.uuid4().hex
    here, there = azurite.store(prefix), azurite.store(f"{prefix}-2")
    here.put("a", [b"here"])
    there.put("a", [b"there"])
    assert [(blob.name, blob.length) for blob in here.list("")] == [("a", 4)]
    there.remove("a")
    assert b"".join(here.read("a")) == b"here"


def test_the_service_keeps_the_md5_of_the_whole_blob(azurite: Azurite) -> None:
    prefix, content = uuid.uuid4().hex, b"0123456789" * 900_000
    azurite.store(prefix).put("a", [content])
    properties = azurite.container().get_blob_client(f"{prefix}/a").get_blob_properties()
    assert bytes(properties.content_settings.content_md5 or b"") == hashlib.md5(content).digest()


@pytest.mark.slow
def test_a_client_of_dagsters_own_resource_serves_as_well(azurite: Azurite) -> None:
    resource = AzureBlobStorageResource(
        account_url=f"{azurite.origin}/{ACCOUNT}", credential=AzureBlobStorageKeyCredential(key=azurite.key)
    )
    with resource.get_client() as service:
        store = AzureStore(service.get_container_client(CONTAINER), uuid.uuid4().hex)
        store.put("a", [b"content"])
        assert b"".join(store.read("a")) == b"content"
