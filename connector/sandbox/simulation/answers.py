"""An answer, and how it is sent."""

import socket
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Response, request


@dataclass(frozen=True)
class Answer:
    """One HTTP response. A text body is sent as it is, any other body as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def as_response(answer: Answer | None) -> Response:
    """Return the response that Flask sends. If there is no answer, drop the connection."""
    if answer is None:
        return _dropped()
    body = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body)
    return Response(body, answer.status, answer.headers, content_type=answer.content_type)


def _dropped() -> Response:
    """Close the connection, so that the client never gets the response."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    return Response()
