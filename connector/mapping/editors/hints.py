"""The texts that editors show for each key of a mapping file: on hover, in completion, and for mistakes."""

from __future__ import annotations

from typing import NamedTuple

from connector.mapping.grammar import parts
from connector.mapping.types.rules import ABSENT, ALWAYS, EMPTY, OMIT


class Hint(NamedTuple):
    """The description of a key."""

    description: str
    #: Values that completion offers; other values are valid too.
    examples: tuple[object, ...] = ()


class PartHint(NamedTuple):
    """The description of a part of a file, and of each of its keys."""

    #: The name of the definition in the schema.
    name: str
    title: str
    description: str
    keys: dict[str, Hint]


_IDENTIFIERS = "What identifies the person at Insider: names of identifiers, each with the path or paths to its value."
_ATTRIBUTES = "What Insider stores about the person: names of attributes, each with its rule."
_PARAMS = "What Insider stores with the event: names of params, each with its rule."

#: A hint for each schema of `schemas`. The key is the class of the part that the schema loads.
PARTS = {
    parts.TopicPart: PartHint(
        "topic",
        "Mapping of a topic",
        "What Insider gets from the webhooks of one topic. Paths start at the top of the webhook.",
        {
            "topic": Hint(
                "The kind of webhook. The file has the same name, with . instead of /: swell.tier.earned.yaml"
            ),
            "description": Hint(
                "One sentence: what has happened when such a webhook comes.", ("A customer has reached a VIP tier.",)
            ),
            "skip_hook": Hint("Insider starts no journeys from these webhooks. By default it may start journeys."),
            "users": Hint("One entry for each person that the webhook has data about."),
            "notice": Hint("Replaces users if the topic is for the merchant. Operators see the notice."),
        },
    ),
    parts.UserPart: PartHint(
        "user",
        "User",
        "A person that the webhook has data about.",
        {
            "person": Hint(
                "Where the person is in the webhook: a path, or a list of paths. The first path with an object is used."
                " Paths of groups start at the person. By default the whole webhook is the person.",
                ("customer",),
            ),
            "optional": Hint(
                "Nothing is sent for a webhook without the person. By default such a webhook becomes a dead letter."
            ),
            "include": Hint("Groups from groups.yaml. They add their identifiers and attributes."),
            "identifiers": Hint(_IDENTIFIERS),
            "attributes": Hint(f"{_ATTRIBUTES} A rule here overrides a group's rule of the same name."),
            "events": Hint("What has happened to the person. Insider starts journeys from these events."),
        },
    ),
    parts.UserEventPart: PartHint(
        "user_event",
        "User event",
        "What has happened to the person, as one of the events that Insider knows.",
        {
            "label": Hint("The event's name as Insider shows it.", ("Tier Earned",)),
            "name": Hint("The label in snake case.", ("tier_earned",)),
            "include": Hint("Groups from groups.yaml. They add their params."),
            "params": Hint(f"{_PARAMS} A rule here overrides a group's rule of the same name."),
        },
    ),
    parts.NoticePart: PartHint(
        "notice",
        "Notice",
        "What operators see of a topic for the merchant.",
        {
            "text": Hint("One sentence: what the merchant should know.", ("Yotpo has switched off an integration.",)),
            "details": Hint("Values of the webhook that are shown with the text: names, each with its rule."),
        },
    ),
    parts.Group: PartHint(
        "group",
        "Group",
        "Rules that several topics share. They include it by its name.",
        {
            "paths": Hint("Paths of this group start at the top of the webhook. By default they start at the person."),
            "identifiers": Hint(_IDENTIFIERS),
            "attributes": Hint(_ATTRIBUTES),
            "params": Hint(_PARAMS),
        },
    ),
}

FILE = "Rules that say what Insider gets from Yotpo's webhooks: the rules of a topic, or the groups that topics share."
GROUPS = "Names of groups, each with its rules. Topics include a group by its name."
RULE = (
    "A type and its source, such as {number: points_balance}. The source is a path, or a list of paths. The first"
    " path with a value is used. If there is no value, nothing is sent for this name, and nothing is overwritten."
)
#: Editors offer these topics if the names of the real topics are not known.
TOPICS = ("swell/tier/earned",)
#: A hint for each identifier of `connector.model.identifiers`.
IDENTIFIERS = {
    "email": Hint("The e-mail address.", ("email",)),
    "phone_number": Hint(
        "The phone number. A store may set the region of numbers without a country code.", ("phone_number",)
    ),
    "uuid": Hint("An id by which Insider knows the person.", ("id",)),
}
DATE_PARTS = {
    "year": Hint("The year. A store may set a year for dates without a year.", ("birth_year",)),
    "month": Hint("The month, from 1.", ("birth_month",)),
    "day": Hint("The day of the month.", ("birth_day",)),
}

#: A hint for each type of rule that has no path.
CONSTANTS = {
    ALWAYS: Hint("A constant: true, false, a number or a text. Everything in quotes is text.", (True, 5, "gold")),
    OMIT: Hint("Removes the rule of this name that comes from a group, or from the shared mapping under an overlay."),
}
#: A hint for each key that may be beside a rule's type. A rule has at most one of these keys.
CLEARING = {
    ABSENT: Hint("Insider forgets the attribute if there is no value. By default Insider keeps its value."),
    EMPTY: Hint(
        "Insider forgets the attribute if the field exists and has no value. By default Insider keeps its value."
    ),
}

# The messages of editors about mistakes. The messages of `fields` and `checks` also name the wrong value.
NO_TEXT = "must be a text"
NO_TOPIC = "must be a topic, such as swell/tier/earned"
NO_EVENT_NAME = "must be the label in snake case, such as tier_earned"
NO_PATH = "must be a path, such as customer.email"
NO_SWITCH = "must be true, or left out"
NO_CONSTANT = "must be a constant: true, false, a number or a text"
NO_RULE = "a rule is a type and its source, such as {{number: points_balance}}; the types are {types}"
TWO_TYPES = "a rule has one type"
NO_RULES = "must contain names, each with its rule"
NO_NAME = (
    "a name consists of lower-case letters, digits and _; {identifiers} are identifiers: write them under identifiers"
)
NO_IDENTIFIERS = "must contain identifiers, each with its path; the identifiers are {identifiers}"
NO_GROUPS = "must be a list of groups, such as [customer]"
NOTHING_TO_CLEAR = "a rule may have either absent or empty, and only if its type has a path"
NO_USERS = "a mapping needs users, or a notice if the topic is for the merchant"
NOTICE_BESIDE_USERS = "a notice is for topics without users"
