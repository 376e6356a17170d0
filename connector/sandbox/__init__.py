"""The whole connector on one machine, for `make run` and for tests.

    stack           starts PostgreSQL, Redis, both simulators and all processes of the Procfile; begin here
    servers         the embedded PostgreSQL and Redis; `processes` starts and stops processes
    show, samples   sends every sample webhook and compares what arrives with its golden pair
    shop            a simulated store: connected, filled, with shoppers, and compared with Insider in the end
    equality        this comparison, attribute by attribute; `expectations` says what Insider should have
    yotpo/, insider/, simulation/   the simulators, and what both share

The simulators share no code with the connector. Each simulator is a separate server.
"""
