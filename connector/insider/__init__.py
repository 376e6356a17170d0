"""The client of Insider's user API.

    client      sends one request, upsert or clear, and returns the answer; no retries
    wire        the JSON of a request and of an answer, names, limits; begin here

Never here: retries (`delivery` decides about them), Yotpo's names.
"""
