"""Mappings are YAML rules, compiled to Python. An event goes in, updates for Insider come out.

Each topic has one file. ``groups.yaml`` has the rules that several topics share. The grammar on one page::

    topic: swell/tier/earned            the file must have the name swell.tier.earned.yaml
    description: One sentence.
    skip_hook: true                     only if Insider must not start journeys from this topic
    users:                              one entry for each person that the webhook has data about
      - person: customer                path or paths to the person; without it, the whole webhook is the person
        optional: true                  only if the webhook may lack the person; then nothing is sent
        include: [customer, tier]       adds the identifiers and attributes of groups
        identifiers: {email: customer.email}
        attributes: {NAME: RULE}        a rule here overrides the groups' rule of the same name; {omit: true} omits it
        events:
          - label: Tier Earned
            name: tier_earned           the label in snake case
            include: [perk]             adds the params of groups
            params: {NAME: RULE}
    notice:                             instead of users, if the topic is for the merchant
      text: One sentence.
      details: {NAME: RULE}

    groups.yaml:
    GROUP:
      paths: webhook                    paths start at the top of the webhook; without it, at the person
      identifiers, attributes, params   as above

    overlays/OVERLAY/*.yaml             the same, laid over these files for the stores that choose the overlay:
                                        rules override those of the same group, person or event by name

A RULE is one type and its source, such as ``{number: points_balance}``. The types are text, number, money, boolean,
date, datetime, list and link. The source is a path or a list of paths. The first path with a value counts; ``null`` and
``""`` do not count as values. A step that is a number picks an item of a list (``products.0.product_id``). The source
of a ``date`` can also be ``{year: …, month: …, day: …}``. ``{always: false}`` is a constant: true, false, or a number.
Any other constant is text, and everything in quotes is text too. The check refuses words such as ``yes``, because YAML
would read them as something else.

If a value is missing, the update leaves its name out, and Insider keeps the old value. A rule can clear the attribute
at Insider instead. ``{text: new_tier.name, absent: clear}`` clears it whenever there is no value.
``{datetime: points_expire_at, empty: clear}`` clears it only if the field exists and is null or a blank text.

Mapping files have no conditions, templates or expressions, so that a reader sees what a file does.

The packages, from the lowest to the highest:

    reading/    reads YAML files as plain data with lines and columns; collects problems and their codes
    types/      converts raw values: the table of rule types, numbers, money, dates, identifiers, look-up by path
    grammar/    the schemas of mapping files, and the data classes that they load
    running/    turns rules into Python functions: an event goes in, updates of users come out
    loading/    loads all files of a set, with its overlays, and reports all problems at once
    checking/   finds rules that run but do not do what their author means; explains each value
    editors/    builds the schema for editors

A worker that has loaded a set needs only `running`. Never here: I/O besides reading YAML, a clock, the wire format.
"""

from connector.mapping.checking.reports import Report, check
from connector.mapping.loading.loader import load, load_files, read_files
from connector.mapping.running.sets import MappingSet
from connector.mapping.running.topic import TopicMapping

__all__ = ["MappingSet", "Report", "TopicMapping", "check", "load", "load_files", "read_files"]
