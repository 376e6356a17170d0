"""The tests, in the rooms of the connector; what several rooms start stands in `conftest`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "a key for tests of no use elsewhere"
MAPPINGS = ROOT / "mappings"
EXAMPLES = MAPPINGS / "examples"
BROKEN_MAPPINGS = ROOT / "tests" / "mapping" / "broken_mappings"
