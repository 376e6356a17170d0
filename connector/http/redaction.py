"""Hides tokens and people's data in texts that go to a log or into the journal."""

from __future__ import annotations

import re

# Addresses and numbers have separate patterns, and each scans a long word only once: a body of megabytes may be a
# single word.
_ADDRESS = re.compile(rb"(?<![^\s\"':,])[^\s\"':,]+(?:@|%40)[^\s\"':,]+")
_NUMBER = re.compile(rb"\+?\d[\d ().-]{5,}\d")
_TOKEN = re.compile(r"((?:access_token|utoken)(?:=|%3d))[^\s&\"'<>]+", re.IGNORECASE)


def without_people(content: bytes) -> bytes:
    """Return the text with a ``*`` in place of each e-mail address and each number that may be a phone number."""
    return _NUMBER.sub(b"*", _ADDRESS.sub(b"*", content))


def without_tokens(text: str) -> str:
    """Return the text with a ``*`` in place of each token in a URL: Yotpo's tokens are URL parameters."""
    return _TOKEN.sub(r"\1*", text)
