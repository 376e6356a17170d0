"""What the simulators of Yotpo and of Insider have in common: all that neither of the two decides.

It imports nothing of the connector, so that no simulator shares code with what it tests.

server       the process, and where it says that it listens
arguments    its command line
routes       views from a table of operations
answers      an answer, and how it goes out: whole, or as a dropped connection
control      what tests ask and tell any simulator, under /_sandbox
faults       which requests a fault hits, for how long, and what it sends
switches     what can be set while the simulator runs
log          the last requests
shapes       reads JSON of whatever shape
"""
