"""Alembic's environment and the migrations, one SQL file each."""
