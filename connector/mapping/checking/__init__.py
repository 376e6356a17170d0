"""`connector mappings check` finds rules that run but do not do what their author means.

    reports     the whole check, file by file
    lint        compares rules with the values of the examples: `evidence` collects these, `examples` reads their files
    meanings    words that the loader reads differently than a person; `alternatives` finds paths that can never count
    account     compares names with Insider's own names and limits, which are in `defaults`
    explaining  for each value of an update: the rule, the path and the raw value that it came from

Never here: a problem that stops a set from running (`loading`). Begin with `reports`.
"""
