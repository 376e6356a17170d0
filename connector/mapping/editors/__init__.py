"""What editors know of the grammar: `mappings/schema.json`, made from the engine's own tables.

    json_schema     the schema of a topic file and of `groups.yaml`
    schema_values   the schemas of single values: names, paths, types
    hints           the sentences that an editor shows

Never here: a rule that the engine does not know. Begin with `json_schema`.
"""
