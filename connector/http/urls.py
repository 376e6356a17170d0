"""Which URLs credentials may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

#: Behind it come the store's token and, where one likes, a topic.
WEBHOOKS = "/webhooks/yotpo"
#: What `is_safe_destination` asks for.
SAFE_DESTINATION = "an https URL of a host (http only on this machine itself)"


def is_safe_destination(url: str) -> bool:
    """Whether credentials may be sent to this URL, and a path be added to it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
    return bool(host) and plain and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host or "")))


def webhook(public_url: str, token: str) -> str:
    """Return the URL at which a store's webhooks are taken."""
    return f"{public_url.rstrip('/')}{WEBHOOKS}/{token}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
