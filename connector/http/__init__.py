"""Requests to others: everything that both API clients share.

    outbound    sends a request, with time-outs and a limit on the answer's size
    redaction   hides tokens and people's data in texts
    urls        the webhook URL of a store, and which URLs credentials may be sent to
    backoff     how long to wait after a failure, for a paused store too

Never here: what a status means to a client. Begin with `outbound`.
"""
