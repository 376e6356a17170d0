"""What became of events: their deliveries, outcomes and attempts, and the profiles that Insider has now.

    deliveries    each update that waits to be sent, or that is dead; `dead_letters` groups the dead ones by cause
    outcomes      each update that Insider has accepted, and each event without users
    attempts      each request to Insider
    customers     the profile that Insider has of each customer
    encoding      the stored forms of updates and notes

Begin with `deliveries`.
"""
