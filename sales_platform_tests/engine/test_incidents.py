"""What counts as one incident, when it is over, and that each is told once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sales_platform.engine.incidents import (
    CHECK_FAILURE,
    RUN_FAILURE,
    Part,
    Recovery,
    Trouble,
    duration,
    note,
    open_incidents,
    overdue,
    recover,
    recover_overdue,
)
from sales_platform.engine.outbox import AT_ONCE, Alert, send_waiting
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ServerUnavailable, TransientError

TWO = datetime(2026, 3, 5, 2, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return TWO + timedelta(minutes=minutes)


def failure(*days: str, at: datetime = TWO, exact: bool | None = None, name: str = "sales") -> Trouble:
    sure = len(days) == 1 if exact is None else exact
    parts = tuple(Part(name, day, sure) for day in days) or (Part(name),)
    return Trouble(
        RUN_FAILURE, f"{name} {' '.join(days)}".strip(), "It broke.", parts, at, "http://ui/runs/1"
    )


def passed(*days: str, at: datetime, name: str = "sales") -> list[Recovery]:
    return [Recovery((RUN_FAILURE,), name, frozenset(days) if days else None, at)]


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    return Warehouse(warehouse_url)


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    with warehouse.connect(autocommit=True) as session:
        yield session


class Sink:
    """Takes alerts; refuses them while it is down."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse, self.down = warehouse, False
        self.took: list[Alert] = []

    def take(self, alert: Alert) -> None:
        if self.down:
            raise ServerUnavailable("down")
        self.took.append(alert)

    def tick(self) -> tuple[int, TransientError | None]:
        return send_waiting(self.warehouse, self.take)

    @property
    def texts(self) -> list[str]:
        return [alert.text for alert in self.took]


@pytest.fixture
def sink(warehouse: Warehouse) -> Sink:
    return Sink(warehouse)


def test_what_fails_again_and_again_is_one_alert_and_its_end_another(
    connection: Connection, sink: Sink
) -> None:
    for minute in (0, 30, 60):
        note(connection, failure("2026-03-04", at=after(minute)))
        sink.tick()
    assert [(i.times, i.opened_at, i.last_seen_at) for i in open_incidents(connection)] == [
        (3, TWO, after(60))
    ]
    recover(connection, passed("2026-03-04", at=after(125)))
    sink.tick()
    assert sink.texts == [
        "Run failure: sales 2026-03-04, since 2026-03-05 02:00 UTC. It broke. http://ui/runs/1",
        "Over: Run failure: sales 2026-03-04, after 2 h 5 min, seen 3 times.",
    ]
    assert open_incidents(connection) == []


def test_after_its_end_the_same_failure_is_a_new_incident(connection: Connection, sink: Sink) -> None:
    note(connection, failure())
    recover(connection, passed(at=after(1)))
    note(connection, failure(at=after(2)))
    sink.tick()
    assert [alert.event for alert in sink.took] == ["opened", "closed", "opened"]
    assert [incident.times for incident in open_incidents(connection)] == [1]


def test_another_day_that_passes_leaves_the_incident_of_a_day_open(connection: Connection) -> None:
    note(connection, failure("2026-03-04"))
    recover(connection, passed("2026-03-05", at=after(1)))
    assert len(open_incidents(connection)) == 1
    recover(connection, passed(at=after(2)))
    assert open_incidents(connection) == []


def test_a_step_and_a_check_of_one_name_do_not_mend_each_other(connection: Connection) -> None:
    note(connection, failure())
    recover(connection, [Recovery((CHECK_FAILURE,), "sales", None, after(1))])
    assert len(open_incidents(connection)) == 1


def test_a_range_of_which_nobody_knows_the_bad_day_is_over_when_a_day_of_it_passes(
    connection: Connection, sink: Sink
) -> None:
    note(connection, failure("2026-03-01", "2026-03-02", "2026-03-03"))
    recover(connection, passed("2026-03-02", at=after(1)))
    sink.tick()
    assert open_incidents(connection) == []
    assert "names what may still be missing" in sink.texts[-1]


def test_a_range_whose_bad_days_are_named_is_over_when_all_of_them_passed(connection: Connection) -> None:
    note(connection, failure("2026-03-01", "2026-03-03", exact=True))
    recover(connection, passed("2026-03-01", at=after(1)))
    assert len(open_incidents(connection)) == 1
    recover(connection, passed("2026-03-03", at=after(2)))
    assert open_incidents(connection) == []


def test_a_wider_run_that_fails_for_the_same_day_belongs_to_the_same_incident(
    connection: Connection,
) -> None:
    note(connection, failure("2026-03-03"))
    note(connection, failure("2026-03-02", "2026-03-03", at=after(1)))
    assert [incident.times for incident in open_incidents(connection)] == [2]
    recover(connection, passed("2026-03-02", at=after(2)))
    assert len(open_incidents(connection)) == 1, "the day that is known to be broken did not pass"


def test_two_incidents_that_one_run_touches_stay_two_and_each_ends_with_its_own_day(
    connection: Connection,
) -> None:
    note(connection, failure("2026-03-01"))
    note(connection, failure("2026-03-02"))
    note(connection, failure("2026-03-01", "2026-03-02", at=after(1), exact=True))
    assert [incident.times for incident in open_incidents(connection)] == [2, 2]
    recover(connection, passed("2026-03-01", at=after(2)))
    assert [incident.subject for incident in open_incidents(connection)] == ["sales 2026-03-02"]


def test_the_same_news_twice_or_late_change_nothing(connection: Connection, sink: Sink) -> None:
    news = [failure("2026-03-04"), failure("2026-03-04", at=after(10))]
    for trouble in [*news, *news]:
        note(connection, trouble)
    assert [incident.times for incident in open_incidents(connection)] == [2]
    recover(connection, passed("2026-03-04", at=after(5)))
    assert len(open_incidents(connection)) == 1, "it failed after that"
    recover(connection, passed("2026-03-04", at=after(20)))
    for trouble in news:
        note(connection, trouble)
    assert open_incidents(connection) == []
    sink.tick()
    assert [alert.event for alert in sink.took] == ["opened", "closed"]


def test_an_overdue_file_is_over_when_a_load_took_it_up(connection: Connection, sink: Sink) -> None:
    for _ in range(2):
        note(connection, overdue("retail_sales", "2026-03-04", "retail/sales/2026-03-04.csv", TWO))
    connection.execute(
        "insert into ops.load (feed, partition, source) values ('retail_sales', '2026-03-04', 'x')"
    )
    recover_overdue(connection)
    assert [incident.subject for incident in open_incidents(connection)] == ["retail_sales for 2026-03-04"]
    connection.execute("update ops.load set status = 'refused', finished_at = clock_timestamp()")
    recover_overdue(connection)
    assert open_incidents(connection) == []
    sink.tick()
    assert [alert.event for alert in sink.took] == ["opened", "closed"]
    assert "no file at retail/sales/2026-03-04.csv" in sink.texts[0]


def test_alerts_wait_while_the_receiver_is_down_and_none_is_lost_or_doubled(
    connection: Connection, sink: Sink
) -> None:
    sink.down = True
    note(connection, failure())
    recover(connection, passed(at=after(1)))
    for _ in range(3):
        sent, waits = sink.tick()
        assert (sent, isinstance(waits, ServerUnavailable)) == (0, True)
    sink.down = False
    assert (sink.tick(), sink.tick()) == ((2, None), (0, None))
    assert [(alert.event, alert.tries) for alert in sink.took] == [("opened", 3), ("closed", 0)]


def test_an_alert_that_is_always_refused_holds_up_no_other(
    connection: Connection, warehouse: Warehouse
) -> None:
    note(connection, failure(name="poison"))
    note(connection, failure(name="sales"))
    took: list[str] = []

    def picky(alert: Alert) -> None:
        if "poison" in alert.text:
            raise ServerUnavailable("not this one")
        took.append(alert.text)

    for _ in range(3):
        send_waiting(warehouse, picky)
    assert len(took) == 1


def test_a_second_sender_sends_nothing_while_the_first_one_does(
    connection: Connection, warehouse: Warehouse
) -> None:
    note(connection, failure())
    second: list[int] = []
    send_waiting(warehouse, lambda _: second.append(send_waiting(warehouse, lambda _: None)[0]))
    assert second == [0]


def test_a_flood_is_sent_in_portions(connection: Connection, sink: Sink) -> None:
    for number in range(AT_ONCE + 3):
        note(connection, failure(name=f"step_{number}"))
    assert [sink.tick()[0] for _ in range(3)] == [AT_ONCE, 3, 0]


def test_a_password_in_a_message_is_not_even_stored(connection: Connection) -> None:
    url = "postgresql://loader:hunter2@host/db"
    note(connection, Trouble(RUN_FAILURE, f"sales {url}", f"cannot reach {url}", (Part("sales"),), TWO))
    stored = connection.execute(
        "select i.subject || i.message || a.text from ops.incident as i join ops.alert as a using (incident_id)"
    ).fetchone()
    assert stored is not None
    assert "hunter2" not in stored[0]
    assert "cannot reach" in stored[0]


def test_a_very_long_message_is_cut(connection: Connection) -> None:
    note(connection, Trouble(RUN_FAILURE, "sales", "x" * 50_000, (Part("sales"),), TWO))
    (incident,) = open_incidents(connection)
    assert len(incident.message) < 1_100


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59 s"), (60, "1 min"), (7_500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_a_time_that_passed_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert duration(seconds) == words
