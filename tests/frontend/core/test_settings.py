from __future__ import annotations

from pathlib import Path

import pytest

from frontend.core.settings import SettingsError, settings

REPOSITORY = Path(__file__).parents[3]
COMPLETE = {
    "STOCK_BUCKET": "bucket",
    "STOCK_DATABASE": "database",
    "STOCK_WORKGROUP": "workgroup",
    "STOCK_QUEUE_URL": "http://127.0.0.1:1/queue",
    "STOCK_AIRFLOW_URL": "http://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def _complete(monkeypatch: pytest.MonkeyPatch):
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_settings_come_from_the_environment_under_the_names_of_the_airflow_variables() -> None:
    assert settings().bucket == "bucket"
    assert settings().queue_url == "http://127.0.0.1:1/queue"


def test_every_missing_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCK_BUCKET")
    monkeypatch.delenv("STOCK_QUEUE_URL")
    with pytest.raises(SettingsError, match=r"STOCK_BUCKET is not set; .*STOCK_QUEUE_URL is not set"):
        settings()


@pytest.mark.parametrize("change", [("STOCK_AIRFLOW_URL", ""), ("STOCK_MWAA_ENVIRONMENT", "production")])
def test_airflow_is_either_a_server_or_an_mwaa_environment(
    change: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*change)
    with pytest.raises(SettingsError, match="set either STOCK_AIRFLOW_URL or STOCK_MWAA_ENVIRONMENT"):
        settings()


def test_who_may_sign_in_is_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCK_SIGN_IN_ALLOWED", "Ann@Seller.example, @works.example")
    assert settings().sign_in_allowed == ("ann@seller.example", "@works.example")


@pytest.mark.parametrize(
    "entry", ["seller.example", "@", "ann@", "ann@works@seller.example", "ann @seller.example"]
)
def test_who_may_sign_in_cannot_be_what_matches_no_address(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCK_SIGN_IN_ALLOWED", f"@works.example,{entry}")
    with pytest.raises(SettingsError, match=r"STOCK_SIGN_IN_ALLOWED.*neither an address"):
        settings()


def test_the_front_ends_requirements_are_the_versions_that_are_tested() -> None:
    locked = (REPOSITORY / "requirements-dev.lock").read_text().splitlines()
    wanted = (REPOSITORY / "frontend" / "requirements.txt").read_text().splitlines()
    pins = {line.replace("[auth]", "").lower() for line in wanted if line and not line.startswith("#")}
    assert pins
    assert pins - {line.split(" ;")[0].lower() for line in locked} == set()
