"""Insider's own names with the kind of value of each, the params that it requires, and how many custom names it takes.

These are facts from Insider's API reference, "Upsert User Data", and from its guides to attributes and custom events.
The wire format in `connector.insider` sends the same names outside of ``custom``; a test checks that both lists agree.
"""

from __future__ import annotations

#: Kinds of Insider's default attributes, by name.
_ATTRIBUTES = {
    **dict.fromkeys(("name", "surname", "gender", "language", "lo", "country", "city"), "text"),
    **dict.fromkeys(("email_optin", "sms_optin", "whatsapp_optin", "gdpr_optin"), "boolean"),
    "birthday": "time",
    "age": "number",
    "static_segment_id": "list",
}
#: Kinds of Insider's default params, by name. `shipping_cost` is a text because Insider's table says so.
_PARAMS = {
    **dict.fromkeys(("event_group_id", "product_id", "name", "url", "currency", "locale", "color", "size"), "text"),
    **dict.fromkeys(("shipping_cost", "promotion_name"), "text"),
    **dict.fromkeys(("quantity", "unit_price", "unit_sale_price", "promotion_discount"), "number"),
    "taxonomy": "list",
}
#: The kinds by section of a mapping and name.
KINDS = {"attributes": _ATTRIBUTES, "params": _PARAMS}

#: Insider refuses an event without these params, and the user with it.
REQUIRED_PARAMS = {
    "purchase": frozenset({"event_group_id", "unit_sale_price", "currency", "quantity"}),
    "cart_page_view": frozenset({"event_group_id", "unit_sale_price", "currency"}),
}

#: An account can have this many custom attributes, and as many custom params, over all its sources.
BUDGET = 80
