"""What editors say about each key of a mapping file: in hovers, in completion, and where something is wrong."""

from __future__ import annotations

from typing import NamedTuple

from connector.mapping.grammar import parts
from connector.mapping.types.rules import ABSENT, ALWAYS, EMPTY, OMIT


class Hint(NamedTuple):
    """What is said about a key."""

    description: str
    #: Values that completion offers; others are as good.
    examples: tuple[object, ...] = ()


class PartHint(NamedTuple):
    """What is said about a part of a file, and about each of its keys."""

    #: Of the definition in the schema.
    name: str
    title: str
    description: str
    keys: dict[str, Hint]


_IDENTIFIERS = "What names the person at Insider, each with the path or paths to it."
_ATTRIBUTES = "What Insider keeps about the person: names of attributes, each with its rule."
_PARAMS = "What Insider keeps with the event: names of params, each with its rule."

#: For each schema of `schemas`, by the part that it loads into.
PARTS = {
    parts.TopicPart: PartHint(
        "topic",
        "Mapping of a topic",
        "What becomes of the webhooks of one topic. Paths start at the top of the webhook.",
        {
            "topic": Hint("The kind of webhook. The file is called after it, with . for /: swell.tier.earned.yaml"),
            "description": Hint("One sentence: what has happened.", ("A customer has reached a VIP tier.",)),
            "skip_hook": Hint("Insider starts no journeys from it. By default it may."),
            "users": Hint("One entry for each person whom the webhook tells something about."),
            "notice": Hint("Instead of users, where the topic tells the merchant something: operators see it."),
        },
    ),
    parts.UserPart: PartHint(
        "user",
        "User",
        "A person whom the webhook tells something about.",
        {
            "person": Hint(
                "Where the person stands in the webhook: a path, or several, of which the first that holds an object"
                " counts. Groups start there. By default the whole webhook is the person.",
                ("customer",),
            ),
            "optional": Hint(
                "The webhook may well lack the person; then nothing is sent. By default that is a dead letter."
            ),
            "include": Hint("Groups of groups.yaml, which bring their identifiers and attributes."),
            "identifiers": Hint(_IDENTIFIERS),
            "attributes": Hint(f"{_ATTRIBUTES} One here overrides that of a group."),
            "events": Hint("What has happened to the person. Insider starts journeys from it."),
        },
    ),
    parts.UserEventPart: PartHint(
        "user_event",
        "User event",
        "What has happened to the person, as Insider's list of events has it.",
        {
            "label": Hint("As Insider shows it.", ("Tier Earned",)),
            "name": Hint("The label in snake case.", ("tier_earned",)),
            "include": Hint("Groups of groups.yaml, which bring their params."),
            "params": Hint(f"{_PARAMS} One here overrides that of a group."),
        },
    ),
    parts.NoticePart: PartHint(
        "notice",
        "Notice",
        "What operators see of a topic that tells the merchant something.",
        {
            "text": Hint("One sentence: what the merchant should know.", ("Yotpo has switched off an integration.",)),
            "details": Hint("What of the webhook is shown with it: names, each with its rule."),
        },
    ),
    parts.Group: PartHint(
        "group",
        "Group",
        "Rules that several topics share, and include by the group's name.",
        {
            "paths": Hint("Paths of this group start at the top of the webhook. By default they start at the person."),
            "identifiers": Hint(_IDENTIFIERS),
            "attributes": Hint(_ATTRIBUTES),
            "params": Hint(_PARAMS),
        },
    ),
}

FILE = "Rules that say what becomes of Yotpo's webhooks at Insider: those of a topic, or the groups that topics share."
GROUPS = "Names of groups, each with its rules. Topics include a group by its name."
RULE = (
    "A type and its source, such as {number: points_balance}. The source is a path, or a list of paths of which the"
    " first that holds something counts. What is not there is left out, and overwrites nothing."
)
#: Offered where no names of topics are known.
TOPICS = ("swell/tier/earned",)
#: By the names of `connector.model.identifiers`.
IDENTIFIERS = {
    "email": Hint("The e-mail address.", ("email",)),
    "phone_number": Hint(
        "The phone number. A store may set the region of numbers without a country code.", ("phone_number",)
    ),
    "uuid": Hint("An id that Insider knows the person by.", ("id",)),
}
DATE_PARTS = {
    "year": Hint("The year. Where it is not there, a store may set a stand-in.", ("birth_year",)),
    "month": Hint("The month, from 1.", ("birth_month",)),
    "day": Hint("The day of the month.", ("birth_day",)),
}

#: The rules that read nothing.
CONSTANTS = {
    ALWAYS: Hint("A constant: true, false, a number or a text. What stands in quotes is text.", (True, 5, "gold")),
    OMIT: Hint("Takes away the rule of this name that a group, or the mapping below an overlay, brings."),
}
#: The keys beside a rule's type, of which a rule has one at most.
CLEARING = {
    ABSENT: Hint("Insider forgets the attribute where nothing is there. By default what Insider has stays."),
    EMPTY: Hint(
        "Insider forgets the attribute where a field is there and holds nothing. By default what Insider has stays."
    ),
}

# What editors say where something is wrong. `fields` and `checks` say the same, and what they have found there.
NO_TEXT = "must be a text"
NO_TOPIC = "must be a topic, such as swell/tier/earned"
NO_EVENT_NAME = "must be the label in snake case, such as tier_earned"
NO_PATH = "must be a path, such as customer.email"
NO_SWITCH = "must be true, or left out"
NO_CONSTANT = "must be a constant: true, false, a number or a text"
NO_RULE = "a rule is a type and its source, such as {{number: points_balance}}; there are {types}"
TWO_TYPES = "a rule has one type"
NO_RULES = "must hold names, each with its rule"
NO_NAME = "a name is of lower-case letters, digits and _; {identifiers} are identifiers: write them under identifiers"
NO_IDENTIFIERS = "must hold identifiers, each with its path; there are {identifiers}"
NO_GROUPS = "must be a list of groups, such as [customer]"
NOTHING_TO_CLEAR = "absent or empty, one of the two, stands beside a type that reads something"
NO_USERS = "a mapping needs users, or a notice where the topic is for the merchant"
NOTICE_BESIDE_USERS = "a notice is for topics without users"
