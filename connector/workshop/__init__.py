"""For those who edit mappings: everything between an edited file and its use by workers.

    trying      runs mappings on examples, stored events or a file, and explains each value
    comparing   what another revision would change, counted by `changes`; `differences` compares two sets of updates
    revisions   a revision by name: files, a kept version, the active one
    activation  which version is in force, for operators and for workers
    goldens     runs the examples and compares them with what is expected
    dictionary  all attributes, events and params, with the rules that write them
    drift/      what webhooks hold that no rule reads, and rules that find nothing

Never here: sending anything. Begin with `trying`.
"""
