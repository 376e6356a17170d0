"""The legacy App Developer API v2: tests the connection, registers review webhooks, finds a customer by e-mail address.

The real envelopes of `info` and `customers` aren't known. The simulator uses `response`, because real answers with
reviews use it.
"""

from zlib import crc32

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object, as_text
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis.loyalty_shape import legacy_customer
from connector.sandbox.yotpo.store import Lookup
from connector.sandbox.yotpo.world import Call

_REVIEW_EVENTS = ("review_create", "review_updated")
_LONGEST_URL = 2048


def info(call: Call) -> Answer:
    return Answer(200, {"response": {"app_key": call.store.app_key, "store_name": f"Shop {call.store.app_key}"}})


def customer(call: Call) -> Answer:
    email = call.request.parameter("customer_email")
    if not email:
        return answers.error("customer_email is required")
    people = call.store.search(Lookup(emails=frozenset({email.strip().lower()})))
    return Answer(200, {"response": {"customers": [legacy_customer(person) for person in people]}})


def list_webhooks(call: Call) -> Answer:
    webhooks = call.store.review_webhooks
    return Answer(200, {"webhooks": {"webhooks": [_webhook(event, url) for event, url in webhooks.items()]}})


def create_webhook(call: Call) -> Answer:
    """Register the webhook of an event. An event can have only one webhook, even if a second app asks for one."""
    body = as_object(call.request.body)
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
    webhook_id = call.request.path_values["webhook_id"]
    event = next((name for name in webhooks if str(_webhook_id(name)) == webhook_id), None)
    if event is None:
        return answers.html(404, "404 Not Found")
    del webhooks[event]
    return Answer(200, {})


def _webhook(event: str, url: str) -> dict[str, str | int]:
    """Return a webhook as answers show it. Requests have the event in `event_name`, answers in `webhook_event_name`."""
    return {"id": _webhook_id(event), "webhook_event_name": event, "url": url}


def _webhook_id(event: str) -> int:
    return crc32(event.encode()) % 1_000_000
