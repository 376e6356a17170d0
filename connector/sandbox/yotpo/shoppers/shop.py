"""Where a store's customers meet its webhooks: who acts, what is told of it, and to which URL."""

from dataclasses import dataclass, field
from random import Random

import orjson

from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.repertoire import LOYALTY_DEEDS, REVIEW_DEEDS, Deed
from connector.sandbox.yotpo.shoppers.scene import Memory, Scene
from connector.sandbox.yotpo.shoppers.sender import Manner, Parcel, Sender, fate
from connector.sandbox.yotpo.store import Store


@dataclass
class Shop:
    """What the webhooks of one store need for as long as the store lives."""

    store: Store
    memory: Memory = field(default_factory=Memory)
    sender: Sender = field(default_factory=Sender)

    def scene(self, dice: Random) -> Scene:
        return Scene(self.store, dice, self.memory)

    def deeds(self) -> tuple[Deed, ...]:
        """What can be done of which anybody is told, as the store's webhooks are set now."""
        told: tuple[Deed, ...] = LOYALTY_DEEDS if self.store.loyalty_webhook else ()
        return told + tuple(each for each in REVIEW_DEEDS if each.topic in self.store.review_webhooks)

    def send(self, webhooks: list[Webhook], manner: Manner, dice: Random) -> list[Webhook]:
        """Send what there is a URL for, and return it. Only what is sent has told anything.

        The caller holds the world's lock, and has held it since the customer began to act: so the truth changes in
        the same step in which it is told.
        """
        return [each for each in webhooks if self._send(each, manner, dice)]

    def _send(self, webhook: Webhook, manner: Manner, dice: Random) -> bool:
        drawn = fate(manner, dice)
        url = self._url(webhook.topic)
        if url is None:
            return False
        # Two customers may share a thread, but no customer has two.
        queue = str(webhook.about[0].person.number) if webhook.about else webhook.topic
        self.sender.send(queue, Parcel(url, self._headers(webhook.topic), orjson.dumps(webhook.body), manner), drawn)
        if not drawn.lost:
            self.memory.note(webhook)
        return not drawn.lost

    def _url(self, topic: str) -> str | None:
        if topic in self.store.review_webhooks:
            return self.store.review_webhooks[topic]
        if _is_of_reviews(topic) or self.store.loyalty_webhook is None:
            return None
        return self.store.loyalty_webhook.url

    def _headers(self, topic: str) -> dict[str, str]:
        """The merchant's secret goes with what the loyalty product sends, and with nothing else."""
        pasted = self.store.loyalty_webhook
        if topic in self.store.review_webhooks or pasted is None or pasted.secret is None:
            return {}
        return {pasted.header: pasted.secret}


def _is_of_reviews(topic: str) -> bool:
    """Whether a topic comes only where its webhook was registered.

    Review requests, which nobody can register at the legacy API, come to the loyalty product's URL here.
    """
    return topic in {each.topic for each in REVIEW_DEEDS}
