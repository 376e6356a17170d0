"""The tests, in the same packages as the connector. `conftest` starts what several packages use."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "a key for tests of no use elsewhere"
MAPPINGS = ROOT / "mappings"
EXAMPLES = MAPPINGS / "examples"
BROKEN_MAPPINGS = ROOT / "tests" / "mapping" / "broken_mappings"
