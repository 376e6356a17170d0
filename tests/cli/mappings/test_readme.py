"""Checks the README's chapter on mappings: each command in it prints the output that the README shows."""

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

#: The commands in the README between these two comments are run.
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
#: Lets the shell run the program of this installation, not another one on the PATH.
PRELUDE = 'connector() { "$PYTHON" -m connector "$@"; }\n'


def chapter(text: str) -> str:
    """Return the text between the comments."""
    return "".join(re.findall(f"{BEGIN}(.*?){END}", text, re.DOTALL))


def transcripts(text: str) -> list[str]:
    """Return the fenced blocks with commands."""
    blocks: list[str] = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if block.startswith("$ ")]


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith("$ ")]


def rerun(transcript: str, directory: Path) -> str:
    """Return the transcript with the current output of its commands."""
    current = ""
    for line in transcript.splitlines():
        if line.startswith("$ "):
            current += f"{line}\n{run(line.removeprefix('$ '), directory)}"
    return current


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


def test_the_commands_in_the_readme_print_what_it_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    text = chapter((ROOT / "README.md").read_text(encoding="utf-8"))
    blocks = transcripts(text)

    shown = {line.split()[3] for line in commands(text) if line.startswith("$ connector mappings ")}
    assert shown >= {"try", "diff"}, f"no such commands between {BEGIN} and {END} in the README"
    assert commands(text) == commands("".join(blocks)), "a command is outside of the blocks that begin with a command"
    # The commands run in order and in one directory, because later ones use the files of earlier ones.
    assert blocks == [rerun(block, tmp_path) for block in blocks]
