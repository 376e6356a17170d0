"""Brings the schema up to date with Alembic; the SQL itself is in `migrations/versions/*.sql`.

Several processes may call `migrate` at once: an advisory lock lets only one of them run at a time. Migrations that are
already applied are skipped.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import sqlalchemy
import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from connector.errors import JournalUnavailable

#: The key of the advisory lock: the letters "yotpo" as a number. No other lock in the database may use the same key.
_LOCK = 0x796F74706F


def migrate(url: str, *, revision: str = "head") -> str:
    """Apply the missing migrations up to a revision; return the newest revision that this release has.

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
    except sqlalchemy.exc.OperationalError as error:
        raise JournalUnavailable(f"the migration has failed and changed nothing: {error.orig}") from error
    return newest()


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
