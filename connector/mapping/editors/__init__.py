"""Builds `mappings/schema.json`, the schema of mapping files for editors, from the engine's own tables.

    json_schema     the schema of a topic file and of `groups.yaml`
    schema_values   the schemas of single values: names, paths, types
    hints           the sentences that an editor shows

Never here: a restriction that the engine does not have. Begin with `json_schema`.
"""
