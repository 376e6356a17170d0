"""A store of the running connector, its webhooks, and what the journal keeps of them."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import psycopg
import requests
from psycopg.rows import dict_row

from connector.journal.packing import unpack

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack


def points_earned(number: int | None = None, **customer: Any) -> dict[str, Any]:
    number = number or secrets.randbelow(10**12)
    return {
        "topic": "swell/points/earned",
        "customer": {"email": f"ann.{number}@example.com", "points_balance": 5, **customer},
        "perk": {"id": number, "reward_points": 5},
    }


class Store:
    """A store of the running connector, with what the journal keeps of it."""

    def __init__(self, stack: Stack, *flags: str) -> None:
        self.stack = stack
        self.name = f"intake-{secrets.token_hex(4)}"
        told = stack.command("stores", "add", self.name, "--insider-partner", "p", "--insider-token", "t", *flags)
        self.url = told["webhook_url"]

    def post(self, content: Any, path: str = "", **options: Any) -> requests.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return requests.post(self.url + path, data=body, timeout=60, **options)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.stack.environment["DATABASE_URL"], row_factory=dict_row) as connection:
            return connection.execute(
                f"with store as (select id from stores where name = %s) {query}",
                (self.name,),
            ).fetchall()

    def events(self) -> list[dict[str, Any]]:
        events = self.rows("select * from events where store_id = (table store) order by id")
        return [{**event, "body": unpack(event["body"])} for event in events]

    def eventually(self, query: str, seconds: float = 60) -> list[dict[str, Any]]:
        """Return the rows as soon as there are any."""
        patience = time.monotonic() + seconds
        while not (rows := self.rows(query)) and time.monotonic() < patience:
            time.sleep(0.02)
        return rows
