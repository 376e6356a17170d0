"""The codes of all problems in mapping files and examples, each with its meaning and its remedy.

A code is a stable name that scripts and searches can use. `connector mappings check --explain CODE` prints the meaning
and the remedy of a code.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """The explanation of one kind of problem."""

    severity: Severity
    meaning: str
    remedy: str


def _error(meaning: str, remedy: str) -> Code:
    return Code("error", meaning, remedy)


def _warning(meaning: str, remedy: str) -> Code:
    return Code("warning", meaning, remedy)


_FILES = {
    "no-topics": _error(
        "The directory has no mapping file for a topic.", "Name the right directory, or write a mapping file."
    ),
    "file-suffix": _error("A mapping file does not end in .yaml.", "Rename it."),
    "file-name": _error("A mapping file is not named after its topic.", "Rename the file, or correct its topic."),
    "file-place": _error(
        "A mapping file is in a directory that is not read.",
        "Move it beside the others, or into overlays/<overlay>. If it is not a mapping file, it must not end in .yaml.",
    ),
    "file-unreadable": _error("A mapping file cannot be read.", "Correct its permissions, or remove it."),
    "file-encoding": _error("A file is not UTF-8 text.", "Save it as UTF-8 in your editor."),
    "file-character": _error("A file has a character that YAML does not allow.", "Delete the character."),
    "file-empty": _error("A file is empty, or has only comments.", "Fill it, or remove it."),
    "overlay-name": _error(
        "The directory of an overlay has a name that no store can choose.", "Use letters, digits, - and _, at most 100."
    ),
}
_SYNTAX = {
    "white-space": _error("A tab or a no-break space is used where YAML allows only spaces.", "Type spaces."),
    "conflict-marker": _error("The file still has both sides of a merge conflict.", "Keep one side."),
    "indentation": _error(
        "A line begins in a column where no line above it begins.",
        "Indent it like the other lines of the same list or map.",
    ),
    "missing-space": _error("A colon or a dash has no space after it.", "Type a space: `text: customer.email`."),
    "missing-colon": _error("A key has no colon after it.", "Type a colon and a space: `text: customer.email`."),
    "missing-comma": _error("The comma between two entries in brackets is missing.", "Type a comma."),
    "unclosed-bracket": _error("A bracket is opened and never closed.", "Close it."),
    "stray-bracket": _error("A bracket has no matching bracket.", "Remove it, or put the text in quotes."),
    "unclosed-quote": _error("A quote is opened and never closed.", "Close it."),
    "quotes-needed": _error("A text has characters with a special meaning in YAML.", "Put the whole text in quotes."),
    "not-yaml": _error(
        "The file breaks the syntax of YAML.", "Correct this place; often the mistake is just before it."
    ),
    "duplicate-key": _error("The same key is written twice.", "Remove one of the two."),
    "empty-value": _error(
        "A key or an item has no value, or null.", "Fill it, indent the lines that belong to it, or remove the key."
    ),
    "key-shape": _error("A key is a list or a map instead of a word.", "Write one word before the colon."),
    "no-keys": _error("The file is a text or a list instead of keys and values.", "Begin with `topic: …`."),
    "anchor": _error("The file uses an anchor or an alias.", "Write the rules out, or put them into a group."),
    "merge-key": _error("The file uses the merge key <<.", "Put the shared rules into a group and include it."),
    "tag": _error("The file uses a tag such as !!str.", "Remove it: the type of a rule says what a value is."),
    "second-document": _error("A file has two documents.", "Make two files, one for each topic."),
    "nesting": _error("Lists and maps are nested deeper than in any mapping.", "Look for an extra bracket."),
}
_KEYS = {
    "unknown-key": _error("There is no such key here.", "Correct its spelling, or move it where it belongs."),
    "missing-key": _error("A required key is missing.", "Add it."),
    "wrong-shape": _error(
        "The value has the wrong shape: for example, it is a text, but a list or a map is needed.",
        "Write it as the message shows.",
    ),
    "not-a-text": _error("The value must be a text that is not empty and can be stored and sent.", "Write a text."),
    "switch": _error("A switch has the value true, or is left out.", "Write `true`, or remove the key."),
    "group-paths": _error(
        "The paths of a group start at the person, or at the top of the webhook.",
        "Write `paths: webhook`. Or remove the key: without it, the paths start at the person.",
    ),
}
_RULES = {
    "rule-shape": _error("A rule is one type and its source.", "Write it like `{number: points_balance}`."),
    "unknown-type": _error("There is no rule type with this name.", "Use one of the types that the message lists."),
    "path-syntax": _error("A path is only keys joined by dots: no expressions, no filters.", "Write `customer.email`."),
    "too-many-paths": _error("A list has more than 20 paths.", "Remove the paths that no webhook has."),
    "dead-path": _error(
        "A path is never used, because an earlier path of its list always has a value.",
        "Remove it, or put the longer path first.",
    ),
    "constant-as-path": _error(
        "A constant is written where a path must be.",
        "Write `{always: 5}`; put it in quotes if a key really has this name.",
    ),
    "constant-shape": _error("A constant is true, false, a number or a text.", "Write one of these."),
    "ambiguous-constant": _error(
        "YAML can read this word as something other than text; here it is text.",
        "Put it in quotes if you mean the text; otherwise write true, false or a plain number.",
    ),
    "date-parts": _error(
        "A date that is made of parts needs a year, a month and a day.", "Write all three, and nothing else."
    ),
    "absent-word": _error("`absent` and `empty` have only one possible value: `clear`.", "Write `absent: clear`."),
    "absent-place": _error(
        "Only an attribute that is read from the webhook can be cleared.", "Remove `absent` from this rule."
    ),
    "omit-word": _error("Only `{omit: true}` omits a rule.", "Write that, or remove the rule."),
    "nothing-to-omit": _error(
        "A rule omits a name that no group and no layer below has.", "Correct the name, or remove the rule."
    ),
    "name-syntax": _error(
        "A name has other characters than lower-case letters, digits and _.", "Write it in snake case, as Insider does."
    ),
    "name-length": _error("A name is longer than 100 characters.", "Shorten it."),
    "identifier-as-attribute": _error(
        "An identifier is written among attributes or params.",
        "Move it under `identifiers`; Insider expects it only there.",
    ),
    "unknown-identifier": _error("There is no such identifier.", "Use one of the identifiers that the message lists."),
}
_FILES_TOGETHER = {
    "topic-syntax": _error("A topic is words joined by / or by dots.", "Write it as Yotpo does: `swell/tier/earned`."),
    "topic-twice": _error("Two files map the same topic.", "Join them in one file."),
    "no-users": _error("A mapping has neither users nor a notice.", "Add `users`, or a `notice` for the merchant."),
    "notice-beside-users": _error(
        "A mapping has both users and a notice.", "Keep the users; a notice is for topics without users."
    ),
    "person-twice": _error("Two entries of `users` are about the same person.", "Join them in one entry."),
    "no-identifiers": _error(
        "A user has no identifiers, so Insider cannot know who it is.",
        "Include a group that has some, or write `identifiers`.",
    ),
    "nothing-told": _error("A user has no attributes and no events.", "Add some, or remove the user."),
    "overlay-scope": _error(
        "An overlay changes more than the rules of a topic.",
        "Leave out `notice`, `skip_hook`, and the `optional` of a person in the shared file: all stores share these. "
        "A group has the same `paths` as the shared group.",
    ),
    "overlay-person": _error(
        "An overlay has a person that the mapping below does not have.",
        "Write `person` as in the mapping below, or give the new user identifiers.",
    ),
    "unknown-group": _error("There is no such group.", "Correct the name, or add the group to groups.yaml."),
    "unused-group": _error("No mapping includes this group.", "Include it, or remove it."),
    "group-twice": _error("A list includes a group twice.", "Remove one."),
    "group-brings-nothing": _error(
        "A group is included in a place where none of its rules can be used.",
        "Users get identifiers and attributes from groups, events get params. Include the group where it has some.",
    ),
    "group-clash": _error(
        "Two groups that are included together write the same name.", "Include one of them, or rename one rule."
    ),
    "event-name": _error("The name of an event is its label in snake case.", "Write it as the message says."),
    "event-twice": _error("A user has two events with the same name.", "Join their params in one event."),
    "kind-clash": _error(
        "One name has two kinds of values; Insider keeps the first kind and drops the other.",
        "Use one kind everywhere.",
    ),
    "default-kind": _error(
        "A default name of Insider has another kind here than at Insider.",
        "Use the kind that the message names, or another name for your own attribute.",
    ),
    "required-param": _error(
        "A default event of Insider lacks a required param, so Insider refuses it.", "Add the param."
    ),
}
_ACCOUNT = {
    "budget": _error(
        "The mappings write more names than an Insider account allows: 80 custom attributes, 80 custom params.",
        "Remove rules. Or remove them only for single stores: an overlay can omit rules.",
    ),
    "budget-near": _warning(
        "The mappings write almost as many names as an Insider account allows.", "Remove names that no segment uses."
    ),
    "near-default": _warning(
        "A custom name looks like a default name of Insider.", "Use Insider's name, or a clearly different one."
    ),
}
_EXAMPLES = {
    "no-examples": _warning(
        "There are no examples, so paths cannot be checked against webhooks.", "Add examples/<topic>/documented.json."
    ),
    "topic-without-example": _warning(
        "A topic has no example, so its paths cannot be checked against a webhook.", "Add the one that Yotpo documents."
    ),
    "unknown-path": _error(
        "No example of the topics that use this path has it; most often the path is misspelt.",
        "Correct the path, or add an example that has it.",
    ),
    "unknown-person": _error(
        "No example has an object where the mapping looks for the person.",
        "Correct the path, or add an example that has the person there.",
    ),
    "misfit": _error(
        "No value at this path in the examples can be converted to the type of its rule.",
        "Use the type that fits, or another path.",
    ),
    "path-never-counts": _warning(
        "In every example that has this path, an earlier path of the list is used.",
        "Remove the path, put it first, or add an example that needs it.",
    ),
    "rule-never-runs": _warning(
        "Every mapping that includes the group has its own rule for this name.", "Remove the group's rule."
    ),
    "example-syntax": _error("An example is not JSON.", "Correct the example at this place."),
    "example-shape": _error(
        "An example is not a JSON object, but each webhook is one.", "Write only the webhook into the file."
    ),
    "example-place": _error(
        "An example is not in the directory of a topic.",
        "Move it into examples/<topic>/. In this name, write dots instead of the slashes of the topic.",
    ),
    "example-options": _error("An example has options that a store does not have.", "Correct the name or the value."),
    "example-alone": _error(
        "A file with the expected result or with options has no webhook beside it.",
        "Add the webhook, or remove the file.",
    ),
    "no-expectation": _warning(
        "The expected result of an example is missing.",
        "Run `connector mappings test --accept`, and read what it writes.",
    ),
}

#: By code.
CODES: dict[str, Code] = {**_FILES, **_SYNTAX, **_KEYS, **_RULES, **_FILES_TOGETHER, **_ACCOUNT, **_EXAMPLES}
