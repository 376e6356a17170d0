"""Reads YAML files as plain data, and keeps the line and column of each part.

    documents   a file as plain data, with the place of each part; `trees` builds it from the YAML events
    texts       what cannot be read as text at all; `syntax` says in plain words what is not YAML
    problems    collects all problems with their places; `codes` is the table of all kinds of problems

Never here: the meaning of the data. Begin with `documents`.
"""
