"""Connects a store's customers with its webhooks: finds the possible actions, and the URL of each webhook."""

from dataclasses import dataclass, field
from random import Random

import orjson

from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.repertoire import LOYALTY_ACTIONS, REVIEW_ACTIONS, Action
from connector.sandbox.yotpo.shoppers.scene import Memory, Scene
from connector.sandbox.yotpo.shoppers.sender import OutgoingWebhook, Sender, SendOptions, draw_schedule
from connector.sandbox.yotpo.store import Store


@dataclass
class Shop:
    """One store with its memory and its sender. The shop exists as long as the store."""

    store: Store
    memory: Memory = field(default_factory=Memory)
    sender: Sender = field(default_factory=Sender)

    def scene(self, dice: Random) -> Scene:
        return Scene(self.store, dice, self.memory)

    def actions(self) -> tuple[Action, ...]:
        """Return the actions that cause a webhook with the current settings of the store."""
        actions: tuple[Action, ...] = LOYALTY_ACTIONS if self.store.loyalty_webhook else ()
        return actions + tuple(action for action in REVIEW_ACTIONS if action.topic in self.store.review_webhooks)

    def send(self, webhooks: list[Webhook], send_options: SendOptions, dice: Random) -> list[Webhook]:
        """Send the webhooks that have a URL, and return them without the lost ones.

        The memory saves only the values of the returned webhooks. The caller holds the world's lock from the start of
        the action, so the customer's state and the saved values change together.
        """
        return [webhook for webhook in webhooks if self._send(webhook, send_options, dice)]

    def _send(self, webhook: Webhook, send_options: SendOptions, dice: Random) -> bool:
        # A webhook without a URL also uses random draws, so the later draws stay the same.
        schedule = draw_schedule(send_options, dice)
        url = self._url(webhook.topic)
        if url is None:
            return False
        order_key = str(webhook.subjects[0].person.number) if webhook.subjects else webhook.topic
        headers = self._headers(webhook.topic)
        self.sender.send(order_key, OutgoingWebhook(url, headers, orjson.dumps(webhook.body), send_options), schedule)
        if not schedule.lost:
            self.memory.note(webhook)
        return not schedule.lost

    def _url(self, topic: str) -> str | None:
        if topic in self.store.review_webhooks:
            return self.store.review_webhooks[topic]
        if _is_review_topic(topic) or self.store.loyalty_webhook is None:
            return None
        return self.store.loyalty_webhook.url

    def _headers(self, topic: str) -> dict[str, str]:
        """Return the header with the merchant's secret. Only webhooks of the loyalty product have this header."""
        loyalty_webhook = self.store.loyalty_webhook
        if topic in self.store.review_webhooks or loyalty_webhook is None or loyalty_webhook.secret is None:
            return {}
        return {loyalty_webhook.header: loyalty_webhook.secret}


def _is_review_topic(topic: str) -> bool:
    """Return whether a topic needs a registered review webhook.

    The legacy API cannot register webhooks of review requests. The simulator sends them to the loyalty product's URL.
    """
    return topic in {action.topic for action in REVIEW_ACTIONS}
