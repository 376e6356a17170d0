"""Brings events from the journal to Insider: the step that workers run, and the pure policy behind it.

    steps       one partition at a time: map received events, send waiting deliveries; begin here
    pipeline    the loop of a worker: which partition and which step is next, and when to stop
    sending     one batch: send it, read the answer, halve it if Insider does not say which user is refused
    merging     policy: which deliveries share a user, which value is newest, what is too old
    outcomes    policy: what Insider's answer means: users are delivered or dead, or the batch is halved, or the store
                is paused (how long: here for refused credentials, else `connector.http.backoff`)
    replaying   plans and starts a replay, with a dry run that shows what would differ

Never here: SQL, HTTP, or a special case for one topic.
"""
