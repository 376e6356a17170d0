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
``{year: …, month: …, day: …}``. ``{always: false}`` is a constant: a plain true, false or number is what it looks
like, anything else and everything in quotes is text; words that YAML would read otherwise are errors of the check.

What is not there is left out, and overwrites nothing. Where the source says that something is over, a rule says so:
``{text: new_tier.name, absent: clear}`` lets Insider forget the attribute where nothing is there at all, ``{datetime:
points_expire_at, empty: clear}`` only where the field is there and holds nothing.

There are no conditions, templates or expressions, on purpose: what a file does can be read off it.

    problems    collects mistakes; `codes` has a table of all kinds of them
    documents   a YAML file as plain data that remembers its lines and columns; `texts`, `syntax` and `trees` tell in
                plain words what is no YAML
    schemas     what a file may say, by the fields of `fields`, as the nouns of `parts`; `paths` and `sources` are rules
    layers      the shared files, and those of each overlay
    checks      what must fit between the files; `kinds` has one kind for each name
    loading     all of it in order, all mistakes at once
    reports     the whole check, which also finds what runs and does not do what is meant: `meanings`, `alternatives`
                and `account` (Insider's `defaults`, budgets) by the files, `lint` by the `evidence` of the `examples`
    rules       the table of rule types; `values`, `money` and `identities` say what a raw value must be for each
    assembling  groups, topics and overlays become the rules of each user, which `compiling` turns into Python
    reading     what stands at a path
    explaining  the story of each value, by a second reading of the rules
    json_schema what editors know of the grammar; `schema_values` and `hints` belong to it
    topic       the compiled mapping of one topic, and its `apply`; `sets` has all of them
"""

from connector.mapping.checking.reports import Report, check
from connector.mapping.loading.loader import load, load_files, read_files
from connector.mapping.running.sets import MappingSet
from connector.mapping.running.topic import TopicMapping

__all__ = ["MappingSet", "Report", "TopicMapping", "check", "load", "load_files", "read_files"]
