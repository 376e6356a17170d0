"""The README's chapter on mappings is true: each command in it prints today what stands below it there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

#: What is typed in the README between these two comments is tried.
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
#: The program of this installation, wherever the shell would look for it.
PRELUDE = 'connector() { "$PYTHON" -m connector "$@"; }\n'


def chapter(text: str) -> str:
    """Return what stands between the comments."""
    return "".join(re.findall(f"{BEGIN}(.*?){END}", text, re.DOTALL))


def transcripts(text: str) -> list[str]:
    """Return the fenced blocks in which something is typed."""
    blocks: list[str] = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if block.startswith("$ ")]


def typed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith("$ ")]


def typed_again(transcript: str, directory: Path) -> str:
    """Return the transcript with what its commands print now."""
    again = ""
    for line in transcript.splitlines():
        if line.startswith("$ "):
            again += f"{line}\n{run(line.removeprefix('$ '), directory)}"
    return again


def run(command: str, directory: Path) -> str:
    environment = {**os.environ, "PYTHON": sys.executable, "MAPPINGS_DIR": "mappings"}
    return subprocess.run(
        ["bash", "-c", PRELUDE + command],
        cwd=directory,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def test_what_the_readme_shows_of_mappings_is_what_is_printed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    told = chapter((ROOT / "README.md").read_text(encoding="utf-8"))
    found = transcripts(told)

    shown = {line.split()[3] for line in typed(told) if line.startswith("$ connector mappings ")}
    assert shown >= {"try", "diff"}, f"no such commands between {BEGIN} and {END} in the README"
    assert typed(told) == typed("".join(found)), "something is typed outside of the blocks that begin with it"
    # In their order and in one directory: what is typed first is there for the next.
    assert found == [typed_again(block, tmp_path) for block in found]
