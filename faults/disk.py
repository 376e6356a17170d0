"""A small disk for PostgreSQL, and a way to fill it."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.sandbox.servers import EmbeddedPostgres
from faults.registry import NotPossible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 64 * 1024


def place_of(state: Path) -> Path:
    """Return the directory with all files of the embedded PostgreSQL that belongs to the state directory `state`."""
    return EmbeddedPostgres(state).directory.parent


@contextmanager
def small_disk(state: Path, megabytes: int) -> Iterator[None]:
    """Mount a disk of `megabytes` in memory for PostgreSQL's data, until the block ends.

    Raises NotPossible if this machine cannot mount it.
    """
    place = place_of(state)
    if os.geteuid() != 0:
        raise NotPossible("only root may mount a disk")
    _unmount(place)  # An earlier run that was killed may have left the disk mounted.
    EmbeddedPostgres(state).remove()
    state.mkdir(parents=True, exist_ok=True)
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    result = subprocess.run(mount, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if result.returncode:
        raise NotPossible(f"no disk can be mounted: {result.stderr.strip()}")
    try:
        yield
    finally:
        _unmount(place)


@contextmanager
def full(place: Path) -> Iterator[None]:
    """Fill the disk that contains `place` to the last byte. At the end of the block, free the space again."""
    ballast = place / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_CHUNK))
            except OSError:
                pass  # The disk is full now.
        yield
    finally:
        ballast.unlink()


def _unmount(place: Path) -> None:
    while place.is_mount():
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607 - as above
