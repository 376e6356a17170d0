"""Hints to the workers, in a real Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from conftest import SECRET_KEY

if TYPE_CHECKING:
    from connector.sandbox.servers import EmbeddedRedis

ROOT = Path(__file__).resolve().parent.parent


def test_while_no_worker_runs_hints_do_not_fill_redis(redis_server: EmbeddedRedis) -> None:
    program = "from connector import tasks; [tasks.wake() for _ in range(200)]"
    environment = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": redis_server.url, "SECRET_KEY": SECRET_KEY}
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, check=True)

        assert 0 < client.llen("connector") <= 64


def test_without_redis_a_hint_fails_soon() -> None:
    program = "from connector import tasks; tasks.wake()"
    environment = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": "redis://127.0.0.1:9/0", "SECRET_KEY": SECRET_KEY}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert "OperationalError" in done.stderr
