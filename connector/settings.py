"""Defines every environment variable of the connector: its name, type, default, and a sentence that says what it does.

A process calls `Settings.read()` once, when it starts. Nothing else reads the environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from environs import Env, EnvError

from connector.errors import SettingsError
from connector.http.urls import SAFE_DESTINATION, is_safe_destination

_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MAPPINGS = _ROOT / "mappings"
#: The limits of the times for which the journal keeps something. Short times serve tests.
_SHORTEST_DAYS, _LONGEST_DAYS = 0.0001, 36_500
_AGE = "0.0001 to 36500"


def _variable(name: str, sentence: str, *, default: Any = None, required: bool = False, secret: bool = False) -> Any:
    # Required variables contain passwords and keys. `repr` must not show them.
    return field(
        repr=not (required or secret),
        metadata={"name": name, "sentence": sentence, "default": default, "required": required},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of one process. The README's table of settings lists the same fields."""

    database_url: str = _variable(
        "DATABASE_URL",
        "The journal: PostgreSQL 14 or newer. The URL may start with `postgres://` or `postgresql://`.",
        required=True,
    )
    redis_url: str = _variable("REDIS_URL", "Redis 6.2 or newer, which carries the wake-ups.", required=True)
    secret_key: list[str] = _variable(
        "SECRET_KEY",
        "Encrypts the stores' credentials. Of several keys, separated by commas, the first encrypts and all decrypt.",
        required=True,
    )
    prepare_statements: bool = _variable(
        "PREPARE_STATEMENTS",
        "Let PostgreSQL keep the plans of statements. Set to false behind a pooler in transaction mode that does not"
        " know prepared statements, such as PgBouncer before 1.21.",
        default=True,
    )
    redis_tls_verify: bool = _variable(
        "REDIS_TLS_VERIFY",
        "Check the certificate of a `rediss://` server. Set to false on Heroku, whose certificates are self-signed.",
        default=True,
    )
    public_url: str = _variable(
        "PUBLIC_URL", "The URL at which Yotpo reaches the web process. Webhook URLs start with it.", default=""
    )
    port: int = _variable("PORT", "The port that the web process listens on.", default=8000)
    mappings_dir: Path = _variable("MAPPINGS_DIR", "The directory of the mapping files.", default=DEFAULT_MAPPINGS)
    batch_size: int = _variable(
        "BATCH_SIZE",
        "The most deliveries that are merged into one upsert (Insider's limit: 1,000 users).",
        default=1000,
    )
    retention_days: int = _variable(
        "INSIDER_RETENTION_DAYS",
        "Insider drops user events older than this, so the connector does not send them.",
        default=90,
    )
    insider_url: str = _variable(
        "INSIDER_URL",
        "Insider's API, for stores without a URL of their own.",
        default="https://unification.useinsider.com",
    )
    insider_connect_seconds: float = _variable(
        "INSIDER_CONNECT_SECONDS", "Time-out for connecting to Insider.", default=5.0
    )
    insider_read_seconds: float = _variable(
        "INSIDER_READ_SECONDS", "Time-out for a response from Insider.", default=15.0
    )
    intake_timeout_seconds: float = _variable(
        "INTAKE_TIMEOUT_SECONDS",
        "A webhook that cannot be journaled within this time is answered with 503.",
        default=1.5,
    )
    yotpo_core_url: str = _variable(
        "YOTPO_CORE_URL", "Yotpo's Core API, for stores connected with their own keys.", default="https://api.yotpo.com"
    )
    yotpo_developers_url: str = _variable(
        "YOTPO_DEVELOPERS_URL",
        "Yotpo's API for apps, for stores connected by the app.",
        default="https://developers.yotpo.com",
    )
    yotpo_loyalty_url: str = _variable(
        "YOTPO_LOYALTY_URL",
        "Yotpo's Loyalty API, for stores connected with their own keys.",
        default="https://loyalty.yotpo.com",
    )
    yotpo_install_url: str = _variable(
        "YOTPO_INSTALL_URL",
        "Yotpo's page for installing the app. The connector appends `YOTPO_CLIENT_ID`.",
        default="https://integrations-center.yotpo.com/app/#/install/applications",
    )
    yotpo_client_id: str = _variable(
        "YOTPO_CLIENT_ID",
        "The application id of your app at Yotpo. Needed only to connect stores by the app.",
        default="",
    )
    yotpo_client_secret: str = _variable("YOTPO_CLIENT_SECRET", "The secret of that app.", default="", secret=True)
    yotpo_connect_seconds: float = _variable("YOTPO_CONNECT_SECONDS", "Time-out for connecting to Yotpo.", default=5.0)
    yotpo_read_seconds: float = _variable("YOTPO_READ_SECONDS", "Time-out for a response from Yotpo.", default=15.0)
    yotpo_settling_seconds: float = _variable(
        "YOTPO_SETTLING_SECONDS",
        "Yotpo's Core API may lag behind writes by this long. So its values are dated this long before the request.",
        default=60.0,
    )
    refresh_quiet_seconds: float = _variable(
        "REFRESH_QUIET_SECONDS",
        "A customer is looked up this long after the last webhook about them.",
        default=30.0,
    )
    refresh_longest_seconds: float = _variable(
        "REFRESH_LONGEST_SECONDS",
        "A customer is looked up at the latest this long after the first webhook since the last look-up.",
        default=300.0,
    )
    reconcile_at: str = _variable(
        "RECONCILE_AT",
        "A time of day in UTC, such as 03:00. Every night at this time all customers are read, and those who have "
        "changed are sent. Empty: never.",
        default="",
    )
    keep_events_days: float = _variable(
        "KEEP_EVENTS_DAYS",
        "Received webhooks and snapshots are deleted after this time, unless they still wait or have a dead letter.",
        default=90.0,
    )
    keep_outcomes_days: float = _variable(
        "KEEP_OUTCOMES_DAYS", "Records of what was delivered are deleted after this time.", default=90.0
    )
    keep_attempts_days: float = _variable(
        "KEEP_ATTEMPTS_DAYS", "Records of requests to Insider are deleted after this time.", default=30.0
    )
    keep_rejected_days: float = _variable(
        "KEEP_REJECTED_DAYS", "Records of rejected webhooks are deleted after this time.", default=30.0
    )
    keep_audit_days: float = _variable(
        "KEEP_AUDIT_DAYS", "Records of what operators did are deleted after this time.", default=400.0
    )
    period_days: float = _variable(
        "PERIOD_DAYS",
        "The journal has one table for the events of this time, and deletes them together with the table.",
        default=7.0,
    )
    worker_stall_seconds: float = _variable(
        "WORKER_STALL_SECONDS",
        "A worker exits if it takes no wake-up for this long although Redis answers and a child process is free.",
        default=60.0,
    )
    log_level: str = _variable("LOG_LEVEL", "`debug`, `info`, `warning` or `error`.", default="info")

    @classmethod
    def read(cls) -> Settings:
        """Read the environment. Raises SettingsError, which names the wrong variable and says what it should be."""
        env = Env()
        values: dict[str, Any] = {}
        for setting in fields(cls):
            meta = setting.metadata
            parse: Any = {
                "int": env.int,
                "float": env.float,
                "bool": env.bool,
                "Path": env.path,
                "list[str]": env.list,
            }.get(str(setting.type), env.str)
            try:
                values[setting.name] = parse(meta["name"]) if meta["required"] else parse(meta["name"], meta["default"])
            except (EnvError, ValueError) as error:
                raise SettingsError(f"{meta['name']}: {_problem(error)}. Its meaning: {meta['sentence']}") from None
        values["secret_key"] = [key.strip() for key in values["secret_key"]]
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        limits = {
            "DATABASE_URL": (bool(self.database_url), "the URL of a PostgreSQL database"),
            "REDIS_URL": (bool(self.redis_url), "the URL of a Redis server"),
            "PORT": (0 < self.port < 65536, "1 to 65535"),
            "INSIDER_URL": (is_safe_destination(self.insider_url), SAFE_DESTINATION),
            "SECRET_KEY": (all(len(key) >= 16 for key in self.secret_key) and self.secret_key, "16 characters or more"),
            "BATCH_SIZE": (1 <= self.batch_size <= 1000, "1 to 1000"),
            "INSIDER_RETENTION_DAYS": (1 <= self.retention_days <= 3650, "1 to 3650"),
            "INSIDER_CONNECT_SECONDS": (0 < self.insider_connect_seconds <= 10, "more than 0, at most 10"),
            "INSIDER_READ_SECONDS": (0 < self.insider_read_seconds <= 20, "more than 0, at most 20"),
            "INTAKE_TIMEOUT_SECONDS": (0 < self.intake_timeout_seconds < 2, "more than 0, less than 2"),
            "YOTPO_CORE_URL": (is_safe_destination(self.yotpo_core_url), SAFE_DESTINATION),
            "YOTPO_DEVELOPERS_URL": (is_safe_destination(self.yotpo_developers_url), SAFE_DESTINATION),
            "YOTPO_LOYALTY_URL": (is_safe_destination(self.yotpo_loyalty_url), SAFE_DESTINATION),
            "YOTPO_INSTALL_URL": (is_safe_destination(self.yotpo_install_url.replace("#", "")), SAFE_DESTINATION),
            "YOTPO_CONNECT_SECONDS": (0 < self.yotpo_connect_seconds <= 10, "more than 0, at most 10"),
            "YOTPO_READ_SECONDS": (0 < self.yotpo_read_seconds <= 20, "more than 0, at most 20"),
            "YOTPO_SETTLING_SECONDS": (0 <= self.yotpo_settling_seconds <= 3600, "0 to 3600"),
            "REFRESH_QUIET_SECONDS": (0 < self.refresh_quiet_seconds <= 3600, "more than 0, at most 3600"),
            "REFRESH_LONGEST_SECONDS": (
                self.refresh_quiet_seconds <= self.refresh_longest_seconds <= 86_400,
                "REFRESH_QUIET_SECONDS to 86400",
            ),
            "RECONCILE_AT": (not self.reconcile_at or _is_time_of_day(self.reconcile_at), "a time such as 03:00"),
            "KEEP_EVENTS_DAYS": (_is_age(self.keep_events_days), _AGE),
            "KEEP_OUTCOMES_DAYS": (_is_age(self.keep_outcomes_days), _AGE),
            "KEEP_ATTEMPTS_DAYS": (_is_age(self.keep_attempts_days), _AGE),
            "KEEP_REJECTED_DAYS": (_is_age(self.keep_rejected_days), _AGE),
            "KEEP_AUDIT_DAYS": (_is_age(self.keep_audit_days), _AGE),
            "KEEP_OUTCOMES_DAYS, KEEP_EVENTS_DAYS": (
                self.keep_outcomes_days >= self.keep_events_days,
                "in this order: without its outcome, nobody knows what became of an event",
            ),
            "PERIOD_DAYS": (_SHORTEST_DAYS <= self.period_days <= 366, "0.0001 to 366"),
            "WORKER_STALL_SECONDS": (5 <= self.worker_stall_seconds <= 3600, "5 to 3600"),
            "LOG_LEVEL": (self.log_level in {"debug", "info", "warning", "error"}, "debug, info, warning or error"),
        }
        for name, (is_valid, allowed) in limits.items():
            if not is_valid:
                raise SettingsError(f"{name}: it must be {allowed}.")


def _is_age(days: float) -> bool:
    return _SHORTEST_DAYS <= days <= _LONGEST_DAYS


def _is_time_of_day(text: str) -> bool:
    return bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text))


def _problem(error: Exception) -> str:
    return "it is not set" if "not set" in str(error) else str(error).replace("\n", " ")


def table() -> list[tuple[str, str, str]]:
    """Return the name, default and sentence of each variable, for the README and `connector settings`."""
    rows = []
    for setting in fields(Settings):
        meta = setting.metadata
        default = "required" if meta["required"] else str(meta["default"]).replace(str(_ROOT) + "/", "")
        rows.append((meta["name"], default, meta["sentence"]))
    return rows
