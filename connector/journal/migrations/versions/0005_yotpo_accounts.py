"""The connection to Yotpo's APIs: accounts, backfills, refreshes, and a digest of each customer's newest snapshot."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
