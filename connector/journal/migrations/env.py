"""Runs the migrations on the connection of `migrate`. Alembic requires this file and its name."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
