"""The mapping: YAML rules, compiled into plain callables. An event goes in, what Insider should learn comes out.

One file a topic; what several topics share stands in ``groups.yaml``. The grammar, on one page::

    topic: swell/tier/earned            the file is then called swell.tier.earned.yaml
    description: One sentence.
    skip_hook: true                     only where Insider must not start journeys from it
    users:                              one entry for each person whom the webhook tells something about
      - person: customer                path or paths to the person; without it, the whole webhook is the person
        optional: true                  only where the webhook may well lack the person: then nobody is refused
        include: [customer, tier]       brings the identifiers and attributes of groups
        identifiers: {email: customer.email}
        attributes: {NAME: RULE}        a rule here overrides the groups' rule of the same name
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

A RULE is one type and its source, ``{number: points_balance}``. The types: text, number, money, boolean, date,
datetime, list, link. The source is a path or a list of paths, of which the first that holds something counts; ``null``
and ``""`` are nothing. A step that is a number picks from a list (``products.0.product_id``). ``date`` also takes
``{year: …, month: …, day: …}``. ``{always: false}`` is a constant: a plain true, false or number is what it looks
like, anything else and everything in quotes is text. There are no conditions, templates or expressions, on purpose:
what a file does can be read off it.

    problems    collects mistakes
    documents   a YAML file as plain data that remembers its lines and columns
    schemas     what a file may say, by the fields of `fields`, as the nouns of `parts`
    checks      what must fit between the files
    loading     all of it in order, all mistakes at once
    compiling   rules become closures, which `assembling` puts together
    values      what a raw value must be to become text, number …; `money` has a file of its own
    topic       the compiled mapping of one topic, and its `apply`
"""

from connector.mapping.loading import load, load_files, read_files
from connector.mapping.sets import MappingSet
from connector.mapping.topic import TopicMapping

__all__ = ["MappingSet", "TopicMapping", "load", "load_files", "read_files"]
