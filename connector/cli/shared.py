"""Shared code of the commands: options, settings, the connection to the journal, and the output."""

from __future__ import annotations

import getpass
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.errors import ConnectorError
from connector.journal import stores
from connector.journal.database import Database
from connector.journal.vault import Vault
from connector.settings import DEFAULT_MAPPINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.journal.database import Connection

#: A table shows this many characters of an object or a list; JSON shows all of it.
_CELL = 200

with_format = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
with_mappings = click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DEFAULT_MAPPINGS,
    envvar="MAPPINGS_DIR",
    show_envvar=True,
    help="The directory of the mapping files.",
)
with_store = click.option("--store", "store_name", help="Only this store.")


def not_blank(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the text of an option. Raises BadParameter if it is blank, because operators will read it later."""
    if value is not None and not value.strip():
        raise click.BadParameter("it must not be blank", param=option)
    return value


#: The type of an argument or option that is the id of an event or a replay.
NUMBER = click.IntRange(1, 2**63 - 1)
with_actor = click.option(
    "--by",
    "actor",
    callback=not_blank,
    default=getpass.getuser,
    show_default="your account here",
    help="Your name for the audit trail.",
)
with_reason = click.option("--reason", prompt="Why", callback=not_blank, help="The reason, for the audit trail.")
with_limit = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)


class Group(click.Group):
    """A group whose commands show a ConnectorError as one sentence, with exit status 1 and without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)


@cache
def settings() -> Settings:
    return Settings.read()


@cache
def vault() -> Vault:
    return Vault(settings().secret_key)


@contextmanager
def journal() -> Iterator[Connection]:
    """Yield a connection to the journal, inside a transaction."""
    with database() as opened, opened.transaction() as connection:
        yield connection


@contextmanager
def database() -> Iterator[Database]:
    """Yield the journal's database, for a command that needs several transactions."""
    opened = Database.of(settings(), connections=1, wait_seconds=5.0)
    try:
        yield opened
    finally:
        opened.close()


def store_id(connection: Connection, name: str | None) -> int | None:
    return stores.by_name(connection, vault(), name).id if name else None


def show(rows: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print rows as a table, or as a JSON array."""
    if form == "json":
        show_json(list(rows))
        return
    if not rows:
        click.echo("none")
        return
    lines = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_json(content: Any) -> None:
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(content, option=options, default=str).decode())


def print_result(content: Any, text: str, form: str) -> None:
    """Print the content as JSON, or print the text for people. An empty text is not printed."""
    if form == "json":
        show_json(content)
    elif text:
        click.echo(text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 event`` or ``1,000 events``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cell(value: Any) -> str:
    """Return the text of a value for a table."""
    if value is None:
        return "-"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()[:_CELL]
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") and hasattr(value, "hour") else str(value)
