"""The client of Yotpo's APIs, and the format of Yotpo's webhooks.

    client        `Yotpo` for a process, `StoreClient` for one store; `oauth` exchanges the code of an install
    access        sends one request: adds the token, renews an expired one; `rate_limiter` keeps to Yotpo's rate
    refusals      what each status means: an exception of `connector.errors`
    wire          the format of requests and responses; `customers` reads a customer object
    topics        recognises a webhook: its topic, time, customer and idempotency key

Never here: Insider's names, SQL. Begin with `topics` for webhooks and with `client` for the API.
"""
