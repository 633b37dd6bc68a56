"""Reading docker-compose.yml as a container engine would. No processes and no judgement here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")

Service = dict[str, Any]


def read_compose() -> dict[str, Any]:
    """The file with its anchors merged and its variables still in place."""
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def fill_in(value: Any, environment: Mapping[str, str]) -> Any:
    """`value` with every variable replaced. Raises KeyError for one that must be set and is not."""
    if isinstance(value, dict):
        return {key: fill_in(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [fill_in(part, environment) for part in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value_of(found, environment), value)
    return value


def _value_of(found: re.Match[str], environment: Mapping[str, str]) -> str:
    given = environment.get(found["name"])
    if given:
        return given
    if found["kind"] == "?":
        raise KeyError(found["text"])
    return found["text"] or ""


def variables(content: Any) -> dict[str, bool]:
    """Every variable that the file reads, and whether it must be set."""
    found: dict[str, bool] = {}
    for match in VARIABLE.finditer(yaml.safe_dump(content, width=10_000)):
        found[match["name"]] = found.get(match["name"], False) or match["kind"] == "?"
    return found


def ours(content: Mapping[str, Any]) -> dict[str, Service]:
    """The services built from our image, each after those that it waits for."""
    services: dict[str, Service] = content["services"]
    waits = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    return {
        name: services[name]
        for name in TopologicalSorter(waits).static_order()
        if services[name].get("build") == "."
    }
