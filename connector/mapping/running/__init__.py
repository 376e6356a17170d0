"""Rules compiled to Python."""
