"""What one needs to try and test the connector on one machine; the connector itself needs none of it.

insider      a simulator of Insider's user API, a process of its own that shares no code with the connector
servers      embedded PostgreSQL and Redis
processes    a group of child processes that ends with its parent
stack        the whole connector: servers, simulator, and the Procfile's own lines
samples      the webhooks beside the mappings, shifted to now and with addresses of their own
show         sends every sample through the stack and prints what arrived
"""
