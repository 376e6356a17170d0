"""Loads a mapping set: reads all its files, checks that they fit together, and reports all problems at once.

    loader      runs all steps in order: files go in, a `MappingSet` comes out
    layers      the files that all stores share, and the files of each overlay
    checks      checks that the files fit together; `kinds` checks that each attribute and param has one kind

If a set has a problem, `loader` raises `MappingError`, and the set never runs. Begin with `loader`.
"""
