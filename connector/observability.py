"""Sets up the log.

The log has one logfmt line on stdout for each outcome. The event of a line is named `noun.past_participle`. A line
never contains personal data. It names stores and events by name or number, and never names a customer.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog

from connector.http.redaction import without_tokens

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor


def _describe_exception(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the files and lines of its traceback.

    The message and the code lines are left out: PostgreSQL quotes values there, and a path may hold a store's token.
    """
    exc_info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info[1] if isinstance(exc_info, tuple) else exc_info
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
    _describe_exception,
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
]


def configure(level: str) -> None:
    """Log to stdout, with this level and above. The connector's lines and those of libraries have the same format."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, *_RENDER],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[_describe_library_line, *_RENDER])
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    # These libraries log every request or task. The connector's own lines say the same once for each outcome.
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu", "urllib3", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The pool logs every attempt to connect. The caller that needed the connection logs the failure once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def logger(part: str) -> FilteringBoundLogger:
    """Return the logger of one part of the connector, such as `pipeline`."""
    return cast("FilteringBoundLogger", structlog.get_logger(part=part))


def _describe_library_line(_logger: Any, _name: str, event: EventDict) -> EventDict:
    record = event.pop("_record")
    event.pop("_from_structlog", None)
    # When a library logs an exception, its line often quotes the message, which may contain personal data.
    text = f"{record.name} failed" if record.exc_info else without_tokens(str(event["event"]).strip())
    return {**event, "part": record.name, "event": text}
