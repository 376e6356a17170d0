"""The mapping: YAML rules, compiled to Python. An event goes in, what Insider should learn comes out.

One file a topic; what several topics share stands in ``groups.yaml``. The grammar, on one page::

    topic: swell/tier/earned            the file is then called swell.tier.earned.yaml
    description: One sentence.
    skip_hook: true                     only where Insider must not start journeys from it
    users:                              one entry for each person whom the webhook tells something about
      - person: customer                path or paths to the person; without it, the whole webhook is the person
        optional: true                  only where the webhook may well lack the person: then nobody is refused
        include: [customer, tier]       brings the identifiers and attributes of groups
        identifiers: {email: customer.email}
        attributes: {NAME: RULE}        a rule here overrides the groups' rule of the same name; {omit: true} omits it
        events:
          - label: Tier Earned
            name: tier_earned           the label in snake case
            include: [perk]             brings the params of groups
            params: {NAME: RULE}
    notice:                             instead of users, where a topic tells the merchant something
      text: One sentence.
      details: {NAME: RULE}

    groups.yaml:
    GROUP:
      paths: webhook                    paths start at the top of the webhook; without it, at the person
      identifiers, attributes, params   as above

    overlays/OVERLAY/*.yaml             the same, laid over these files for the stores that choose the overlay:
                                        rules override those of the same group, person or event by name

A RULE is one type and its source, ``{number: points_balance}``. The types: text, number, money, boolean, date,
datetime, list, link. The source is a path or a list of paths, of which the first that holds something counts; ``null``
and ``""`` are nothing. A step that is a number picks from a list (``products.0.product_id``). ``date`` also takes
``{year: …, month: …, day: …}``. ``{always: false}`` is a constant: true, false, or a number; anything else is text, and
so is everything in quotes. The check refuses words such as ``yes``, which YAML would read as something else.

A missing value is left out, and overwrites nothing. A rule may clear the attribute at Insider instead:
``{text: new_tier.name, absent: clear}`` does so if the value is missing in any way,
``{datetime: points_expire_at, empty: clear}`` only if the field is there and holds null or a blank text.

There are no conditions, templates or expressions, on purpose: a reader sees what a file does.

The rooms, from the ground up:

    reading/    YAML files as plain data with lines and columns; problems and their codes
    types/      what a raw value becomes: the table of rule types, numbers, money, dates, identifiers, look-up by path
    grammar/    what a file may say: schemas, and the nouns that they load
    running/    rules as Python functions: an event goes in, updates of users come out
    loading/    all files of a set together, shared ones and overlays, with all problems at once
    checking/   finds rules that run but do not do what their author means; explains each value
    editors/    the schema for editors

A worker that has loaded a set needs `running` alone. Never here: I/O besides reading YAML, a clock, the wire format.
"""

from connector.mapping.checking.reports import Report, check
from connector.mapping.loading.loader import load, load_files, read_files
from connector.mapping.running.sets import MappingSet
from connector.mapping.running.topic import TopicMapping

__all__ = ["MappingSet", "Report", "TopicMapping", "check", "load", "load_files", "read_files"]
