"""`connector mappings check`: finds what can be run but does not do what its author means.

    reports     the whole check, file by file
    lint        compares rules with the values of the examples: `evidence` collects these, `examples` reads their files
    meanings    rules that contradict each other; `alternatives` finds paths that never count
    account     Insider's own names and budgets, which stand in `defaults`
    explaining  for each value of an update: the rule, the path and the raw value that it came from

Never here: a problem that stops a set from running (`loading`). Begin with `reports`.
"""
