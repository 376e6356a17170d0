"""The grammar: what a mapping file may say, as marshmallow schemas, and the nouns that they load.

    schemas     the schemas of a topic file and of `groups.yaml`
    fields      the fields of these schemas, such as names and identifiers
    sources     a rule: its type and its source; `paths` reads a path
    parts       the nouns: a topic, a user, a user event, a group, a source

Never here: whether several files fit together (`loading`), or the values of a webhook (`running`). Begin with `parts`.
"""
