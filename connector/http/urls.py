"""The webhook URL of a store, and a check that credentials may be sent to a URL."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

#: The path with which all webhook URLs begin. The store's token follows and, optionally, a topic.
WEBHOOKS = "/webhooks/yotpo"
#: Error messages use this text to say what `is_safe_destination` requires.
SAFE_DESTINATION = "an https URL of a host (http only on this machine itself)"


def is_safe_destination(url: str) -> bool:
    """Return whether credentials may be sent to this URL and a path may be appended to it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
    return bool(host) and plain and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host or "")))


def webhook(public_url: str, token: str) -> str:
    """Return the URL that receives a store's webhooks."""
    return f"{public_url.rstrip('/')}{WEBHOOKS}/{token}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
