"""Runs mappings: a webhook goes in, updates of users come out.

    assembling      the rules of a topic, its groups and overlays, as one mapping
    compiling       turns these rules into Python functions, once
    topic           the mapping of one topic, and `apply`, which runs it
    sets            all topics of one version
    mapped_events   runs the mapping of an event of the journal; says which deliveries follow from it

Nothing that a webhook holds makes it raise. Begin with `topic`.
"""
