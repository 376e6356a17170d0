"""Brings the schema up to date with Alembic; the SQL itself is in `migrations/versions/*.sql`.

Several processes may call `migrate` at once: an advisory lock lets only one of them run at a time. Migrations that are
already applied are skipped.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import sqlalchemy
import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.rows import namedtuple_row

from connector.errors import JournalUnavailable
from connector.journal import events
from connector.journal.upkeep import periods

#: The key of the advisory lock: the letters "yotpo" as a number. No other lock in the database may use the same key.
_LOCK = 0x796F74706F
_HEAD = "head"


def migrate(url: str, *, revision: str = _HEAD, period: timedelta = timedelta(days=7)) -> str:
    """Apply the missing migrations up to a revision; return the newest revision that this release has.

    At the newest revision, make the tables of the current and the next periods. `period` is their length.

    Raises JournalUnavailable if this fails.
    """
    config = _config()
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
            # A migration must not wait long for the lock of a table, because later queries have to wait behind it.
            connection.exec_driver_sql("set local lock_timeout = '10s'")
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            if revision == _HEAD:
                _make_periods(connection, period)
    except (sqlalchemy.exc.OperationalError, psycopg.OperationalError) as error:
        # The driver itself runs some statements, and raises its own errors.
        cause = getattr(error, "orig", error)
        raise JournalUnavailable(f"the migration has failed and changed nothing: {cause}") from error
    return newest()


def _make_periods(connection: sqlalchemy.Connection, length: timedelta) -> None:
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    driver.row_factory = namedtuple_row
    # If queries are in the way, the workers' upkeep makes the periods a little later.
    with suppress(psycopg.errors.LockNotAvailable), driver.transaction():
        periods.make_ahead(driver, length=length, now=events.now(driver))


def newest() -> str:
    """Return the revision that this release of the connector expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 - the folder ships with at least one migration
    return revision


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config
