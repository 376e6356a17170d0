"""Runs mappings: a webhook goes in, updates of users come out.

    assembling      joins the rules of a topic, of its groups and of an overlay in one mapping
    compiling       turns these rules into Python functions, once
    topic           the mapping of one topic, and `apply`, which runs it
    sets            all topics of one version
    mapped_events   runs the mapping of an event of the journal, and turns its updates into deliveries

No content of a webhook can make a mapping raise an exception. Begin with `topic`.
"""
