"""Runs the work with Celery. A message only says that there is work; the work itself is in the journal.

    tasks       the Celery app: its settings, the names of the queues, and the tasks, a few lines each; begin here
    wakeups     sends wake-ups from a thread, outside of the request
    broker      Celery's transport over Redis, adapted so that a worker survives a Redis that fails
    watch       ends a worker that no longer takes messages
    limits      checks at start that all time-outs fit together, and logs them

Messages have no payload, and the logic of delivery is not in this package.
"""
