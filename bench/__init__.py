"""What an event costs: `make bench`. Figures are of CPU time, so that they mean one core; ratios are within one run.

Seconds by the clock are printed for orientation only: they depend on what else the machine does.
"""
