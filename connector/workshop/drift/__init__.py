"""Drift: what Yotpo sends that nobody maps, and what is mapped that never comes. Pure; computed from sampled events.

It tells paths, JSON types, counts and times, and never a value. Steps of paths that may be data rather than names, such
as ids, addresses or anything that one object holds very many of, become ``*``, as the places in lists do.

    reads       which paths a topic's mapping reads, and which intake reads
    shapes      which paths came, with which types, how often and when
    fields      what came that nobody reads, and what came with more than one type
    absences    what is read that never came
    failures    what came and could not be converted
    report      what a sample of events says, all but the failures
"""

from connector.workshop.drift.failures import Failure, failures
from connector.workshop.drift.report import Report, report

__all__ = ["Failure", "Report", "failures", "report"]
