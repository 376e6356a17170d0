"""The part that the simulators of Yotpo and of Insider share; nothing here is specific to one of them.

It imports no module of the connector, so that no simulator shares code with the program that it tests.

server       runs the process, and prints where it listens
arguments    the command line
routes       makes Flask views from a table of operations
answers      an answer, and how it is sent: complete, or as a dropped connection
control      the routes under /_sandbox, through which tests read and change a simulator's state
faults       which requests a fault hits, for how long, and what it sends
switches     the settings that can change while the simulator runs
log          the last requests
shapes       reads JSON of any shape
"""
