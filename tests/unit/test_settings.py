"""Settings come from the environment, or from files that the environment names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import Settings, load, with_files_read

pytestmark = pytest.mark.unit

URL = "postgresql+asyncpg://scoring@localhost/scoring"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"THIDUA_KAFKA": "localhost:9092"})


def give(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setitem(environment(), f"THIDUA_{name}", value)


def environment() -> dict[str, str]:
    import os

    return os.environ  # type: ignore[return-value]


def test_a_value_is_read_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "url"
    secret.write_text(f"{URL}\n")
    give(monkeypatch, DATABASE_URL_FILE=str(secret), ISSUER_KEYS="http://intake/keys")
    settings = load(Settings)
    assert settings.database_url == URL
    assert (settings.http_host, settings.wait_seconds, settings.env) == (
        "127.0.0.1",
        60,
        "production",
    )


def test_a_plain_value_goes_before_its_file(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("from the file")
    both = {"THIDUA_X": "plain", "THIDUA_X_FILE": str(file)}
    assert with_files_read(both)["THIDUA_X"] == "plain"
    assert with_files_read({**both, "THIDUA_X": ""})["THIDUA_X"] == "from the file"


def test_an_empty_file_name_names_no_file() -> None:
    assert "THIDUA_X" not in with_files_read({"THIDUA_X_FILE": ""})


def test_other_names_are_left_alone() -> None:
    given = {"SOME_FILE": "/nowhere"}
    assert with_files_read(given) == given


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        with_files_read({"THIDUA_X_FILE": "/nowhere/at/all"})


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, ISSUER_KEYS="http://intake/keys")
    with pytest.raises(ValidationError) as caught:
        load(Settings)
    assert [error["loc"] for error in caught.value.errors()] == [("database_url",)]


def test_an_empty_value_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    give(
        monkeypatch,
        DATABASE_URL=URL,
        ISSUER_KEYS="http://intake/keys",
        BUSINESS_CLOCK="",
        HTTP_PORT="",
    )
    settings = load(Settings)
    assert settings.business_clock is None
    assert settings.http_port == 8080


def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    give(
        monkeypatch,
        DATABASE_URL=URL,
        ISSUER_KEYS="http://intake/keys",
        WAIT_SECONDS="0",
        ENV="test",
    )
    with pytest.raises(ValidationError) as caught:
        load(Settings)
    assert {error["loc"][0] for error in caught.value.errors()} == {"env", "wait_seconds"}


def test_a_key_for_trying_out_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, DATABASE_URL=URL, TOKEN_PUBLIC_KEY="pem", ENV="production")
    with pytest.raises(ValidationError, match="THIDUA_ISSUER_KEYS"):
        load(Settings)
    give(monkeypatch, ENV="local")
    assert load(Settings).token_public_key == "pem"


def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, DATABASE_URL=URL, PROXIES="127.0.0.1, 172.16.0.0/12")
    assert load(Settings).proxies == "127.0.0.1, 172.16.0.0/12"
    give(monkeypatch, PROXIES="proxy")
    with pytest.raises(ValidationError, match="proxies"):
        load(Settings)
