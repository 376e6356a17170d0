"""Generates the customers of a store. The same seed always gives the same customers.

    person       one customer as plain objects, the true state that all APIs and webhooks show; begin here
    generator    makes a customer from a seed and a number; `enrolment` makes the loyalty part
    draws        the random draws of one customer; `names`: names, places, review topics

Never here: the JSON of an API or of a webhook, a clock, or a list of all customers.
"""
