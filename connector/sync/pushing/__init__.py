"""Writes customers from a file to Yotpo: ``connector customers push FILE``.

Each line of the file goes through these modules::

    FILE ──▶ reading ──▶ forms ──▶ sending ──▶ Yotpo
                          │          │  ▲
                          │          │  └── comparing: what Yotpo shows of the customer a minute later
                          ▼          ▼
                          results ──▶ FILE.results.jsonl

    source     the file, and the path of its results
    reading    reads JSON lines or CSV line by line, and keeps one line in memory
    forms      checks a customer before it is sent; `fields` and `codes` are its tables
    work       the queues of customers to send and of customers to read back
    waiting    takes the store's lease again and again, and waits while Yotpo is not available
    sending    sends one customer after the other
    comparing  compares what was sent with what Yotpo shows
    results    the result of each line, from which an interrupted run continues; `report` sums them up
"""
