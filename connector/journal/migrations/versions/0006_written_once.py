"""A journal that is written once: events and outcomes in periods, a queue, keys, and the profiles of customers."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # The driver itself runs the text: SQLAlchemy would take its `%I` for a parameter.
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.cursor().execute(sql)
