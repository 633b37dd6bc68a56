"""Where settings come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform.errors import ConfigurationError
from sales_platform.settings import Settings, load_settings


def test_common_variables_are_not_taken_for_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("DATA", "/elsewhere")
    Path(".env").write_text("home=/third\n")
    settings = load_settings()
    assert (settings.home, settings.data) == (Path(".sales_platform"), Path("data"))


def test_a_variable_wins_over_the_file_and_code_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SALES_PLATFORM_HOME=file\nSALES_PLATFORM_DATA=file\n")
    monkeypatch.setenv("SALES_PLATFORM_HOME", "variable")
    assert load_settings().home == Path("variable")
    assert load_settings().data == Path("file")
    assert Settings(home=Path("code")).home == Path("code")


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "")
    monkeypatch.setenv("BUSINESS_TIME_ZONE", "")
    settings = load_settings()
    assert (settings.warehouse_url, settings.time_zone) == (None, "UTC")


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSINESS_TIME_ZONE", "Moon/Crater")
    monkeypatch.setenv("SALES_PLATFORM_UI_PORT", "seventy")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "BUSINESS_TIME_ZONE" in caught.value.what
    assert "SALES_PLATFORM_UI_PORT" in caught.value.what
