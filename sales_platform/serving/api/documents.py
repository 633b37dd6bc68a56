"""The OpenAPI document: what every answer has in common, examples, and the page that shows it without the network."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from sales_platform.metrics.registry import Registry
from sales_platform.serving.api.problems import MEDIA_TYPE
from sales_platform.serving.api.shapes import Problem

OPENAPI = "/api/openapi.json"
DESCRIPTION = """The figures of the sales platform, read only. Every figure is one metric of the registry, the
same that the dashboard draws. Amounts are decimals written as text; currencies are never added. A day is a business day
of the time zone that answers name; both ends of a range are included. Answers carry `ETag` and `Last-Modified` of the
last load, and `If-None-Match` costs next to nothing. Tables come as CSV too: `format=csv`."""
FILTERED = ("/api/metrics/{name}", "/api/dimensions/{name}", "/api/marts/{name}")

Responses = dict[int | str, dict[str, Any]]


def answers(shape: type[BaseModel], example: object, *, csv: str | None = None) -> Responses:
    """What a route may answer. csv: an example of its other form."""
    content: dict[str, Any] = {"application/json": {"example": example}}
    if csv:
        content["text/csv"] = {"schema": {"type": "string"}, "example": csv}
    return {
        200: {"model": shape, "content": content},
        304: {"description": "Unchanged since the version that the caller has"},
        **problems(400, 401, 404, 414, 429, 500, 503),
    }


def problems(*statuses: int) -> Responses:
    return {status: _problem(status) for status in statuses}


def complete(app: FastAPI, registry: Registry) -> None:
    """Tell of the parameters that no signature has, because every dimension is one, and of no answer that none gets."""
    made = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            for path in FILTERED:
                found = [_filter(one.name, one.title) for one in registry.dimensions.values()]
                document["paths"][path]["get"]["parameters"] += found
            _without_validation_errors(document)
        return made()

    app.openapi = completed  # type: ignore[method-assign]


def _without_validation_errors(document: dict[str, Any]) -> None:
    """FastAPI's own form of them; ours is a 400."""
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _filter(name: str, title: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"{title}: only rows of this value; repeat it for several.",
        "schema": {"type": "array", "items": {"type": "string"}},
    }


def _problem(status: int) -> dict[str, Any]:
    schema = Problem.model_json_schema()
    return {"description": _SAID[status], "content": {MEDIA_TYPE: {"schema": schema}}}


_SAID = {
    400: "A parameter is wrong: which one, and what is allowed",
    401: "The API key is missing or wrong",
    404: "Nothing has this name",
    414: "The URL is too long",
    429: "Too many requests at once",
    500: "An error of the server",
    503: "The warehouse does not answer, took too long, or lacks a mart; `Retry-After` says when to ask again",
}


def add_pages(app: FastAPI) -> None:
    """The document as a page, at `/api/docs` and where the older API had its own."""

    @app.get("/api/docs", include_in_schema=False)
    @app.get("/swagger", include_in_schema=False)
    @app.get("/swagger/", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(request.app.openapi()))


def _page(document: dict[str, Any]) -> str:
    parts = [
        _operation(path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    info = document["info"]
    return _HTML.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=_marked(info["description"]),
        openapi=OPENAPI,
        operations="\n".join(parts),
    )


def _operation(path: str, operation: dict[str, Any]) -> str:
    rows = "".join(map(_parameter, operation.get("parameters", [])))
    table = f"<table><tr><th>parameter<th>what<th>allowed</tr>{rows}</table>" if rows else ""
    link = f'<p><a href="{escape(path)}">open</a></p>' if "{" not in path else ""
    return (
        f"<details><summary><code>GET {escape(path)}</code> {escape(operation.get('summary', ''))}</summary>"
        f"<p>{_marked(operation.get('description', ''))}</p>{link}{table}{_examples(operation)}</details>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    kinds = schema.get("anyOf", [schema])
    allowed = ", ".join(_kind(kind) for kind in kinds if kind.get("type") != "null")
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code><td>{_marked(parameter.get('description', ''))}"
        f"<td>{escape(allowed)}</tr>"
    )


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    bounds = [str(schema[word]) for word in ("minimum", "maximum") if word in schema]
    return " ".join(filter(None, (schema.get("format") or schema.get("type", ""), " to ".join(bounds))))


def _examples(operation: dict[str, Any]) -> str:
    import json

    content = operation["responses"].get("200", {}).get("content", {})
    return "".join(
        f"<p>{escape(media)}</p><pre>{escape(_pretty(json, body['example']))}</pre>"
        for media, body in content.items()
        if "example" in body
    )


def _pretty(json: Any, example: object) -> str:
    return example if isinstance(example, str) else str(json.dumps(example, indent=2, ensure_ascii=False))


def _marked(text: str) -> str:
    """Words between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
details {{ border-top: 1px solid #8888; padding: .5rem 0 }} summary {{ cursor: pointer }}
pre {{ overflow: auto; padding: .75rem; border: 1px solid #8888 }} table {{ border-collapse: collapse }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0 }}
</style></head><body><main><h1>{title} {version}</h1><p>{description}</p>
<p><a href="{openapi}">OpenAPI document</a></p>
{operations}
</main></body></html>"""
