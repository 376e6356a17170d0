"""Celery: which process runs what, and when. A message says that there is work; the work itself stands in the journal.

    tasks       the Celery app: its settings, the names of the queues, and the tasks, a few lines each; begin here
    wakeups     sends wake-ups from a thread, outside of the request
    broker      Celery's transport over Redis, adapted so that a worker survives a Redis that fails
    watch       ends a worker that no longer takes messages
    limits      checks at start that all time-outs fit together, and logs them

Never here: payloads in messages, or logic of delivery.
"""
