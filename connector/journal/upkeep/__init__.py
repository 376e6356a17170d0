"""Keeps the journal small and ready: makes the tables of the next periods, and prunes what is old.

    periods      the partitions of `events` and `outcomes` by time: made ahead, listed, dropped
    retention    deletes what is older than the settings say, and never what still waits or is dead

Begin with `retention`.
"""
