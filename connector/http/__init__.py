"""The shared parts of HTTP: requests to other companies' APIs, and the health checks.

    outbound    sends a request, with time-outs and a limit on the answer's size
    redaction   hides tokens and people's data in texts
    urls        the webhook URL of a store, and which URLs credentials may be sent to
    backoff     how long to wait after a failure, for a paused store too
    health      the health check routes of a web process
    serving     runs the web process's application; reads each request whole before a thread handles it

This package does not decide what an HTTP status means: each client does. Begin with `outbound`.
"""
