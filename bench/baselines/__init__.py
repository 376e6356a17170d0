"""What users could build instead of the connector: Flask and Celery, and Redis as the only store.

    app     the Flask intake, and the Celery task in two forms: one request for each webhook, and one for a batch

Both map by hand, with the same result as the connector. Neither keeps an order for each customer, a journal, or a
webhook that Redis loses. So the comparison favours them.
"""

#: The two kinds, as BASELINE names them.
SINGLE, BATCHES = "single", "batches"
