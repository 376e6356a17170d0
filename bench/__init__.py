"""What an event costs: `make bench`. Figures are CPU seconds per 1,000 events and ratios within one run.

Seconds by the clock are printed for orientation only: they depend on what else the machine does.
"""
