"""Measures what an event costs: `make bench`.

The figures are CPU time, so they are for one core. Ratios compare figures of the same run. Wall-clock times are printed
for orientation only, because they depend on the other load of the machine.
"""
