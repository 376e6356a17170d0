"""An answer, and how it goes out."""

import socket
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Response, request


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. A body that is a text goes out as it is, any other as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def as_response(answer: Answer | None) -> Response:
    """Return what the server sends; None drops the connection."""
    if answer is None:
        return _dropped()
    body = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body)
    return Response(body, answer.status, answer.headers, content_type=answer.content_type)


def _dropped() -> Response:
    """Close the connection, so that the response never leaves."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    return Response()
