"""Small mapping sets, one of another release, and functions to activate them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import mapping
from connector.journal import mapping_sets
from connector.workshop import activation
from tests.delivery.pipelines import balance_files

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.mapping import MappingSet
    from connector.workshop.activation import Change
A, B, C = (mapping.load_files(balance_files(name)) for name in "abc")
#: Its grammar is that of another release.
STRANGE = {"a.b.yaml": b"topic: a/b\ndescription: Something.\nnotice: {text: Something.}\nrules: {}\n"}


def activate(connection: Connection, mappings: MappingSet | None, actor: str = "ann") -> Change:
    with connection.transaction():
        if mappings:
            activation.keep(connection, mappings)
        version = mappings.version if mappings else None
        return activation.activate(connection, version, actor=actor, reason="better")


def activate_strange(connection: Connection) -> None:
    """Activate a set that this release cannot load, as another release would."""
    with connection.transaction():
        mapping_sets.keep(connection, "strange", STRANGE, topics=1)
        before = mapping_sets.lock(connection)
        mapping_sets.activate(connection, "strange", previous_id=before.id, actor="ann", reason="newer")
