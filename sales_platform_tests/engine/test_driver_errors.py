"""What the driver raises becomes an error of ours, without a value of any row in it."""

from __future__ import annotations

import psycopg
import pytest

from sales_platform.engine.driver_errors import translate, translated
from sales_platform.errors import (
    ConfigurationError,
    DatabaseFailure,
    LockNotAvailable,
    SalesPlatformError,
    ServerUnavailable,
    StorageFull,
    TransientError,
)

KINDS: dict[str, type[SalesPlatformError]] = {
    "53300": ServerUnavailable,
    "55P03": LockNotAvailable,
    "40P01": LockNotAvailable,
    "40001": LockNotAvailable,
    "57014": TransientError,
    "25P03": TransientError,
    "53200": TransientError,
    "53100": StorageFull,
    "58030": StorageFull,
    "3D000": ConfigurationError,
    "42501": ConfigurationError,
}
CLASSES: dict[str, type[SalesPlatformError]] = {"08": ServerUnavailable, "28": ConfigurationError}
STATES = {
    kind.sqlstate: kind
    for kind in vars(psycopg.errors).values()
    if isinstance(kind, type) and issubclass(kind, psycopg.Error) and kind.sqlstate
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_every_sqlstate_has_its_kind_of_error(state: str) -> None:
    expected = KINDS.get(state) or CLASSES.get(state[:2]) or DatabaseFailure
    if state.startswith("57P0"):
        expected = ServerUnavailable
    found = translate(STATES[state](), "raw.retail_sales")
    assert type(found) is expected
    assert found.where == "raw.retail_sales"
    assert state in found.what


@pytest.mark.parametrize(
    "state", [state for state in STATES if state[:2] in {"21", "22", "23", "44", "P0", "XX"}]
)
def test_q_25_what_the_server_says_about_data_is_not_repeated(state: str) -> None:
    assert "jane@example.com" not in str(translate(STATES[state]("jane@example.com"), "raw.retail_sales"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('connection failed: FATAL:  password authentication failed for user "loader"', ConfigurationError),
        ('connection failed: FATAL:  role "loader" does not exist', ConfigurationError),
        ('connection failed: FATAL:  database "warehouse" does not exist', ConfigurationError),
        ("connection failed: FATAL:  sorry, too many clients already", ServerUnavailable),
        ("connection failed: Connection refused", ServerUnavailable),
        ("consuming input failed: server closed the connection unexpectedly", ServerUnavailable),
    ],
)
def test_a_connection_that_does_not_come_about_says_why(
    said: str, expected: type[SalesPlatformError]
) -> None:
    found = translate(psycopg.OperationalError(said), "warehouse")
    assert type(found) is expected
    assert found.remedy


def test_a_server_that_is_down_is_unavailable() -> None:
    with pytest.raises(ServerUnavailable), translated("warehouse"):
        psycopg.connect("host=127.0.0.1 port=1 user=nobody dbname=none", connect_timeout=2)


def test_a_wrong_password_and_a_wrong_database_are_wrong_settings(database_url: str) -> None:
    for wrong in ({"password": "wrong"}, {"dbname": "nowhere"}, {"user": "nobody"}):
        with pytest.raises(ConfigurationError), translated("warehouse"):
            psycopg.connect(psycopg.conninfo.make_conninfo(database_url, **wrong))


def test_q_25_a_violated_constraint_is_named_and_its_row_is_not(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("create table members (email text constraint one_member unique)")
        conn.execute("insert into members values ('jane@example.com')")
        with pytest.raises(DatabaseFailure) as caught, translated("raw.members", conn):
            conn.execute("insert into members values ('jane@example.com')")
    assert "table public.members, constraint one_member" in str(caught.value)
    assert "jane" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_a_missing_right_names_the_role(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        with pytest.raises(ConfigurationError) as caught, translated("raw.hidden", conn):
            conn.execute("select pg_read_file('postgresql.conf')")
        assert f"role {conn.info.user}" in caught.value.what
        assert "pg_read_file" in caught.value.what


def test_a_statement_that_takes_too_long_may_be_tried_again(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("set statement_timeout = 1")
        with pytest.raises(TransientError), translated("marts.slow", conn):
            conn.execute("select pg_sleep(30)")
