"""`connector mappings schema`: prints the JSON Schema of mapping files.

Editors use this schema to complete, explain and check mapping files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from connector import mapping
from connector.cli import shared
from connector.mapping.editors.json_schema import json_schema, names_of

if TYPE_CHECKING:
    from pathlib import Path

#: The name of the schema file beside the mapping files. The first line of each mapping file contains this name.
FILE = "schema.json"


@click.command("schema")
@shared.with_mappings
@click.option("--write", is_flag=True, help=f"Write it to {FILE} beside the mapping files instead of printing it.")
@shared.with_format
def mappings_schema(directory: Path, form: str, *, write: bool) -> None:
    """Print the JSON Schema of mapping files. The schema suggests the names that the files of the directory use."""
    names = names_of(mapping.load(directory)) if mapping.read_files(directory) else None
    text = json.dumps(json_schema(names) if names else json_schema(), indent=2, ensure_ascii=False)
    if not write:
        click.echo(text)
        return
    file = directory / FILE
    file.write_text(f"{text}\n", encoding="utf-8")
    shared.print_result({"file": str(file)}, f"{file} was written", form)
