"""Brings customers from a file back to Yotpo: ``connector customers push FILE``.

The way of a line::

    FILE ──▶ reading ──▶ forms ──▶ sending ──▶ Yotpo
                          │          │  ▲
                          │          │  └── comparing: what Yotpo says of the customer a minute later
                          ▼          ▼
                          results ──▶ FILE.results.jsonl

    source     the file, and where its results are kept
    reading    JSON lines or CSV, line by line, in the memory of one line
    forms      what Yotpo takes of a customer, checked before anything is sent; `fields` and `codes` are its tables
    work       who is to be sent next, and who is to be read back
    waiting    leases the store's Yotpo, and waits while it cannot be asked
    sending    one customer after the other
    comparing  what was sent beside what Yotpo shows
    results    what became of each line; a run that was cut short goes on from it; `report` sums them up
"""
