"""The operations of Insider's user API, as the simulator answers them.

    upsert        stores a batch of users and answers user by user; begin here
    validation    why a user is refused, in the words of Insider's API reference
    identity      changes and deletes identifiers; finds the profile that a request names
    erasure       deletes attributes, personal data and whole users
    reading       reads a profile back, within the quota of such reads

This package does not check HTTP headers and tokens; `gate` does. It does not store profiles; `profiles` does.
"""
