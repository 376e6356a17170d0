"""Yotpo's side: its API client, and what its webhooks look like.

    client        `Yotpo` for a process, `StoreClient` for one store; `oauth` exchanges the code of an install
    access        one request: token, rate, retries of an expired token; `rate_limiter` keeps to Yotpo's rate
    refusals      what each status means: an exception of `connector.errors`
    wire          requests and answers as Yotpo writes them; `customers` reads a customer of any of its APIs
    topics        recognises a webhook: its topic, time, customer and idempotency key

Never here: Insider's names, SQL. Begin with `topics` for webhooks and with `client` for the API.
"""
