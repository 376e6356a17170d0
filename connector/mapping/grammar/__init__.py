"""The grammar of mapping files: the marshmallow schemas, and the data classes that the schemas load.

    schemas     the schemas of a topic file and of `groups.yaml`
    fields      the fields of these schemas, such as names and identifiers
    sources     a rule: its type and its source; `paths` reads a path
    parts       the data classes: a topic, a user, a user event, a group, a source

Never here: checks between several files (`loading`), or the values of a webhook (`running`). Begin with `parts`.
"""
