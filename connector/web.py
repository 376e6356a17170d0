"""Builds the web process: `granian --interface rsgi connector.web:served`. Each granian worker builds it."""

from __future__ import annotations

import flask
import orjson
from werkzeug.exceptions import HTTPException

from connector import observability
from connector.errors import ConnectorError
from connector.http import health
from connector.http.serving import Application, Served
from connector.intake import webhooks
from connector.intake.reception import Reception
from connector.journal.database import Database
from connector.journal.vault import Vault
from connector.settings import Settings
from connector.sync.connecting import routes as connecting
from connector.sync.connecting.installing import App, Installing
from connector.sync.connecting.tickets import Tickets
from connector.workers import limits, tasks
from connector.workers.wakeups import WakeUps
from connector.yotpo.client import Yotpo

#: The database connections of the intake: one for the appender, the others for looking up stores.
_CONNECTIONS = 4
#: The database connections for installs. An install keeps its connection while it waits for Yotpo. These connections
#: are separate, so that the intake always has its own.
_INSTALLS = 2

_log = observability.logger("web")


def create_app() -> Application:
    """Return the application, with settings from the environment. Raises SettingsError."""
    settings = Settings.read()
    observability.configure(settings.log_level)
    database = Database.of(settings, connections=_CONNECTIONS, wait_seconds=settings.intake_timeout_seconds / 2)
    reception = Reception(database, Vault(settings.secret_key))
    app = flask.Flask("connector")
    app.register_blueprint(
        webhooks.blueprint(
            reception=reception, wake=WakeUps(tasks.wake_if_asleep), timeout_seconds=settings.intake_timeout_seconds
        )
    )
    app.register_blueprint(_connecting(settings))
    app.register_blueprint(health.blueprint(reception.ping))
    app.register_error_handler(Exception, _error_as_json)
    _log.info("web.configured", **limits.of_web(tasks.app, settings, connections=_CONNECTIONS))
    return Application(app, is_quick=lambda path: webhooks.is_quick(path, reception))


def _connecting(settings: Settings) -> flask.Blueprint:
    app = App(
        client_id=settings.yotpo_client_id,
        client_secret=settings.yotpo_client_secret,
        install_url=settings.yotpo_install_url,
        public_url=settings.public_url,
    )
    installing = Installing(
        app=app,
        database=Database.of(settings, connections=_INSTALLS, wait_seconds=5.0),
        vault=Vault(settings.secret_key),
        yotpo=Yotpo.of(settings),
    )
    tickets = Tickets(settings.secret_key)
    return connecting.blueprint(app=app, tickets=tickets, installing=installing, wake=WakeUps(tasks.wake_yotpo))


def _error_as_json(error: Exception) -> flask.Response:
    status, name = 500, "internal server error"
    if isinstance(error, HTTPException):
        status, name = error.code or status, (error.name or name).lower()
    else:
        # The error is logged here, because Flask would log the path, which contains the store's token.
        _log.error("request.failed", endpoint=flask.request.endpoint, exc_info=error)
    return flask.Response(orjson.dumps({"error": name}), status=status, content_type="application/json")


def _create_or_exit() -> Application:
    """Create the application, or end the process with one sentence that says what is wrong."""
    try:
        return create_app()
    except ConnectorError as error:
        raise SystemExit(f"error: {error}") from None


#: As many threads as requests can wait at the same time for PostgreSQL to look up a store, or for Yotpo.
_THREADS = 16

served = Served(_create_or_exit, threads=_THREADS, body_limit=webhooks.BODY_LIMIT)
