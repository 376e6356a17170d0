"""The tools for people who edit mappings: they test, compare and activate mapping files.

    trying      runs mappings on examples, stored events or a file, and explains each value
    comparing   maps the same events with two mapping sets, and counts the changes
    differences compares two sets of updates for the same event; `changes` counts the differences
    revisions   finds a mapping set by name: a directory, a stored version, the active set, a git revision
    activation  activates mapping sets, and gives workers the set that is in force
    goldens     runs the examples, and compares the results with the expected results
    dictionary  lists all attributes, events and params, with the rules that write them
    drift/      finds fields of webhooks that no rule reads, and rules that find no value

No module of this package sends anything. Begin with `trying`.
"""
