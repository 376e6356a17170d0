"""`connector mappings …`: the commands for people who edit mappings, from the first check to the activation.

checking    check, test; `problems` prints the problems of files
schema      schema
trying      try; `explaining` and `explaining_json` print all values of a webhook, `stories` one value in detail
comparing   diff
dictionary  table; `dictionary_pages` writes it as Markdown
versions    activate, rollback, versions, export
drift       drift; `drift_text` prints it
"""

from __future__ import annotations

import click

from connector.cli import shared
from connector.cli.mappings.checking import mappings_check, mappings_test
from connector.cli.mappings.comparing import mappings_diff
from connector.cli.mappings.dictionary import mappings_table
from connector.cli.mappings.drift import mappings_drift
from connector.cli.mappings.schema import mappings_schema
from connector.cli.mappings.trying import mappings_try
from connector.cli.mappings.versions import (
    mappings_activate,
    mappings_export,
    mappings_rollback,
    mappings_versions,
)


@click.group("mappings", cls=shared.Group)
def mappings_group() -> None:
    """Check, try, compare and activate mapping files."""


for command in (
    mappings_check,
    mappings_test,
    mappings_schema,
    mappings_try,
    mappings_diff,
    mappings_table,
    mappings_activate,
    mappings_rollback,
    mappings_versions,
    mappings_export,
    mappings_drift,
):
    mappings_group.add_command(command)
