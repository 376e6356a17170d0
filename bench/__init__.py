"""Measures what an event costs: `make bench`. It writes docs/performance.md.

The figures are CPU time, so they are for one core. Ratios compare figures of the same run. Wall-clock times are printed
for orientation only, because they depend on the other load of the machine.

    mapping, by_hand/, by_query    the connector's mapping beside other ways to map
    steps                          the steps of a webhook that need no process
    comparison                     runs the scenarios on the formations: the connector, and the baselines
    load, cdp                      the processes at both ends: the sender, and the customer data platform
    history                        fills a journal, so that a scenario begins with a history
    report, scale, plot            write docs/performance.md and its plot
    wal                            counts what PostgreSQL writes; it is run by itself
"""
