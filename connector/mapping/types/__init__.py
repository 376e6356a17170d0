"""The types of rules: what a raw value of a webhook becomes, such as a number, a date or an e-mail address.

    rules       the table of types, each with the function that converts a raw value
    values      text, number, boolean, dates and times, lists; `money` has the amounts of many countries
    identities  the identifiers: e-mail, phone number, uuid
    lookup      finds the value at a path

A value that cannot become its type raises `UnfitError`; `running` then leaves the attribute out and notes why. Begin
with `rules`.
"""
