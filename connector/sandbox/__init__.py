"""What one needs to try and test the connector on one machine; the connector itself needs none of it.

insider      a simulator of Insider's user API, a process of its own that shares no code with the connector
yotpo        a simulator of Yotpo's APIs, its shoppers and their webhooks, likewise
simulation   what both of them need
servers      embedded PostgreSQL and Redis
processes    a group of child processes that ends with its parent
stack        the whole connector: servers, simulators, and the Procfile's own lines
samples      the webhooks beside the mappings, shifted to now and with addresses of their own
show         sends every sample through the stack and prints what arrived
equality     whether Insider has come to hold what Yotpo has, customer by customer, by a statement of its own of what
             each attribute has to be (`expectations`)
"""
