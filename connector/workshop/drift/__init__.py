"""Drift: fields that Yotpo sends and no rule reads, and paths that rules read and Yotpo never sends.

All modules have only pure functions, which read a sample of events. The results contain paths, JSON types, counts and
times, but no values. A path shows ``*`` for each item of a list. It also shows ``*`` for a key that may be data, such
as an id, an address, or one of very many keys of an object.

    reads       lists the paths that a topic's mapping reads, and the paths that intake reads
    shapes      collects the paths that came, with their types, counts and times
    fields      finds fields that no rule reads, and fields that came with more than one type
    absences    finds paths that a rule reads but that never came
    failures    counts values that a rule could not convert
    report      combines these results, except the failures
"""

from connector.workshop.drift.failures import Failure, failures
from connector.workshop.drift.report import Report, report

__all__ = ["Failure", "Report", "failures", "report"]
