"""The environment becomes settings. The error for a wrong variable names it and says what its value should be."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from connector import settings
from connector.errors import SettingsError
from connector.settings import DEFAULT_MAPPINGS, Settings

REQUIRED = {
    "DATABASE_URL": "postgresql://localhost/connector",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "a" * 16,
}


@pytest.fixture(autouse=True)
def only_what_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, *_ in settings.table():
        monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_an_unset_variable_has_its_default() -> None:
    assert Settings.read() == Settings(
        database_url="postgresql://localhost/connector",
        prepare_statements=True,
        redis_url="redis://localhost",
        secret_key=["a" * 16],
        redis_tls_verify=True,
        public_url="",
        port=8000,
        mappings_dir=DEFAULT_MAPPINGS,
        batch_size=1000,
        retention_days=90,
        insider_url="https://unification.useinsider.com",
        insider_connect_seconds=5.0,
        insider_read_seconds=15.0,
        intake_timeout_seconds=1.5,
        yotpo_core_url="https://api.yotpo.com",
        yotpo_developers_url="https://developers.yotpo.com",
        yotpo_loyalty_url="https://loyalty.yotpo.com",
        yotpo_install_url="https://integrations-center.yotpo.com/app/#/install/applications",
        yotpo_client_id="",
        yotpo_client_secret="",
        yotpo_connect_seconds=5.0,
        yotpo_read_seconds=15.0,
        yotpo_settling_seconds=60.0,
        refresh_quiet_seconds=30.0,
        refresh_longest_seconds=300.0,
        reconcile_at="",
        keep_events_days=90.0,
        keep_outcomes_days=90.0,
        keep_attempts_days=30.0,
        keep_rejected_days=30.0,
        keep_audit_days=400.0,
        period_days=7.0,
        worker_stall_seconds=60.0,
        log_level="info",
    )


@pytest.mark.parametrize(
    ("variable", "text", "field", "expected"),
    [
        ("DATABASE_URL", "postgres://u:p@db/x?sslmode=require", "database_url", "postgres://u:p@db/x?sslmode=require"),
        ("REDIS_URL", "rediss://:p@redis:6380/1", "redis_url", "rediss://:p@redis:6380/1"),
        ("SECRET_KEY", "n" * 16 + "," + "o" * 20, "secret_key", ["n" * 16, "o" * 20]),
        ("REDIS_TLS_VERIFY", "false", "redis_tls_verify", False),
        ("REDIS_TLS_VERIFY", "1", "redis_tls_verify", True),
        ("PREPARE_STATEMENTS", "false", "prepare_statements", False),
        ("PUBLIC_URL", "https://shop.example.com", "public_url", "https://shop.example.com"),
        ("PORT", "5000", "port", 5000),
        ("MAPPINGS_DIR", "/etc/mappings", "mappings_dir", Path("/etc/mappings")),
        ("BATCH_SIZE", "1", "batch_size", 1),
        ("BATCH_SIZE", "1000", "batch_size", 1000),
        ("INSIDER_RETENTION_DAYS", "3650", "retention_days", 3650),
        ("INSIDER_URL", "https://insider.example.com", "insider_url", "https://insider.example.com"),
        ("INSIDER_CONNECT_SECONDS", "10", "insider_connect_seconds", 10.0),
        ("INSIDER_READ_SECONDS", "0.5", "insider_read_seconds", 0.5),
        ("INTAKE_TIMEOUT_SECONDS", "1.99", "intake_timeout_seconds", 1.99),
        ("KEEP_EVENTS_DAYS", "0.5", "keep_events_days", 0.5),
        ("PERIOD_DAYS", "1", "period_days", 1.0),
        ("WORKER_STALL_SECONDS", "5", "worker_stall_seconds", 5.0),
        ("LOG_LEVEL", "debug", "log_level", "debug"),
    ],
)
def test_each_variable_is_read(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(variable, text)

    assert getattr(Settings.read(), field) == expected


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "a" * 15),
        ("SECRET_KEY", "a" * 16 + ",short"),
        ("SECRET_KEY", "a" * 16 + ","),
        ("REDIS_TLS_VERIFY", "maybe"),
        ("PORT", "eighty"),
        ("PORT", "80.5"),
        ("BATCH_SIZE", "0"),
        ("BATCH_SIZE", "1001"),
        ("BATCH_SIZE", "many"),
        ("INSIDER_RETENTION_DAYS", "0"),
        ("INSIDER_RETENTION_DAYS", "3651"),
        ("INSIDER_CONNECT_SECONDS", "0"),
        ("INSIDER_CONNECT_SECONDS", "10.1"),
        ("INSIDER_CONNECT_SECONDS", "nan"),
        ("INSIDER_READ_SECONDS", "-1"),
        ("INSIDER_READ_SECONDS", "31"),
        ("INSIDER_READ_SECONDS", "soon"),
        ("INTAKE_TIMEOUT_SECONDS", "0"),
        ("INTAKE_TIMEOUT_SECONDS", "2"),
        ("KEEP_EVENTS_DAYS", "0"),
        ("KEEP_OUTCOMES_DAYS", "-1"),
        ("KEEP_ATTEMPTS_DAYS", "nan"),
        ("KEEP_REJECTED_DAYS", "0.00001"),
        ("KEEP_AUDIT_DAYS", "36501"),
        ("PERIOD_DAYS", "367"),
        ("WORKER_STALL_SECONDS", "4.9"),
        ("WORKER_STALL_SECONDS", "3601"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", ""),
    ],
)
def test_a_wrong_value_is_reported_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(SettingsError, match=rf"^{variable}: "):
        Settings.read()


@pytest.mark.parametrize("variable", REQUIRED)
def test_a_missing_variable_is_reported_with_its_meaning(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable)
    sentence = next(sentence for name, _, sentence in settings.table() if name == variable)

    with pytest.raises(SettingsError, match=re.escape(f"{variable}: it is not set. Its meaning: {sentence}")):
        Settings.read()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "")

    with pytest.raises(SettingsError, match=rf"^{variable}: "):
        Settings.read()


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "tooshort")

    with pytest.raises(SettingsError) as told:
        Settings.read()
    assert "tooshort" not in str(told.value)


def test_the_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://connector:the-password@db/x")
    monkeypatch.setenv("REDIS_URL", "redis://:the-password@redis")

    assert "the-password" not in repr(Settings.read())
    assert "a" * 16 not in repr(Settings.read())


def test_the_table_shows_every_setting_once() -> None:
    table = settings.table()

    assert len({name for name, _, _ in table}) == len(table) == len(fields(Settings))
    assert {name for name, default, _ in table if default == "required"} == set(REQUIRED)
    assert {name: default for name, default, _ in table}["MAPPINGS_DIR"] == "mappings"
    assert all(sentence.endswith(".") for _, _, sentence in table)
