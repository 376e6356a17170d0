"""The switches that tests can set: behaviour that Yotpo's pages do not describe, or describe in two ways."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from connector.sandbox.simulation import switches
from connector.sandbox.simulation.switches import WrongSwitchError
from connector.sandbox.yotpo.people.generator import Shares


@dataclass
class Switches(switches.Switches):
    choices: ClassVar = {
        "rate_headers": ("draft", "retry_after", "both", "none"),
        "empty_as": ("list", "400"),
        "cursor_status": (400, 404, 410, 422),
        "expand": ("both", "loyalty_only", "reviews_only", "single_only", "single_only_400"),
        "not_enrolled": (400, 404),
        "patch_status": (200, 201, 202, 204),
    }

    #: How long a token of Core v3 is valid (14 days on the pages of v1.0); null: for ever. OAuth tokens never expire.
    token_seconds: float | None = 1_209_600
    #: The stores (app keys) whose tokens and keys are all refused, and that get no new token.
    revoked: list[str] = field(default_factory=list)
    requests_per_second: int = 5
    #: Which headers tell a client to slow down: RateLimit-Remaining and -Reset (draft), Retry-After with a 429
    #: (retry_after), both, or none.
    rate_headers: str = "draft"
    #: What a search without results answers: an empty list, or a 400 that says "no results found".
    empty_as: str = "list"
    #: Whether other parameters than `limit` beside `page_info` are refused with a 400.
    strict_page_info: bool = False
    #: How long a cursor is valid; null: for ever.
    cursor_seconds: float | None = None
    #: The status if a cursor is too old or broken.
    cursor_status: int = 400
    #: How long after a PATCH the change becomes visible.
    visibility_seconds: float = 60
    patch_status: int = 200
    #: What `expand` with two values shows: both blocks, one of them, neither (single_only), or a 400.
    expand: str = "both"
    #: Whether the next pages have the blocks too, although only the first request asked for them.
    expand_survives: bool = True
    #: The status of the Loyalty API if a customer is not enrolled.
    not_enrolled: int = 404
    #: The stores (app keys) that have no loyalty product at all.
    no_loyalty: list[str] = field(default_factory=list)
    #: Whether Core's times are without a zone.
    zoneless: bool = True
    #: Whether `account_updated_at` is left out if it has no value; otherwise it is null.
    updated_at_absent: bool = False
    #: The shares of each kind of generated customers (see people/generator.Shares), for stores made from now on.
    shares: dict[str, float] = field(default_factory=dict)
    #: How long the code of an install is valid.
    code_seconds: float = 600
    #: How many requests the log keeps.
    log_size: int = 10_000

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if name == "shares":
            read_shares(value)


def read_shares(values: dict[str, float]) -> Shares:
    """Read the shares of kinds of customers from JSON. Raises WrongSwitchError for a wrong name or type."""
    names = {entry.name for entry in fields(Shares)}
    wrong = [name for name, share in values.items() if name not in names or type(share) not in (int, float)]
    if wrong:
        raise WrongSwitchError(f"Not a share from 0 to 1: {', '.join(wrong)}. There are: {', '.join(sorted(names))}.")
    return Shares(**values)
