"""What Insider fixes by itself: names of its own with their kinds of values, and how many names an account takes.

Facts from Insider's API reference, "Upsert User Data", and its guides to attributes and custom events. The wire format
in `connector.insider` sends the same names outside of ``custom``; a test holds the two equal.
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
#: Kinds of Insider's default params, by name. That `shipping_cost` is a text is what Insider's table says.
_PARAMS = {
    **dict.fromkeys(("event_group_id", "product_id", "name", "url", "currency", "locale", "color", "size"), "text"),
    **dict.fromkeys(("shipping_cost", "promotion_name"), "text"),
    **dict.fromkeys(("quantity", "unit_price", "unit_sale_price", "promotion_discount"), "number"),
    "taxonomy": "list",
}
#: By section of a mapping.
KINDS = {"attributes": _ATTRIBUTES, "params": _PARAMS}

#: Without these params Insider refuses the event, and with it the user.
REQUIRED_PARAMS = {
    "purchase": frozenset({"event_group_id", "unit_sale_price", "currency", "quantity"}),
    "cart_page_view": frozenset({"event_group_id", "unit_sale_price", "currency"}),
}

#: So many custom attributes, and so many custom params, an account has over all its sources.
BUDGET = 80
