"""Reads YAML files."""
