"""The fault suite: breaks one part of the running connector at a time, under load, and counts what that has cost.

`python -m faults` runs it and writes a report. Each scenario is one function in `scenarios/`; `running.py` says what
happens around it.
"""
