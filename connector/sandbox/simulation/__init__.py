"""The part that the simulators of Yotpo and of Insider share; nothing here is specific to one of them.

It imports nothing of the connector, so that no simulator shares code with what it tests.

server       runs the process, and prints where it listens
arguments    the command line
routes       views from a table of operations
answers      an answer, and how it is sent: complete, or as a dropped connection
control      the routes under /_sandbox, by which tests ask about a simulator and change it
faults       which requests a fault hits, for how long, and what it sends
switches     the settings that can change while the simulator runs
log          the last requests
shapes       reads JSON of any shape
"""
