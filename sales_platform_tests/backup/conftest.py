"""What tests of backups share: one Azurite for each worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sales_platform_tests.azurite import Azurite, running_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running
