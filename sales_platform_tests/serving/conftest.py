"""Warehouses that pages and API read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.serving.loaded import company_copy


@pytest.fixture(scope="module")
def company_url(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    """The owner's URL of a loaded warehouse, for this module alone."""
    yield from company_copy(postgres_server, migrated_template)
