"""The whole connector on this machine: servers, the simulators of both ends, and the processes of the Procfile."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import requests

from connector.errors import OperatorError
from connector.sandbox.processes import Group, Running, free_port, is_free, parse_procfile
from connector.sandbox.servers import EmbeddedPostgres, EmbeddedRedis

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
#: The name of every simulated store begins with this.
SANDBOX = "sandbox"
PROCESSES = ("web", "worker", "bulk", "yotpo", "beat")
#: The process names of the simulators. The Procfile already has a process named `yotpo`, which sends requests to Yotpo.
INSIDER, YOTPO = "insider", "simulated-yotpo"
#: Our app, registered at the simulator of Yotpo.
CLIENT_ID, CLIENT_SECRET = "sandbox-app", "the secret of the sandbox app"
_USUAL_PORT = 8000


class Stack(Running):
    """A running connector; as a context manager it stops every process at the end.

    `DATABASE_URL` and `REDIS_URL` name existing servers. Without these variables, embedded servers are started, with
    their data in `state`. The key that encrypts the stores' secrets is also kept in `state`, unless `SECRET_KEY` is
    set.
    """

    def __init__(self, state: Path, *, durable: bool = True, environment: dict[str, str] | None = None) -> None:
        super().__init__()
        self.state = state.resolve()
        self.environment = {**os.environ, **(environment or {})}
        self._durable = durable
        self.postgres: EmbeddedPostgres | None = None
        self.redis: EmbeddedRedis | None = None
        self.insider_url = ""
        self.yotpo_url = ""
        self.web_url = ""
        self.group: Group

    def start(self, names: Sequence[str] = PROCESSES) -> None:
        """Start processes with their commands from the Procfile. If `web` is one of them, wait until it answers."""
        for name in names:
            self.launch(name)
        if "web" in names:
            self.group.wait_for_http("web", f"{self.web_url}/health")

    def launch(self, name: str, line: str | None = None, **variables: str) -> None:
        """Start one process with a command from the Procfile, without waiting until the process is ready.

        `line` is the name of the command's line in the Procfile; by default it is the same as `name`. The process gets
        `variables` in addition to the environment of all processes.
        """
        commands = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
        self.group.start(name, commands[line or name], {**self.environment, **variables})

    def command(self, *arguments: str, shows_progress: bool = False) -> Any:
        """Run `connector …` and return the JSON that it prints.

        Raises OperatorError with the command's message if the command fails. With `shows_progress`, the command writes
        to our stderr.
        """
        result = subprocess.run(
            [sys.executable, "-m", "connector", *arguments, "--format", "json"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=None if shows_progress else subprocess.PIPE,
            text=True,
            check=False,
        )
        if result.returncode:
            raise OperatorError(f"`connector {' '.join(arguments)}` failed: {(result.stderr or '').strip()}")
        return json.loads(result.stdout)

    def insider(self, path: str, **parameters: Any) -> Any:
        """Ask the simulator of Insider about its state."""
        return requests.get(f"{self.insider_url}/_sandbox/{path}", params=parameters, timeout=30).json()

    def _start(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        environment = self.environment
        if not environment.get("DATABASE_URL"):
            self.postgres = EmbeddedPostgres(self.state, durable=self._durable)
            if not environment.get("SECRET_KEY") and not self._key_file.exists():
                # The key is gone, so the secrets in an old data directory (which may be in /var/tmp) cannot be
                # decrypted.
                self.postgres.remove()
            environment["DATABASE_URL"] = self._exits.enter_context(self.postgres)
        if not environment.get("REDIS_URL"):
            self.redis = EmbeddedRedis(self.state)
            environment["REDIS_URL"] = self._exits.enter_context(self.redis)
        environment["SECRET_KEY"] = environment.get("SECRET_KEY") or self._secret_key()
        environment["PORT"] = environment.get("PORT") or str(_USUAL_PORT if is_free(_USUAL_PORT) else free_port())
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        # The Procfile's commands must find the package, whatever the working directory is.
        environment["PYTHONPATH"] = str(ROOT)
        self.web_url = f"http://127.0.0.1:{environment['PORT']}"
        environment["PUBLIC_URL"] = environment.get("PUBLIC_URL") or self.web_url
        self.group = self._exits.enter_context(Group(self.state))
        self.start_insider()
        self.start_yotpo()
        self._refuse_real_stores()
        self._release()
        self._write_environment()
        self.start()

    def _refuse_real_stores(self) -> None:
        """Refuse a journal with real stores: this worker would send their customers to the simulator.

        Raises OperatorError.
        """
        if self.postgres:
            return
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            if connection.execute("select to_regclass('stores') is null").fetchone() == (True,):
                return
            names = [name for (name,) in connection.execute("select name from stores where removed_at is null")]
        real = [name for name in names if not name.startswith(SANDBOX)]
        if real:
            raise OperatorError(
                f"DATABASE_URL names a journal with real stores ({', '.join(real[:3])}), whose customers would be "
                "sent to the simulator of Insider. Name an empty database, or none"
            )

    def _write_environment(self) -> None:
        """Write the file that lets another terminal use this connector, with the command `. .local/run/env`."""
        names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "PUBLIC_URL", "PATH", "PYTHONPATH")
        ends = tuple(name for name in self.environment if name.startswith(("INSIDER_", "YOTPO_")))
        lines = [f"export {name}={shlex.quote(self.environment[name])}\n" for name in (*names, *ends)]
        _write_private(self.state / "env", "".join(lines))

    def yotpo(self, path: str, **parameters: Any) -> Any:
        """Ask the simulator of Yotpo about its state."""
        return requests.get(f"{self.yotpo_url}/_sandbox/{path}", params=parameters, timeout=60).json()

    def tell_yotpo(self, path: str, **content: Any) -> Any:
        """Change the state of the simulator of Yotpo."""
        answer = requests.post(f"{self.yotpo_url}/_sandbox/{path}", json=content, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def start_insider(self) -> None:
        """Start the simulator of Insider, at the same port as before."""
        self.insider_url = self._simulator(INSIDER, "connector.sandbox.insider", self.insider_url)
        self.environment["INSIDER_URL"] = self.insider_url

    def start_yotpo(self) -> None:
        """Start the simulator of Yotpo, at the same port as before, with our app registered."""
        self.yotpo_url = self._simulator(YOTPO, "connector.sandbox.yotpo", self.yotpo_url)
        hosts = ("YOTPO_CORE_URL", "YOTPO_DEVELOPERS_URL", "YOTPO_LOYALTY_URL")
        self.environment |= dict.fromkeys(hosts, self.yotpo_url)
        self.environment["YOTPO_INSTALL_URL"] = f"{self.yotpo_url}/app/#/install/applications"
        self.environment |= {"YOTPO_CLIENT_ID": CLIENT_ID, "YOTPO_CLIENT_SECRET": CLIENT_SECRET}
        self.tell_yotpo(
            "apps",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_url=f"{self.environment['PUBLIC_URL']}/connect/yotpo/callback",
            name="Insider connector",
        )

    def _simulator(self, name: str, module: str, url: str) -> str:
        url = url or f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", module, "--port", url.rpartition(":")[2]]
        self.group.start(name, command, self.environment)
        self.group.wait_for_http(name, f"{url}/_sandbox/health")
        return url

    def _release(self) -> None:
        line = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))["release"]
        result = subprocess.run(
            ["sh", "-c", line],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise OperatorError(f"the release command failed: {result.stderr.strip()}")

    @property
    def _key_file(self) -> Path:
        return self.state / "secret-key"

    def _secret_key(self) -> str:
        if not self._key_file.exists():
            _write_private(self._key_file, secrets.token_urlsafe(32))
        return self._key_file.read_text(encoding="utf-8")


def _write_private(path: Path, content: str) -> None:
    """Write a file that only our account can read, completely or not at all."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.chmod(0o600)
    new.write_text(content, encoding="utf-8")
    new.replace(path)
