"""Generates the customers of a store, always the same ones for the same seed.

    person       one customer as plain objects: the true state behind all APIs and webhooks; begin here
    generator    makes a customer from a seed and a number; `enrolment` makes the loyalty part
    draws        the random draws of one customer; `names`: names, places, review topics

Never here: the JSON of an API or of a webhook, a clock, a list of all customers.
"""
