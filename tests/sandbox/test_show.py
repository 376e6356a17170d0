"""`make run ONCE=1` from beginning to end: every sample arrives, Insider ends equal to Yotpo, no process is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from connector.sandbox.processes import free_port
from connector.sandbox.servers import EmbeddedPostgres
from tests import ROOT
from tests.conftest import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

#: A small store with a short life.
SHORT = ("--customers", "150", "--shoppers", "20", "--seconds", "5")


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    directory = STATE / "show"
    shutil.rmtree(directory, ignore_errors=True)
    yield directory
    EmbeddedPostgres(directory).remove()


def left_behind(state: Path) -> list[str]:
    """Return the processes of this run: each has its state directory or its database in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if str(state) in environment.get("CONNECTOR_SHOW", ""):
            found.append(" ".join(process.cmdline()))
    return found


def run(state: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "connector", "sandbox", "run", "--state", str(state), *flags],
        cwd=ROOT,
        env={**os.environ, "CONNECTOR_SHOW": str(state), "PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_sample_arrives_as_its_golden_pair_says(state: Path) -> None:
    with run(state, "--once", *SHORT) as process:
        told, errors = process.communicate(timeout=300)

    assert process.returncode == 0, told + errors
    documented = [line for line in told.splitlines() if " documented " in line or " awarded " in line]
    assert len(documented) >= 28
    for topic in ("swell/referral/share", "loyalty/referral/product_share/reminder", "customer/snapshot"):
        assert f"{topic} documented" in told
    assert "operator notice" in told
    assert "150 customers seen, " in told
    assert ", 0 differences, 0 profiles without a customer" in told
    # On a busy machine the backfill may end before its bar is first drawn. Then no bar is drawn at all.
    assert "shop  100 %  150 of 150" in errors or "shop" not in errors
    assert left_behind(state) == []


def test_a_second_run_works_on_the_first_ones_state_and_ends_on_ctrl_c_without_a_process_left(state: Path) -> None:
    with run(state, "--customers", "0") as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()

    told = "".join(lines)
    assert "Webhook URL: http://127.0.0.1:" in told, told
    assert "curl http" in told
    assert "DIFFERS" not in told
    patience = time.monotonic() + 10
    while left_behind(state) and time.monotonic() < patience:
        time.sleep(0.1)
    assert left_behind(state) == []
