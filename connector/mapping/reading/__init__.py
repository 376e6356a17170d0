"""Reads YAML files as plain data that remembers its lines and columns.

    documents   a file as plain data, with the place of each part; `trees` builds it from the YAML events
    texts       what cannot be read as text at all; `syntax` says in plain words what is not YAML
    problems    collects all problems with their places; `codes` is the table of all kinds of problems

Never here: what the data means. Begin with `documents`.
"""
