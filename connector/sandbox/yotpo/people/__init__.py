"""The generated customers."""
