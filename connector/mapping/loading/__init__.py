"""Loads a set."""
