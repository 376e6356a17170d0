"""What an answer of Yotpo means, by its status; and what Yotpo says about it, in whichever shape, as one sentence.

Shapes seen: ``{"error": "…"}``, ``{"errors": [{"message": {"customer": "…"}}]}``, ``{"errors": {"email": ["…"]}}``,
``{"message": "…"}``, ``{"status": {"message": "…"}}``, plain text, and pages of HTML from whatever stands in between.
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

_EXPIRED = frozenset({400, 404, 410, 422})
_AGAIN = frozenset({408, 425})
_SENTENCE_LIMIT = 300
_TEXT_LIMIT = 20_000
_DEPTH_LIMIT = 5
_NOTHING_FOUND = re.compile(r"no results? found", re.IGNORECASE)
_NOT_ENROLLED = re.compile(r"does not exist|could not find|not found", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
_SAYING = ("error", "error_description", "errors", "message", "detail")


def check(reply: Reply, *, secrets: Iterable[str | None] = (), paged: bool = False) -> Reply:
    """Return the answer where it is a success; raises the YotpoError that its status stands for.

    `secrets` are left out of what Yotpo says. `paged` is True where a cursor was sent, which may have expired.
    """
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return reply
    said = sentence(reply.content, secrets) or "it gives no reason"
    if status == HTTPStatus.UNAUTHORIZED:
        raise YotpoUnauthorized(_bounded(f"Yotpo does not take the credentials ({status}): {said}"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise YotpoUnavailable(
            _bounded(f"Yotpo limits the rate of this store ({status}): {said}"),
            retry_after=_wait_seconds(reply),
            limited=True,
        )
    if status == HTTPStatus.FORBIDDEN and reply.content.lstrip().startswith(b"<"):
        # A firewall, which knows nothing of credentials.
        raise YotpoUnavailable(_bounded(f"something before Yotpo answers {status}: {said}"))
    if status in _AGAIN or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise YotpoUnavailable(_bounded(f"Yotpo answers {status}: {said}"), retry_after=_wait_seconds(reply))
    refused = CursorExpired if paged and status in _EXPIRED else YotpoRefused
    raise refused(_bounded(f"Yotpo refuses the request ({status}): {said}"), status=status)


def unreadable(reply: Reply, *, secrets: Iterable[str | None] = ()) -> YotpoUnavailable:
    """Return the error of a success that does not hold what it should."""
    said = sentence(reply.content, secrets) or ("JSON of another shape" if reply.content else "nothing")
    return YotpoUnavailable(_bounded(f"Yotpo answers {reply.status}, but what it says cannot be read: {said}"))


def says_nothing_found(refused: YotpoRefused) -> bool:
    """Whether this is but an empty list: Yotpo may answer a search without results with 400."""
    return refused.status == HTTPStatus.BAD_REQUEST and bool(_NOTHING_FOUND.search(str(refused)))


def says_not_enrolled(refused: YotpoRefused) -> bool:
    """Whether the customer has just not joined the loyalty programme: answered with 404, or with 400 and a sentence."""
    return refused.status == HTTPStatus.NOT_FOUND or (
        refused.status == HTTPStatus.BAD_REQUEST and bool(_NOT_ENROLLED.search(str(refused)))
    )


def sentence(content: bytes, secrets: Iterable[str | None] = ()) -> str:
    """Return what an answer says, without people's addresses and numbers, tokens and secrets; empty where nothing."""
    said = " ".join(_said(content).split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "*")
    said = redaction.without_people(redaction.without_tokens(said).encode(errors="replace")).decode(errors="replace")
    return "".join(character for character in said if character.isprintable()).strip()


def _said(content: bytes) -> str:
    try:
        return _joined(orjson.loads(content))
    except orjson.JSONDecodeError:
        text = content[:_TEXT_LIMIT].decode(errors="replace").strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page, “{html.unescape(title[1]).strip()}”" if title else "an HTML page"
    # What looks like JSON and is none may be the first half of a customer.
    return "JSON that is cut off" if text[:1] in ("{", "[") else text


def _joined(answer: Any, depth: int = 0) -> str:
    """Join what stands under the keys that tell of errors; a customer has none of them."""
    if isinstance(answer, str) or depth == _DEPTH_LIMIT:
        return answer if isinstance(answer, str) else ""
    if isinstance(answer, list):
        return ", ".join(filter(None, (_joined(one, depth + 1) for one in answer)))
    if not isinstance(answer, dict):
        return ""
    found = [_told(answer[key]) for key in _SAYING if key in answer]
    if isinstance(answer.get("status"), dict):
        found.append(_joined(answer["status"], depth + 1))
    return ": ".join(dict.fromkeys(filter(None, found)))


def _told(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth == _DEPTH_LIMIT:
        return ""
    if isinstance(value, list):
        return ", ".join(filter(None, (_told(one, depth + 1) for one in value)))
    if isinstance(value, dict):
        named = {key: _told(one, depth + 1) for key, one in value.items()}
        return ", ".join(said if key in _SAYING else f"{key}: {said}" for key, said in named.items() if said)
    return ""


def _wait_seconds(reply: Reply) -> float | None:
    asked = outbound.retry_after(reply.headers)
    return reset_seconds(reply.headers) if asked is None else asked


def _bounded(message: str) -> str:
    return message[:_SENTENCE_LIMIT]
