"""Builds the webhooks that are about the merchant. They contain no customer."""

from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects
from connector.sandbox.yotpo.shoppers.payloads.loyalty_objects import FIVE_OFF
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Webhook


def codes_running_out(moment: Moment, unused: int = 0) -> Webhook:
    topic = "swell/redemption_code/below_threshold"
    priced = loyalty_objects.discount(FIVE_OFF, "custom") | {"discount_amount_cents": 0}
    body = {
        "topic": topic,
        "name": "Swell Redemption Code Below Threshold",
        "redemption_option": loyalty_objects.option(FIVE_OFF) | priced,
        "redemption_option_id": FIVE_OFF.id,
        "redemption_option_name": FIVE_OFF.name,
        "number_of_unused_codes": unused,
    }
    return Webhook(topic, moment.now, body)


def integration_disabled(moment: Moment, integration: str = "Commerce Cloud") -> Webhook:
    topic = "loyalty/integrations/integration_disabled"
    body = {
        "topic": topic,
        "name": "Loyalty Integrations Integration Disabled",
        "website_url": "http://test.com",
        "integration_name": integration,
    }
    return Webhook(topic, moment.now, body)
