"""What the commands of backups do: which databases, which backup is meant, and what is told of several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from sales_platform.backup.file_store import FileStore
from sales_platform.backup.several import back_up, newest, newest_verified
from sales_platform.backup.verifying import note_verified
from sales_platform.errors import Incomplete, RestoreRefused, WrongUse
from sales_platform.operations.backing_up import (
    Which,
    as_roles,
    as_time,
    create,
    list_all,
    rehearse_some,
    restore_into,
    verify_some,
)
from sales_platform.settings import Settings

Session = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def kept(accounts: Session, warehouse_url: str, tmp_path: Path) -> Settings:
    """Settings over the accounts source and an empty warehouse, with one backup of accounts."""
    settings = Settings(home=tmp_path / "home", warehouse_url=SecretStr(warehouse_url))
    done = create(settings, "accounts")
    assert done.error is None
    assert [(one.source, one.tables, one.rows) for one in done.backups] == [("accounts", 3, 9)]
    return settings


def test_a_backup_is_listed_verified_rehearsed_and_restored_where_it_was_told(
    kept: Settings, accounts: Session, warehouse_url: str
) -> None:
    (backup,) = list_all(kept).backups
    assert (backup.restorable, backup.verified_as) == (True, None)

    (quick,) = verify_some(kept, quick=True)
    assert (quick.read, quick.problem) == (False, None)
    assert list_all(kept).backups[0].verified_as is None
    (deep,) = verify_some(kept)
    assert (deep.read, deep.problem, deep.size) == (True, None, backup.size)
    (proof,) = rehearse_some(kept, "latest", "accounts")
    assert (proof.problem, proof.rows) == (None, 9)
    assert list_all(kept).backups[0].verified_as == "restored"

    # the URL in the setting alone, so that none stands on a command line; with SQLAlchemy's driver in it
    target = SecretStr(warehouse_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    done = restore_into(kept.model_copy(update={"restore_url": target}), Which(backup.id), None)
    assert (sorted(done.restored.tables), done.restored.rows) == (
        ["accounts.accounts", "accounts.customers", "accounts.transactions"],
        9,
    )
    query = "select sum(balance), count(*) from accounts.accounts"
    with psycopg.connect(warehouse_url) as restored:
        assert restored.execute(query).fetchone() == accounts.execute(query).fetchone()
    with pytest.raises(RestoreRefused, match="not empty"):
        restore_into(kept, Which(), warehouse_url)
    with psycopg.connect(warehouse_url) as server:
        left = "select count(*) from pg_database where datname like 'sales_platform_rehearsal%'"
        assert server.execute(left).fetchone() == (0,)


def test_what_is_not_clear_is_asked_and_never_guessed(kept: Settings) -> None:
    assert create(kept, "warehouse").error is None

    with pytest.raises(WrongUse, match=r"which source\? There are accounts, warehouse"):
        restore_into(kept, Which(), "postgresql://host/never_asked")
    with pytest.raises(WrongUse, match="needs no time"):
        restore_into(kept, Which("20260101T000000.000000Z", at=datetime.now(UTC)), "postgresql://host/x")
    with pytest.raises(WrongUse, match="RESTORE_URL"):
        restore_into(kept, Which(), None)
    with pytest.raises(WrongUse, match="tables belong to a source"):
        create(kept, tables=["customers"])
    with pytest.raises(WrongUse, match="accounts, invoicing, warehouse"):
        create(kept, "retail")
    with pytest.raises(WrongUse, match="no complete backup"):
        verify_some(kept, source="invoicing")


def test_k_29_databases_that_cannot_be_backed_up_are_named_and_hold_up_no_other(
    kept: Settings, database_url: str
) -> None:
    broken = kept.model_copy(
        update={
            "accounts_oltp_url": SecretStr(f"{database_url}_is_not_there"),
            "invoicing_oltp_url": SecretStr(database_url),
        }
    )

    done = create(broken)

    assert [one.source for one in done.backups] == ["invoicing", "warehouse"]
    assert isinstance(done.error, Incomplete)
    assert "2 of 3 databases were backed up. accounts: " in str(done.error)


def test_a_retry_keeps_what_the_first_try_has_made(kept: Settings, database_url: str) -> None:
    store = FileStore(kept.home / "backups")
    first = newest(store, "accounts")
    assert first is not None

    begun = first.manifest.made_at
    again = back_up(store, {"accounts": lambda: database_url}, unless_since=begun)
    assert [one.id for one in again.backups] == [first.id]

    later = back_up(store, {"accounts": lambda: database_url}, unless_since=begun + timedelta(hours=1))
    assert [one.id for one in later.backups] != [first.id]
    # looked at in its lengths or found damaged, a backup proves nothing; read back, it counts until damage is found
    assert newest_verified(store, "accounts") is None
    note_verified(store, first, "deep")
    assert newest_verified(store, "accounts") == first.manifest.made_at
    note_verified(store, first, "damaged")
    assert newest_verified(store, "accounts") is None


def test_times_and_roles_are_read_as_they_are_written() -> None:
    assert as_time("2026-11-21T03:00") == datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert as_time("2026-11-21T03:00+01:00") == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert as_roles(["a=b", "c=d"]) == {"a": "b", "c": "d"}
    with pytest.raises(WrongUse, match="no time"):
        as_time("yesterday")
    with pytest.raises(WrongUse, match="old=new"):
        as_roles(["a"])
