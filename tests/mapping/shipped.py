"""The mapping set of this release, which a test process loads once."""

from __future__ import annotations

from connector.mapping import load
from connector.settings import DEFAULT_MAPPINGS

SET = load(DEFAULT_MAPPINGS)
