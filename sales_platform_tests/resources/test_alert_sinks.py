"""Alerts on a real HTTP server: what is sent, what is done when nobody takes it, and that no secret goes with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from sales_platform.engine.outbox import Alert
from sales_platform.errors import ConfigurationError
from sales_platform.operations.settings_listing import list_settings
from sales_platform.resources import AlertSinksResource
from sales_platform.resources.webhook import AlertNotTaken, post, teams_body
from sales_platform.settings import load_settings
from sales_platform_tests.resources.receiver import SECRET_PATH, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def sinks(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> AlertSinksResource:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", receiver.url)
    return AlertSinksResource(timeout_seconds=0.3)


def test_slack_reads_the_text_with_its_control_characters_escaped(
    receiver: Receiver, sinks: AlertSinksResource
) -> None:
    sinks.send(Alert(1, "opened", "amount < 0 & <!channel>"))
    assert receiver.bodies == [{"text": "amount &lt; 0 &amp; &lt;!channel&gt;"}]


def test_teams_reads_an_adaptive_card_with_the_text_as_it_is(
    receiver: Receiver, sinks: AlertSinksResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_FORMAT", "teams")
    sinks.send(Alert(1, "opened", "fact_sales & *more*"))
    (body,) = receiver.bodies
    assert body == teams_body("fact_sales & *more*")
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
    )
    assert attachment["content"]["body"][0]["inlines"][0]["text"] == "fact_sales & *more*"


def test_without_a_webhook_an_alert_stands_in_the_log_alone(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        AlertSinksResource().send(Alert(1, "opened", "Run failure: x"))
        AlertSinksResource().send(Alert(1, "closed", "Over: x"))
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("ERROR", "Run failure: x"),
        ("INFO", "Over: x"),
    ]
    assert receiver.bodies == []


def test_an_alert_that_is_sent_again_is_not_logged_again(
    sinks: AlertSinksResource, caplog: pytest.LogCaptureFixture
) -> None:
    sinks.send(Alert(1, "opened", "Run failure: x", tries=2))
    assert caplog.records == []


@pytest.mark.parametrize("answer", [500, 404, 429, None])
def test_a_receiver_that_answers_with_an_error_or_not_at_all_took_nothing(
    receiver: Receiver, sinks: AlertSinksResource, answer: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = answer
    with pytest.raises(AlertNotTaken) as caught:
        sinks.send(Alert(1, "opened", "x"))
    said = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert (str(answer) if answer else "TimeoutError") in said
    assert SECRET_PATH not in said


def test_a_redirect_is_not_followed_to_a_host_that_nobody_named(
    receiver: Receiver, sinks: AlertSinksResource
) -> None:
    with Receiver() as elsewhere:
        receiver.answer, receiver.location = 302, elsewhere.url
        with pytest.raises(AlertNotTaken, match="302"):
            sinks.send(Alert(1, "opened", "x"))
        assert elsewhere.bodies == []


def test_a_port_where_nobody_listens_took_nothing_and_the_url_stays_secret() -> None:
    with Receiver() as gone:
        url = gone.url
    with pytest.raises(AlertNotTaken, match="ConnectionRefusedError") as caught:
        post(url, {"text": "x"})
    assert SECRET_PATH not in str(caught.value)


@pytest.mark.parametrize("url", [f"https://host:port/{SECRET_PATH}", f"https://bad host/{SECRET_PATH}"])
def test_a_url_that_cannot_be_asked_is_not_repeated(url: str) -> None:
    with pytest.raises(AlertNotTaken) as caught:
        post(url, {"text": "x"})
    assert SECRET_PATH not in f"{caught.value} {caught.value.__cause__}"


def test_no_secret_of_the_settings_is_in_what_is_sent_or_logged(
    receiver: Receiver,
    sinks: AlertSinksResource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://loader:s3cr%40t@host:5432/warehouse")
    text = (
        "login with s3cr@t failed, postgresql://loader:s3cr%40t@host:5432/warehouse and"
        f" mysql://me:other1@elsewhere/db, password=third3 {receiver.url}"
    )
    sinks.send(Alert(1, "opened", text))
    for said in (*receiver.texts, caplog.text):
        assert "login with *** failed" in said
        for secret in ("s3cr", "other1", "third3", SECRET_PATH):
            assert secret not in said


def test_a_webhook_that_is_no_web_address_is_refused_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", f"hooks.example.com/{SECRET_PATH}")
    with pytest.raises(ConfigurationError, match="ALERT_WEBHOOK_URL") as caught:
        load_settings()
    assert SECRET_PATH not in str(caught.value)


def test_the_list_of_settings_hides_the_whole_webhook(receiver: Receiver, sinks: AlertSinksResource) -> None:
    listed = {setting.name: setting.value for setting in list_settings()}
    assert listed["ALERT_WEBHOOK_URL"] == "***"
    assert urlsplit(receiver.url).netloc not in str(listed)
