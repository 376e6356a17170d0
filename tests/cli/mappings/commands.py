"""Shared by the tests of the `connector mappings …` commands: runs the commands in this process, without settings."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from click.testing import CliRunner

from connector.cli import main, shared
from tests import MAPPINGS

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = MAPPINGS / "examples"
TIER_EARNED = str(EXAMPLES / "swell.tier.earned" / "documented.json")
OVERLAY = """\
topic: swell/tier/earned
description: The outlet has tiers of its own.
users:
  - person: customer
    attributes: {yotpo_vip_tier_name: {text: outlet.tier}, yotpo_points_earned: {omit: true}}
"""


def printed(*arguments: str, exit_code: int = 0) -> str:
    """Run a command and return its output, or its error if `exit_code` is not 0; line numbers are replaced by #."""
    # Another test may have read the settings.
    shared.settings.cache_clear()
    done = CliRunner().invoke(main, ["mappings", *arguments], catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return without_line_numbers(done.stdout if exit_code == 0 else done.stderr)


def without_line_numbers(text: str) -> str:
    """Replace line numbers in mapping files by #: they change with every comment in our mappings."""
    return re.sub(r"(\.yaml):\d+", r"\1:#", text)


def cells(text: str) -> list[list[str]]:
    """Return the cells of each line of a table."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def copied(to: Path) -> Path:
    """Return a copy of our mappings, with an overlay."""
    directory = to / "mappings"
    shutil.copytree(MAPPINGS, directory)
    overlay = directory / "overlays" / "outlet"
    overlay.mkdir(parents=True)
    (overlay / "swell.tier.earned.yaml").write_text(OVERLAY)
    return directory
