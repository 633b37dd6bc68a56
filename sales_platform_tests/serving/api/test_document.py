"""The OpenAPI document: complete, with examples that hold, and no request made from it brings a 5xx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sales_platform_tests.serving.api.conftest import HERE

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6


def test_every_answer_is_described_with_an_example_that_fits(api: TestClient) -> None:
    document = api.get("/api/openapi.json").json()
    operations = [one for methods in document["paths"].values() for one in methods.values()]

    assert len(operations) == 17
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        answer = operation["responses"]["200"]["content"]["application/json"]
        schema = {**answer["schema"], "components": document["components"]}
        jsonschema.validate(answer["example"], schema)
        assert "application/problem+json" in operation["responses"]["400"]["content"]
        assert "422" not in operation["responses"]
    filters = document["paths"]["/api/metrics/{name}"]["get"]["parameters"]
    assert {"channel", "city", "from", "to", "grain", "by", "compare"} <= {one["name"] for one in filters}


def test_the_document_is_readable_where_the_older_one_was(api: TestClient) -> None:
    for path in ("/api/docs", "/swagger/", "/swagger"):
        page = api.get(path)
        assert "/api/metrics/{name}" in page.text
        assert "payment_volume" in page.text
        assert "<script" not in page.text
        assert "://" not in page.text
    assert api.get("/api").headers["location"] == "/api/docs"


# Schemathesis draws by `random`; with `derandomize` that is seeded too.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_requests_made_up_from_the_document_never_bring_a_5xx(api: TestClient, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(api.get("/api/openapi.json").json())
    asked = 0
    for path in schema:
        operation = schema[path]["GET"]
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue  # nothing that can be wrong
        ask = given(case=operation.as_strategy(generation_mode=mode))(_judge(api))
        settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
        )(ask)()
        asked += 1
    assert asked > 8


def _judge(api: TestClient) -> Callable[..., None]:
    def judge(case: Any) -> None:
        case.validate_response(case.call(HERE, app=api.app), checks=CHECKS)

    return judge
