"""What tests can switch: everything that no page of Yotpo says, or that two pages say differently."""

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

    #: How long a token of Core v3 lasts (14 days on the pages of v1.0); null: for ever. OAuth tokens always do.
    token_seconds: float | None = 1_209_600
    #: The stores (app keys) of which every token is refused, for ever, and that get no new one.
    revoked: list[str] = field(default_factory=list)
    requests_per_second: int = 5
    #: What tells a client to slow down: RateLimit-Remaining and -Reset (draft), Retry-After with a 429, both, none.
    rate_headers: str = "draft"
    #: What a search without a result answers: an empty list, or a 400 that says "no results found".
    empty_as: str = "list"
    #: Whether anything but `limit` beside `page_info` is refused with a 400.
    strict_page_info: bool = False
    #: How long a cursor can be used, null: for ever, and what an old or a broken one answers.
    cursor_seconds: float | None = None
    cursor_status: int = 400
    #: How long a PATCH takes to be seen.
    visibility_seconds: float = 60
    patch_status: int = 200
    #: What `expand` with two values shows: both blocks, one of them, neither (single_only), or a 400.
    expand: str = "both"
    #: Whether the blocks are there on the next pages, too, although only the first request has asked for them.
    expand_survives: bool = True
    #: The status that the Loyalty API answers about who is not enrolled.
    not_enrolled: int = 404
    #: The stores (app keys) that have no loyalty product at all.
    no_loyalty: list[str] = field(default_factory=list)
    #: Whether Core's times are without a zone.
    zoneless: bool = True
    #: Whether `account_updated_at` is left out where there is none; it is null otherwise.
    updated_at_absent: bool = False
    #: Of what kinds the generated customers are (see people.Shares); counts for stores that are made from now on.
    shares: dict[str, float] = field(default_factory=dict)
    #: How long the code of an install can be exchanged.
    code_seconds: float = 600
    #: Requests that the log keeps.
    log_size: int = 10_000

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if name == "shares":
            read_shares(value)


def read_shares(given: dict[str, float]) -> Shares:
    """Take the shares of kinds of customers from JSON. Raises WrongSwitchError."""
    known = {entry.name for entry in fields(Shares)}
    wrong = [name for name, share in given.items() if name not in known or type(share) not in (int, float)]
    if wrong:
        raise WrongSwitchError(f"Not a share from 0 to 1: {', '.join(wrong)}. There are: {', '.join(sorted(known))}.")
    return Shares(**given)
