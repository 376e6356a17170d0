"""Turns Yotpo's responses into exceptions by their status, with Yotpo's own message as one sentence.

The bodies of Yotpo's error responses have these formats: ``{"error": "…"}``, ``{"message": "…"}``,
``{"errors": [{"message": {"customer": "…"}}]}``, ``{"errors": {"email": ["…"]}}``, ``{"status": {"message": "…"}}``,
plain text, and HTML pages of proxies and firewalls.
"""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from connector.errors import CursorExpired, YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.http import outbound, redaction
from connector.yotpo.rate_limiter import reset_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.http.outbound import Reply

#: Yotpo may answer with one of these statuses if a cursor has expired.
_EXPIRED = frozenset({400, 404, 410, 422})
#: The 4xx statuses of temporary failures.
_TEMPORARY = frozenset({408, 425})
_SENTENCE_LIMIT = 300
_TEXT_LIMIT = 20_000
_DEPTH_LIMIT = 5
_NOTHING_FOUND = re.compile(r"no results? found", re.IGNORECASE)
_NOT_ENROLLED = re.compile(r"does not exist|could not find|not found", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
#: The keys of the messages in Yotpo's error responses.
_MESSAGE_KEYS = ("error", "error_description", "errors", "message", "detail")


def check(reply: Reply, *, secrets: Iterable[str | None] = (), paged: bool = False) -> Reply:
    """Return the response if it is a success, else raise the YotpoError for its status.

    `secrets` are removed from Yotpo's message. `paged` is True if the request had a cursor, which may have expired.
    """
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return reply
    message = sentence(reply.content, secrets) or "Yotpo gives no reason"
    if status == HTTPStatus.UNAUTHORIZED:
        raise YotpoUnauthorized(_bounded(f"Yotpo does not accept the credentials ({status}): {message}"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise YotpoUnavailable(
            _bounded(f"Yotpo limits the rate of this store ({status}): {message}"),
            retry_after=_wait_seconds(reply),
            limited=True,
        )
    if status == HTTPStatus.FORBIDDEN and reply.content.lstrip().startswith(b"<"):
        # This is the page of a firewall. It says nothing about the credentials.
        raise YotpoUnavailable(_bounded(f"a firewall or proxy in front of Yotpo answers {status}: {message}"))
    if status in _TEMPORARY or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise YotpoUnavailable(_bounded(f"Yotpo answers {status}: {message}"), retry_after=_wait_seconds(reply))
    error_class = CursorExpired if paged and status in _EXPIRED else YotpoRefused
    raise error_class(_bounded(f"Yotpo refuses the request ({status}): {message}"), status=status)


def unreadable(reply: Reply, *, secrets: Iterable[str | None] = ()) -> YotpoUnavailable:
    """Return the exception for a response that has a success status, but a body with an unexpected format."""
    message = sentence(reply.content, secrets) or ("JSON with unexpected content" if reply.content else "an empty body")
    return YotpoUnavailable(_bounded(f"Yotpo answers {reply.status}, but the response cannot be read: {message}"))


def says_nothing_found(refused: YotpoRefused) -> bool:
    """Whether the error only means an empty list: Yotpo may answer 400 to a search without results."""
    return refused.status == HTTPStatus.BAD_REQUEST and bool(_NOTHING_FOUND.search(str(refused)))


def says_not_enrolled(refused: YotpoRefused) -> bool:
    """Whether the error only means that the customer has not joined the loyalty programme.

    In this case, Yotpo answers with status 404, or with status 400 and a message.
    """
    return refused.status == HTTPStatus.NOT_FOUND or (
        refused.status == HTTPStatus.BAD_REQUEST and bool(_NOT_ENROLLED.search(str(refused)))
    )


def sentence(content: bytes, secrets: Iterable[str | None] = ()) -> str:
    """Return the message in a response, without personal data, tokens and secrets; empty if there is no message."""
    message = " ".join(_message(content).split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, "*")
    message = redaction.without_tokens(message)
    message = redaction.without_people(message.encode(errors="replace")).decode(errors="replace")
    return "".join(character for character in message if character.isprintable()).strip()


def _message(content: bytes) -> str:
    try:
        return _error_text(orjson.loads(content))
    except orjson.JSONDecodeError:
        text = content[:_TEXT_LIMIT].decode(errors="replace").strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page, “{html.unescape(title[1]).strip()}”" if title else "an HTML page"
    # Invalid JSON may be the first half of a customer's data, so it is not quoted.
    return "JSON that is cut off" if text[:1] in ("{", "[") else text


def _error_text(value: Any, depth: int = 0) -> str:
    """Join the texts under the keys that error messages have. A customer has none of these keys."""
    if isinstance(value, str) or depth == _DEPTH_LIMIT:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        return ", ".join(filter(None, (_error_text(item, depth + 1) for item in value)))
    if not isinstance(value, dict):
        return ""
    texts = [_all_text(value[key]) for key in _MESSAGE_KEYS if key in value]
    if isinstance(value.get("status"), dict):
        texts.append(_error_text(value["status"], depth + 1))
    return ": ".join(dict.fromkeys(filter(None, texts)))


def _all_text(value: Any, depth: int = 0) -> str:
    """Join all texts of an error message. Each text comes after its key, unless the key is in `_MESSAGE_KEYS`."""
    if isinstance(value, str):
        return value
    if depth == _DEPTH_LIMIT:
        return ""
    if isinstance(value, list):
        return ", ".join(filter(None, (_all_text(item, depth + 1) for item in value)))
    if isinstance(value, dict):
        texts = {key: _all_text(item, depth + 1) for key, item in value.items()}
        return ", ".join(text if key in _MESSAGE_KEYS else f"{key}: {text}" for key, text in texts.items() if text)
    return ""


def _wait_seconds(reply: Reply) -> float | None:
    seconds = outbound.retry_after(reply.headers)
    return reset_seconds(reply.headers) if seconds is None else seconds


def _bounded(message: str) -> str:
    return message[:_SENTENCE_LIMIT]
