"""The simulator's version of Yotpo's APIs.

    routes        every path, and how a request passes the faults, the gate and the log; begin here
    customers     Core v3: reads customers page by page (`cursors`); `patching` creates and updates them
    loyalty       the Loyalty API v2 and v3; `legacy`: the App Developer API v2
    tokens        how clients get a token; `install`: the page on which a merchant installs an app
    core_shape, loyalty_shape    one customer in the JSON of each API

Never here: the decision whether a request is allowed (gate), or the actions of customers (shoppers).
"""
