"""What doctor finds, on real servers and folders."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from sales_platform.local.processes import LOOPBACK
from sales_platform.operations.doctor import Finding, examine, healthy
from sales_platform.settings import Settings


@pytest.fixture
def sound(settings: Settings, database_url: str) -> Settings:
    """Settings under which every database is external, so that no server is started."""
    other = SecretStr(database_url)
    settings.data.mkdir()
    return settings.model_copy(
        update={"dagster_pg_url": other, "invoicing_oltp_url": other, "accounts_oltp_url": other}
    )


def named(findings: list[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def test_a_sound_machine_is_healthy(sound: Settings) -> None:
    findings = examine(sound)

    assert healthy(findings)
    assert named(findings, "warehouse").state == "ok"
    assert "PostgreSQL" in named(findings, "warehouse").what


def test_a_server_that_is_down_fails_with_a_remedy_and_the_others_are_still_tried(sound: Settings) -> None:
    down = SecretStr("postgresql://u:secret@127.0.0.1:1/warehouse")

    findings = examine(sound.model_copy(update={"warehouse_url": down}))

    assert named(findings, "warehouse").state == "failed"
    assert named(findings, "warehouse").remedy
    assert named(findings, "dagster").state == "ok"
    assert not healthy(findings)
    assert "secret" not in str(findings)


def test_a_role_that_may_not_create_is_told_the_grant(sound: Settings, warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url, autocommit=True) as owner:
        role = f"visitor_{owner.info.dbname}"
        owner.execute(sql.SQL("create role {} login password 'guest'").format(sql.Identifier(role)))
        port = owner.info.port
        url = f"postgresql://{role}:guest@127.0.0.1:{port}/{owner.info.dbname}"
        try:
            findings = examine(sound.model_copy(update={"warehouse_url": SecretStr(url)}))
        finally:
            owner.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))

    assert named(findings, "warehouse").state == "failed"
    assert "grant create on database" in str(named(findings, "warehouse").remedy)


def test_an_external_warehouse_without_migrations_is_told_the_command(
    sound: Settings, database_url: str
) -> None:
    findings = examine(sound.model_copy(update={"warehouse_url": SecretStr(database_url)}))

    assert named(findings, "warehouse").remedy == "sales-platform migrate"


def test_a_taken_port_names_the_next_one(sound: Settings) -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        findings = examine(sound.model_copy(update={"ui_port": taken}))

    port = named(findings, "UI port")
    assert port.state == "warning"
    assert str(taken) in port.what


def test_a_missing_data_folder_is_a_warning(sound: Settings, tmp_path: Path) -> None:
    findings = examine(sound.model_copy(update={"data_root": tmp_path / "nowhere"}))

    assert named(findings, "data").state == "warning"
    assert healthy(findings)
