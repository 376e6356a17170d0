"""Insider's own names with their kinds of values, the params that Insider requires, and the limit of custom names.

The facts are from Insider's API reference, "Upsert User Data", and from its guides to attributes and custom events. The
wire format in `connector.insider` sends the same names outside of ``custom``. A test checks that both lists agree.
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
#: The kinds of both, by the section of the mapping and then by name.
KINDS = {"attributes": _ATTRIBUTES, "params": _PARAMS}

#: If an event lacks one of these params, Insider refuses the event and its user.
REQUIRED_PARAMS = {
    "purchase": frozenset({"event_group_id", "unit_sale_price", "currency", "quantity"}),
    "cart_page_view": frozenset({"event_group_id", "unit_sale_price", "currency"}),
}

#: An account can have this many custom attributes, and the same number of custom params, from all sources together.
BUDGET = 80
