"""Runs the migrations over the connection that `migrate` holds; Alembic looks for this file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
