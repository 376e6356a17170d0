"""Receives Yotpo's webhooks: journals each webhook as an event, and sends one response to each request.

    webhooks    the Flask route: checks the token and the secret, recognises the events, answers 200, 4xx or 503
    reception   the route's access to the journal, with a time limit: the store of a token, rejections, counts
    appending   appends the webhooks of all threads in groups: one statement and one commit for each group

Never here: mapping, the broker, Insider, anything slow. Begin with `webhooks`.
"""
