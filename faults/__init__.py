"""The fault suite: breaks one part of the running connector at a time, under load, and counts the damage.

`python -m faults` runs it and writes a report. Each scenario is one function in `scenarios/`; `running.py` prepares it,
runs it, and checks the result.
"""
