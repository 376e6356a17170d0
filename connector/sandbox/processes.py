"""A group of child processes that ends with its parent, and functions to start programs on a laptop.

`Group` starts named programs, each in its own session and with its own log file, and stops all of them at the end.
`Running` is the base of what consists of several such parts. `parse_procfile` reads the commands to start, `free_port`
finds a port to listen on, `tail` returns the end of a log. `exit_on_signals` turns signals into an exception, so that
the `with` block of a group ends in order.
"""

from __future__ import annotations

import abc
import contextlib
import fcntl
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Self

import psutil
import requests

from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# These ports are below the range for outgoing connections (32768 and up on Linux, 49152 and up on macOS). While a
# server is down, an outgoing connection may take a port of that range. Even a client that tries to reach the server may
# take the server's port.
_PORTS = range(20_000, 30_000)

_POLL_SECONDS = 0.05


def free_port() -> int:
    """Return a port of 127.0.0.1 on which no process listens. Raises OperatorError if it finds none."""
    for _ in range(100):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if is_free(port):
            return port
    raise OperatorError(f"No free port between {_PORTS.start} and {_PORTS.stop} was found; stop what listens there.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Servers set this option too. With it, a closed connection in TIME_WAIT does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def parse_procfile(text: str) -> dict[str, str]:
    """Return the commands of a Procfile by name, in the order of the file. Raises OperatorError if a line is wrong."""
    commands: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"\s*([A-Za-z0-9_-]+):\s*(\S.*?)\s*", line)
        if match is None:
            raise OperatorError(f"Line {number} of the Procfile is not of the form `name: command`: {line.strip()}")
        name, command = match.groups()
        if name in commands:
            raise OperatorError(f"Line {number} of the Procfile names `{name}` a second time; rename one of the two.")
        commands[name] = command
    return commands


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, for an error message; empty if there is no log yet."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 200 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def exit_on_signals() -> None:
    """Raise SystemExit on SIGTERM, SIGINT and SIGHUP (a closed terminal), so that our child processes are stopped.

    SIGINT needs this handler because a shell makes the processes that it starts in the background ignore SIGINT.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


def hold_lock(path: Path) -> IO[str]:
    """Lock a file until the returned file is closed or our process ends, even by SIGKILL.

    Raises OperatorError if another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        message = f"Another process holds {path}: it uses the same directory. Stop that one, or use another directory."
        raise OperatorError(message) from None
    return lock


def running(program: str, directory: Path) -> list[psutil.Process]:
    """Return all processes of a program whose working directory is `directory`; any process may have started them."""
    path = str(directory.resolve())
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])  # A zombie has no working directory.
        if process.info["name"] == program and process.info["cwd"] == path
    ]


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


class Running(abc.ABC):
    """Something that runs while a `with` block runs. At the end, everything in `_exits` is closed."""

    def __init__(self) -> None:
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @abc.abstractmethod
    def _start(self) -> None:
        """Start it. Whatever is started is entered into `_exits`, which is closed if a later part does not start."""


class Group:
    """Named child processes. As a context manager, a group stops all of them, however the block ends.

    If our process is killed with SIGKILL, the child processes keep running. Therefore a file beside each log contains
    the id of the process. The next group with the same directory stops such a leftover process before it starts a
    process with the same name.
    """

    def __init__(self, directory: Path) -> None:
        """`directory` keeps `NAME.log` and `NAME.pid` of each process; one group at a time may use it."""
        self._directory = directory
        self._lock: IO[str] | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.terminate()
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def start(self, name: str, command: str | list[str], env: Mapping[str, str]) -> None:
        """Start a program. A list is run directly, a string is run with `sh -c`.

        A string should begin with `exec`, so that the program replaces the shell and receives the signals. Each process
        has its own session, so that Ctrl-C does not reach it. The terminal interrupts only our process, and our process
        then ends the others in order. Raises OperatorError if a process with that name is alive, or if another group
        uses the directory.
        """
        if name in self.alive():
            raise OperatorError(f"The process {name} is running already; terminate it first.")
        self._lock = self._lock or hold_lock(self._directory / "group.lock")
        self._stop_leftover(name)
        arguments = ["sh", "-c", command] if isinstance(command, str) else command
        with self._open_log(name) as log:
            process = subprocess.Popen(
                arguments, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._processes[name] = process
        with contextlib.suppress(psutil.NoSuchProcess):
            self._pid_file(name).write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}")

    def alive(self) -> list[str]:
        return [name for name, process in self._processes.items() if process.poll() is None]

    def pid(self, name: str) -> int:
        """Return the id of the process, which is also its process group's id."""
        return self._processes[name].pid

    def exit_code(self, name: str) -> int | None:
        """Return the exit code: None while the process is alive, minus the signal's number if a signal ended it."""
        return self._processes[name].poll()

    def wait_for_exit(self, name: str, seconds: float) -> int:
        """Wait for the end of a process and return its exit code. Raises TimeoutExpired."""
        return self._processes[name].wait(seconds)

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        return tail(self.log(name), lines)

    def wait_for_end(self) -> str:
        """Wait until any of the processes has ended, and return its name."""
        while True:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    return name
            time.sleep(_POLL_SECONDS)

    def wait_for_http(self, name: str, url: str, seconds: float = 120) -> None:
        """Wait until the process answers at the URL, with any status.

        Raises OperatorError if the process has ended, or if it does not answer in time.
        """
        deadline = time.monotonic() + seconds
        with requests.Session() as session:
            session.trust_env = False  # A proxy from the environment cannot reach our own machine.
            while True:
                if (code := self.exit_code(name)) is not None:
                    raise OperatorError(f"{name} ended with exit code {code}. {self._log_end(name)}")
                try:
                    session.get(url, timeout=1)
                except requests.RequestException as error:
                    if time.monotonic() > deadline:
                        message = f"{name} did not answer at {url} within {seconds:g} seconds. {self._log_end(name)}"
                        raise OperatorError(message) from error
                    time.sleep(_POLL_SECONDS)
                else:
                    return

    def terminate(self, grace_seconds: float = 10, *names: str) -> None:
        """Send SIGTERM to the processes (all, if no names are given).

        Kill those that are still alive after the grace period. Only the first process of each process group gets the
        SIGTERM; it ends its own children.
        """
        ending = {name: self._processes[name] for name in names or self._processes}
        try:
            for process in ending.values():
                process.send_signal(signal.SIGTERM)
                # A stopped process receives the SIGTERM only after a SIGCONT.
                process.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + grace_seconds
            for process in ending.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            # The processes are killed even if a second Ctrl-C interrupts the wait.
            self.kill(*ending)

    def kill(self, *names: str) -> None:
        """Kill the processes (all, if no names are given) with all processes in their process groups."""
        for name in names or self._processes:
            process = self._processes[name]
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._pid_file(name).unlink(missing_ok=True)

    def _open_log(self, name: str) -> IO[bytes]:
        """Open a new log for the first start of a name; a second start in the same group continues that log."""
        return self.log(name).open("ab" if name in self._processes else "wb")

    def _log_end(self, name: str) -> str:
        return f"The end of {self.log(name)}:\n{self.tail(name)}"

    def _pid_file(self, name: str) -> Path:
        return self._directory / f"{name}.pid"

    def _stop_leftover(self, name: str) -> None:
        """Kill a process that still runs because an earlier group was killed.

        The times of start are compared, because the old id may belong to another process by now.
        """
        try:
            pid, created = self._pid_file(name).read_text().split()
            leftover = psutil.Process(int(pid))
            if leftover.create_time() == float(created):
                os.killpg(leftover.pid, signal.SIGKILL)
                while leftover.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(_POLL_SECONDS)
        except (FileNotFoundError, ValueError, ProcessLookupError, psutil.Error):
            return
