"""What pyproject.toml asks for and what constraints.txt pins. Nothing is installed here."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sales_platform_tests.project.compose import ROOT

PROJECT_TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.lstrip().startswith("#")
]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(PROJECT_TEXT)["project"]
    return found


def direct() -> list[Requirement]:
    extras = project()["optional-dependencies"].values()
    return [
        Requirement(text)
        for text in [*project()["dependencies"], *(one for extra in extras for one in extra)]
    ]


def test_the_constraints_name_no_host() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_every_constraint_is_one_exact_version() -> None:
    assert PINS
    assert [str(pin) for pin in PINS if [part.operator for part in pin.specifier] != ["=="]] == []


@pytest.mark.parametrize("wanted", direct(), ids=lambda wanted: wanted.name)
def test_a_direct_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]

    assert pins
    for pin in pins:
        [exact] = pin.specifier
        assert wanted.specifier.contains(exact.version)


@pytest.mark.parametrize("wanted", direct(), ids=lambda wanted: wanted.name)
def test_a_direct_dependency_says_why_it_is_there(wanted: Requirement) -> None:
    lines = [line for line in PROJECT_TEXT.splitlines() if re.match(rf'\s+"{wanted.name}[\[<>=]', line)]

    assert lines
    assert all(re.search(r'",\s+# \S+', line) for line in lines)


def test_the_releases_of_dagster_belong_together() -> None:
    pinned = {pin.name: next(iter(pin.specifier)).version for pin in PINS}

    core = {pinned[name] for name in ("dagster", "dagster-webserver", "dagster-graphql", "dagster-dg-cli")}
    companions = {pinned[name] for name in ("dagster-postgres", "dagster-azure")}

    # a companion of 0.(16 + n).x goes with the core 1.n.x
    assert core == {"1.13.27"}
    assert companions == {"0.29.27"}
