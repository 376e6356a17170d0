"""The log: one logfmt line an outcome, on stdout, named `noun.past_participle`; and the answers to health checks.

Personal data never goes into a line: events and stores are named by their numbers and names, customers not at all.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import flask
import structlog

from connector.http.outbound import without_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict, FilteringBoundLogger, Processor


def _where(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Tell an exception by its type and the places it came through.

    Never by its message or the lines of code: PostgreSQL quotes values there, and a path may hold a store's token.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["where"] = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return event


_FRAMES = 8
_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDER: list[Processor] = [
    _where,
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
]


def configure(level: str) -> None:
    """Write the connector's own lines and those of libraries to stdout in one format, from this level on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, *_RENDER],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[_foreign, *_RENDER])
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    # They say on each request or task what our own lines say once an outcome.
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu", "urllib3", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It tells of each attempt to connect; whoever needed the connection says so once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def logger(part: str) -> FilteringBoundLogger:
    """Return the log of a part of the connector, such as `pipeline`."""
    return cast("FilteringBoundLogger", structlog.get_logger(part=part))


def health(check: Callable[[], None]) -> flask.Blueprint:
    """Return the routes `/health` (the process runs) and `/health/ready` (`check` does not raise)."""
    blueprint = flask.Blueprint("health", __name__)

    @blueprint.get("/health")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @blueprint.get("/health/ready")
    def ready() -> tuple[dict[str, str], int]:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is not ready
            return {"status": "unavailable", "reason": type(error).__name__}, 503
        return {"status": "ok"}, 200

    return blueprint


def _foreign(_logger: Any, _name: str, event: EventDict) -> EventDict:
    record = event.pop("_record")
    event.pop("_from_structlog", None)
    # A library that logs an exception likes to quote it, and with it people's data.
    said = f"{record.name} failed" if record.exc_info else without_tokens(str(event["event"]).strip())
    return {**event, "part": record.name, "event": said}
