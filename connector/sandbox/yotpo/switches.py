"""The switches that tests can set. They change behaviour that Yotpo's pages leave open or describe in two ways."""

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

    #: How long a merchant's token is valid. Yotpo's pages for v1.0 say 14 days. Null: the token never expires. The
    #: tokens of apps never expire.
    token_seconds: float | None = 1_209_600
    #: The stores (app keys) whose credentials are revoked: all requests are refused, also requests for new tokens.
    revoked: list[str] = field(default_factory=list)
    requests_per_second: int = 5
    #: The headers that tell a client to slow down. `draft`: RateLimit-Remaining and RateLimit-Reset. `retry_after`:
    #: Retry-After in an answer with status 429.
    rate_headers: str = "draft"
    #: The answer to a search without results: an empty list, or "no results found" with status 400.
    empty_as: str = "list"
    #: Whether a request is refused (status 400) if it has `page_info` and any other parameter except `limit`.
    strict_page_info: bool = False
    #: How long a cursor is valid. Null: it never expires.
    cursor_seconds: float | None = None
    #: The status of an answer that refuses a cursor which is too old or broken.
    cursor_status: int = 400
    #: The time between a PATCH request and its visible effect.
    visibility_seconds: float = 60
    patch_status: int = 200
    #: The answer to `expand` with two values: both blocks, one block, no block (single_only), or an error with status
    #: 400 (single_only_400).
    expand: str = "both"
    #: Whether the next pages also have the blocks if only the request for the first page has `expand`.
    expand_survives: bool = True
    #: The status of the Loyalty API's answer if a customer is not enrolled.
    not_enrolled: int = 404
    #: The stores (app keys) without the loyalty product.
    no_loyalty: list[str] = field(default_factory=list)
    #: Whether times in Core v3 have no zone.
    zoneless: bool = True
    #: Whether Core v3 leaves out `account_updated_at` if it has no value. If the switch is off, the field is null.
    updated_at_absent: bool = False
    #: The share of each kind of generated customers, for new stores (see people/generator.Shares).
    shares: dict[str, float] = field(default_factory=dict)
    #: How long the code of an install is valid.
    code_seconds: float = 600
    #: The number of requests that the log keeps.
    log_size: int = 10_000

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if name == "shares":
            read_shares(value)


def read_shares(values: dict[str, float]) -> Shares:
    """Read the share of each kind of customers from JSON. Raises WrongSwitchError for a wrong name or type."""
    names = {entry.name for entry in fields(Shares)}
    wrong = [name for name, share in values.items() if name not in names or type(share) not in (int, float)]
    if wrong:
        raise WrongSwitchError(f"Not a share from 0 to 1: {', '.join(wrong)}. There are: {', '.join(sorted(names))}.")
    return Shares(**values)
