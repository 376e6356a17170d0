"""A group of child processes that ends when its parent does, and what one needs to start programs on a laptop.

`Group` starts named programs, each in a session of its own with a log file of its own, and leaves none behind.
`parse_procfile` reads the lines that it starts, `free_port` finds a place for them to listen, `tail` shows a log's end.
`exit_on_signals` makes sure that the block in which they run is left in order.
"""

from __future__ import annotations

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

# Below the range from which systems lend ports to outgoing connections (32768 and up on Linux, 49152 on macOS).
# A port from that range may be taken while its server is down, even by a client that tries to reach this very server.
_PORTS = range(20_000, 30_000)

_POLL_SECONDS = 0.05


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for _ in range(100):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if is_free(port):
            return port
    raise OperatorError(f"No free port between {_PORTS.start} and {_PORTS.stop} was found; stop what listens there.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that have ended, but still linger, do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def parse_procfile(text: str) -> dict[str, str]:
    """The commands of a Procfile by their names, in its order."""
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
    """The last lines of a log, for an error message; empty where there is no log yet."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 200 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def exit_on_signals() -> None:
    """Leave by an exception at SIGTERM, and when the terminal is closed, so that what we have started is ended.

    At SIGINT too, which a shell tells those to ignore whom it starts in the background.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


def hold_lock(path: Path) -> IO[str]:
    """Hold a lock until the file that is returned is closed, or our process has ended, however it ends."""
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
    """The processes of a program that work in a directory, whoever has started them."""
    place = str(directory.resolve())
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])  # A zombie has no working directory.
        if process.info["name"] == program and process.info["cwd"] == place
    ]


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


class Group:
    """Named child processes. As a context manager it leaves none behind, whichever way the block is left.

    A SIGKILL leaves us no time to stop them. Their ids are therefore kept beside their logs, and a group that uses the
    same directory later stops such a leftover before it starts the same name.
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
        """Start a program: a list as it is, a string through `sh -c`. A process of that name must not be alive.

        A string begins with `exec`, so that the program takes the shell's place and signals reach it.
        A session of its own keeps Ctrl-C away from it: the terminal interrupts us, and we end the processes in order.
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
        """The id of the process, which is its group's id, too."""
        return self._processes[name].pid

    def exit_code(self, name: str) -> int | None:
        """None as long as it is alive; minus the signal's number where a signal ended it."""
        return self._processes[name].poll()

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        return tail(self.log(name), lines)

    def wait_for_end(self) -> str:
        """Wait until the first of the processes has ended, and name it."""
        while True:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    return name
            time.sleep(_POLL_SECONDS)

    def wait_for_http(self, name: str, url: str, seconds: float = 30) -> None:
        """Wait until the process answers at the URL, whatever the status; fail at once when it has died."""
        deadline = time.monotonic() + seconds
        with requests.Session() as session:
            session.trust_env = False  # A proxy that the environment names cannot reach our own machine.
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
        """Ask the processes (all, where none is named) to end, and kill what is left of them after the grace.

        Only the first process of each group gets the SIGTERM, and looks after its own children.
        """
        chosen = {name: self._processes[name] for name in names or self._processes}
        try:
            for process in chosen.values():
                process.send_signal(signal.SIGTERM)
                # One that is stopped would get the signal only when it is continued.
                process.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + grace_seconds
            for process in chosen.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            # Also when a second Ctrl-C has ended the waiting.
            self.kill(*chosen)

    def kill(self, *names: str) -> None:
        """Kill the processes (all, where none is named) with all that they have started."""
        for name in names or self._processes:
            process = self._processes[name]
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._pid_file(name).unlink(missing_ok=True)

    def _open_log(self, name: str) -> IO[bytes]:
        """A new log for the first start of a name; a second start in the same group continues it."""
        return self.log(name).open("ab" if name in self._processes else "wb")

    def _log_end(self, name: str) -> str:
        return f"The end of {self.log(name)}:\n{self.tail(name)}"

    def _pid_file(self, name: str) -> Path:
        return self._directory / f"{name}.pid"

    def _stop_leftover(self, name: str) -> None:
        """Kill the process that a killed runner has left; its time of start proves that the id is still its own."""
        try:
            pid, created = self._pid_file(name).read_text().split()
            leftover = psutil.Process(int(pid))
            if leftover.create_time() == float(created):
                os.killpg(leftover.pid, signal.SIGKILL)
                while leftover.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(_POLL_SECONDS)
        except (FileNotFoundError, ValueError, ProcessLookupError, psutil.Error):
            return
