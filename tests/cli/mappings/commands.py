"""What the tests of the `connector mappings …` commands share: they run them in this process, without settings."""

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
    """Run a command and return what it prints, or the error where it has to fail; lines are not numbered."""
    # Another test may have read them.
    shared.settings.cache_clear()
    done = CliRunner().invoke(main, ["mappings", *arguments], catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return placed(done.stdout if exit_code == 0 else done.stderr)


def placed(text: str) -> str:
    """Leave out the numbers of lines, which change whenever somebody writes a comment into our mappings."""
    return re.sub(r"(\.yaml):\d+", r"\1:#", text)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def copied(to: Path) -> Path:
    """Return a copy of our mappings, with an overlay."""
    directory = to / "mappings"
    shutil.copytree(MAPPINGS, directory)
    overlay = directory / "overlays" / "outlet"
    overlay.mkdir(parents=True)
    (overlay / "swell.tier.earned.yaml").write_text(OVERLAY)
    return directory
