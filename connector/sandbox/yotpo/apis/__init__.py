"""Yotpo's APIs, as the simulator answers them.

    routes        every path, and how a request passes the faults, the gate and the log; begin here
    customers     Core v3: reads customers page by page (`cursors`); `patching` creates and updates them
    loyalty       the Loyalty API v2 and v3; `legacy`: the App Developer API v2
    tokens        how clients get a token; `install`: the page on which a merchant installs an app
    core_shape, loyalty_shape    one customer in the JSON of each API

Never here: which requests are allowed (gate), or what a customer does (shoppers).
"""
