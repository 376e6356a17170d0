"""Hints to the workers, in a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from conftest import SECRET_KEY

if TYPE_CHECKING:
    from connector.sandbox.servers import EmbeddedRedis

ROOT = Path(__file__).resolve().parent.parent


def test_while_no_worker_runs_hints_do_not_fill_redis(redis_server: EmbeddedRedis) -> None:
    program = "from connector import tasks; [(tasks.wake(), tasks.sweep.apply_async()) for _ in range(100)]"
    environment = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": redis_server.url, "SECRET_KEY": SECRET_KEY}
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, check=True)

        assert client.llen("connector") == 64
        hints = [json.loads(hint)["headers"] for hint in client.lrange("connector", 0, -1)]
    assert {hint["task"] for hint in hints} == {"connector.advance", "connector.sweep"}
    # Not soon: a worker whose clock is ahead would throw every hint away.
    for hint in hints:
        left = datetime.fromisoformat(hint["expires"]) - datetime.now(UTC)
        assert timedelta(minutes=50) < left <= timedelta(hours=1)


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
