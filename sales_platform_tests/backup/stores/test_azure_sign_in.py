"""Without a key the store is opened by a token of whoever the machine is signed in as; a stand-in gives it here."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from sales_platform.backup.azure_account import container_client
from sales_platform.backup.azure_store import AzureStore
from sales_platform.errors import StoreRefused
from sales_platform_tests.azurite import CONTAINER, HASTY, Azurite, running_azurite

pytestmark = pytest.mark.slow


@pytest.fixture
def with_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azurite]:
    """An Azurite that takes tokens, which it does behind TLS only, with a certificate of its own."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    whose = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([program, "req", *kind, *whose, *made], check=True, capture_output=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    options = ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    with running_azurite(*options, scheme="https") as running:
        running.container().create_container()
        yield running


class SignedIn:
    """Gives tokens as an Entra tenant would, unsigned; counts how often it is asked."""

    def __init__(self, audience: str = "https://storage.azure.com") -> None:
        self.asked: list[str] = []
        self._audience = audience

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += scopes
        now = int(time.time())
        claims = {
            "aud": self._audience,
            "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        parts = [{"alg": "RS256", "typ": "JWT"}, claims, "no signature"]
        coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        return AccessToken(b".".join(coded).decode(), now + 3600)


class SignedOut:
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("no account: secret details")


def store(azurite: Azurite, credential: Any) -> AzureStore:
    settings = azurite.settings(azure_storage_account_key=None)
    return AzureStore(container_client(settings, CONTAINER, patience=HASTY, credential=credential))


def test_a_token_opens_the_store(with_tls: Azurite) -> None:
    signed_in = SignedIn()
    backups = store(with_tls, signed_in)
    backups.put("a/b", [b"content"])
    assert b"".join(backups.read("a/b")) == b"content"
    assert set(signed_in.asked) == {"https://storage.azure.com/.default"}


def test_who_is_not_signed_in_or_has_another_token_is_refused(with_tls: Azurite) -> None:
    for credential in (SignedOut(), SignedIn(audience="https://elsewhere.example")):
        with pytest.raises(StoreRefused) as caught:
            store(with_tls, credential).put("a", [b"x"])
        assert "secret details" not in str(caught.value)
