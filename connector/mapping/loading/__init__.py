"""Loads a mapping set: reads all its files, checks that they fit together, and reports all problems at once.

    loader      the order of all of it: files in, a `MappingSet` out
    layers      the files that all stores share, and those of each overlay
    checks      what must fit between files; `kinds` holds each attribute and param to one type

A set with a problem is never run: `loader` raises `MappingError`. Begin with `loader`.
"""
