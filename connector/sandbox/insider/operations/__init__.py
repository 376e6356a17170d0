"""The operations of Insider's API on users: upsert, changing identifiers, deleting, reading."""
