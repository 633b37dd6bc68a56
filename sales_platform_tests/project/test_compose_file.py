"""What docker-compose.yml, Dockerfile and .dockerignore say. Whether the services work: test_compose.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sales_platform_tests.project.compose import ROOT, fill_in, ours, read_compose, variables

PASSWORDS = {
    "POSTGRES_PASSWORD": "a",
    "SALES_PLATFORM_PASSWORD": "b",
    "AZURE_STORAGE_ACCOUNT_KEY": "c",
    "API_KEY": "d",
}
SCHEMA = json.loads((Path(__file__).parent / "compose.schema.json").read_text(encoding="utf-8"))


def filled() -> dict[str, Any]:
    content = fill_in(read_compose(), PASSWORDS)
    assert isinstance(content, dict)
    return content


def test_the_compose_file_keeps_to_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    jsonschema.Draft202012Validator(SCHEMA).validate(filled())


@pytest.mark.parametrize(
    ("word", "value"),
    [("command", "sales-platform migrate"), ("ports", ["3000"]), ("privileged", True), ("restart", False)],
)
def test_the_schema_refuses_a_service_that_an_engine_would_misread(word: str, value: object) -> None:
    content = filled()
    content["services"]["code"][word] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(content)


@pytest.mark.parametrize("missing", sorted(PASSWORDS))
def test_a_password_that_is_not_set_stops_compose_with_its_name(missing: str) -> None:
    given = {name: value for name, value in PASSWORDS.items() if name != missing}

    with pytest.raises(KeyError, match=missing):
        fill_in(read_compose(), given)


def test_no_secret_stands_in_the_compose_file() -> None:
    for service in read_compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or name in {"AZURE_STORAGE_ACCOUNT_KEY", "AZURITE_ACCOUNTS"}:
                assert re.fullmatch(r"(devstoreaccount1:)?\$\{[A-Z_]+:\?[^}]+\}", value)
            assert not re.search(r"://[^/@]*:[^/@]+@", value)


def test_every_port_is_published_on_loopback_only() -> None:
    published = [port for service in filled()["services"].values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_blob_store_is_reached_only_by_who_makes_backups() -> None:
    services = filled()["services"]

    joined = {name for name, service in services.items() if "backups" in service.get("networks", [])}

    assert joined == {"azurite", "code", "daemon"}
    assert services["azurite"]["networks"] == ["backups"]


def test_the_blob_store_is_the_one_that_the_tests_talk_to() -> None:
    installed = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["azurite"]
    service = filled()["services"]["azurite"]
    recipe = (ROOT / service["build"]["dockerfile"]).read_text(encoding="utf-8")

    assert service["image"].endswith(f"-azurite:{installed}")
    assert "COPY package.json package-lock.json .npmrc ./" in recipe
    assert "npm ci" in recipe


def test_every_lasting_service_has_a_health_check_and_comes_back() -> None:
    services = filled()["services"]

    lasting = {name: service for name, service in services.items() if service["restart"] != "no"}

    assert set(services) - set(lasting) == {"migrate"}
    assert all("healthcheck" in service for service in lasting.values())


def test_nothing_of_ours_starts_before_the_migrations_are_done() -> None:
    services = ours(filled())

    assert list(services)[:2] == ["migrate", "code"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["code"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["webserver"]["depends_on"]["code"] == {"condition": "service_healthy"}
    assert services["daemon"]["depends_on"]["code"] == {"condition": "service_healthy"}


def test_our_services_hold_no_privileges() -> None:
    for service in ours(filled()).values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_named_volume_is_declared_and_used() -> None:
    content = filled()
    mounts = [mount for service in content["services"].values() for mount in service.get("volumes", [])]

    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}

    assert named == set(content["volumes"])


def test_what_compose_mounts_from_the_checkout_is_there() -> None:
    mounts = [mount for service in filled()["services"].values() for mount in service.get("volumes", [])]

    for mount in mounts:
        if mount.startswith("./"):
            assert (ROOT / mount.split(":")[0]).is_dir()


def test_the_containers_reach_the_code_location_by_its_service_name() -> None:
    workspace = yaml.safe_load((ROOT / "docker" / "workspace.yaml").read_text(encoding="utf-8"))
    [location] = [entry["grpc_server"] for entry in workspace["load_from"]]
    code = filled()["services"]["code"]

    assert location["host"] == "code"
    assert str(location["port"]) == code["command"][code["command"].index("--port") + 1]


def test_every_variable_of_compose_stands_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    documented = set(re.findall(r"^# ([A-Z_]+)=", example, flags=re.MULTILINE))

    assert set(variables(read_compose())) <= documented


def test_the_image_runs_without_root_and_without_secrets() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    users = [line.split()[1] for line in lines if line.startswith("USER ")]

    assert users == ["sales_platform"]
    assert not [line for line in lines if re.search(r"PASSWORD|SECRET|TOKEN", line)]


def test_a_volume_can_be_written_by_the_account_of_the_image() -> None:
    [owned] = re.findall(
        r"install --directory --owner sales_platform [^\n]*\n((?: +/[^\n]*\n)+)",
        (ROOT / "Dockerfile").read_text(),
    )
    mounts = [mount for service in ours(filled()).values() for mount in service.get("volumes", [])]

    written = {mount.split(":")[1] for mount in mounts if not mount.endswith(":ro")}

    assert written
    assert written <= set(owned.split())


def test_the_image_holds_only_what_is_named() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")]

    assert "*" in rules
    assert not {".env", ".git", ".sales_platform", "data"} & set(allowed)
    for name in re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE):
        for source in name.split():
            assert source == "." or any(source == rule or source.startswith(f"{rule}/") for rule in allowed)
