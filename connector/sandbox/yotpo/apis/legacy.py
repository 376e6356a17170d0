"""The legacy App Developer API v2: the connection test, review webhooks, and a customer by e-mail address.

What the envelopes of `info` and of `customers` look like isn't known; reviews have been seen in `response`.
"""

from zlib import crc32

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object, as_text
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis.loyalty_shape import legacy_customer
from connector.sandbox.yotpo.store import Wanted
from connector.sandbox.yotpo.world import Call

_REVIEW_EVENTS = ("review_create", "review_updated")
_LONGEST_URL = 2048


def info(call: Call) -> Answer:
    return Answer(200, {"response": {"app_key": call.store.app_key, "store_name": f"Shop {call.store.app_key}"}})


def customer(call: Call) -> Answer:
    email = call.received.asked("customer_email")
    if not email:
        return answers.error("customer_email is required")
    found = call.store.found(Wanted(emails=frozenset({email.strip().lower()})))
    return Answer(200, {"response": {"customers": [legacy_customer(person) for person in found]}})


def list_webhooks(call: Call) -> Answer:
    webhooks = call.store.review_webhooks
    return Answer(200, {"webhooks": {"webhooks": [_webhook(event, url) for event, url in webhooks.items()]}})


def create_webhook(call: Call) -> Answer:
    """Register the only webhook that an event can have, whoever registered it."""
    body = as_object(call.received.body)
    event, url = as_text(body.get("event_name")), as_text(body.get("url"))
    if event not in _REVIEW_EVENTS:
        return answers.error(f"event_name must be one of {', '.join(_REVIEW_EVENTS)}")
    if not url.startswith(("https://", "http://")) or len(url) > _LONGEST_URL:
        return answers.error("url is invalid")
    if event in call.store.review_webhooks:
        return answers.error(f"A webhook for the event {event} already exists for this account")
    call.store.review_webhooks[event] = url
    return Answer(200, {"webhook": _webhook(event, url)})


def delete_webhook(call: Call) -> Answer:
    webhooks = call.store.review_webhooks
    event = next((each for each in webhooks if str(_webhook_id(each)) == call.received.named["webhook_id"]), None)
    if event is None:
        return answers.html(404, "404 Not Found")
    del webhooks[event]
    return Answer(200, {})


def _webhook(event: str, url: str) -> dict[str, str | int]:
    """A request says `event_name`, an answer `webhook_event_name`."""
    return {"id": _webhook_id(event), "webhook_event_name": event, "url": url}


def _webhook_id(event: str) -> int:
    return crc32(event.encode()) % 1_000_000
