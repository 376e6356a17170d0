"""Runs the command line in this process, because importing it takes longer than a command.

A few tests start `python -m connector` in a process of its own, as scripts do: `Cli.process`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from connector.cli import main, shared
from connector.errors import OperatorError
from connector.sandbox.stack import Stack
from tests import ROOT, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ADD = ("stores", "add", "acme", "--insider-partner", "acme", "--insider-token", "a-secret-token")


@dataclass(frozen=True)
class Done:
    """The result of a command, with the names that a finished process has."""

    returncode: int
    stdout: str
    stderr: str


def run(environment: Mapping[str, str], *arguments: str, directory: Path = ROOT) -> Done:
    """Run `connector …` with these variables alone; raise an exception that the command does not report."""
    hidden = {name: None for name in os.environ if name not in environment}
    with _forgotten_settings(), contextlib.chdir(directory):
        done = CliRunner().invoke(main, arguments, env={**hidden, **environment}, catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


@contextlib.contextmanager
def _forgotten_settings() -> Iterator[None]:
    """Forget the settings that were read, so that the next command reads them again."""
    for settings in (shared.settings, shared.vault):
        settings.cache_clear()
    try:
        yield
    finally:
        for settings in (shared.settings, shared.vault):
            settings.cache_clear()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let processes that start inside the block end at Ctrl-C, even if a shell made this process ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Cli:
    """The command line of a connector that has a journal, and no Redis."""

    def __init__(self, database_url: str) -> None:
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "SECRET_KEY": SECRET_KEY,
            "PUBLIC_URL": "https://connector.example.com/",
        }

    def run(self, *arguments: str, directory: Path = ROOT, **environment: str) -> Done:
        return run({**self.environment, **environment}, *arguments, directory=directory)

    def process(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it as scripts do."""
        return subprocess.run(
            [sys.executable, "-m", "connector", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class QuickStack(Stack):
    """The whole connector, whose commands run in this process. It starts faster: it has one web process, not two."""

    def __init__(self, state: Path, *, durable: bool = True, environment: dict[str, str] | None = None) -> None:
        super().__init__(state, durable=durable, environment={"WEB_CONCURRENCY": "1", **(environment or {})})

    def _release(self) -> None:
        self.command("migrate")

    def command(self, *arguments: str, shows_progress: bool = False) -> Any:
        done = run(self.environment, *arguments, "--format", "json")
        if shows_progress:
            sys.stderr.write(done.stderr)
        if done.returncode:
            raise OperatorError(f"`connector {' '.join(arguments)}` failed: {done.stderr.strip()}")
        return json.loads(done.stdout)
