"""Brings events from the journal to Insider: the steps that workers run, and the policy, which is pure functions.

    steps       some partitions at a time: map received events, send deliveries, record; begin here
    pipeline    the loop of a worker: which partitions are next, and when to stop
    sending     one batch: send it, read the answer, halve it if Insider refuses it without naming a user
    recording   writes into the journal what a step has done
    merging     policy: which deliveries share a user, which value is newest, what is too old
    outcomes    policy: what Insider's answer means: users are delivered or dead, or the batch is halved, or the store
                is paused (how long: here for refused credentials, else `connector.http.backoff`)
    replaying   plans and starts a replay, with a dry run that shows what would differ

This package contains no SQL, no HTTP, and no special case for one topic.
"""
