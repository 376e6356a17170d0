"""The codes of all problems in mapping files and examples: what each means, and what to do about it.

A code is a stable word for scripts and searches. `connector mappings check --explain CODE` prints its sentences.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """What is said of all problems of one kind."""

    severity: Severity
    meaning: str
    remedy: str


def _error(meaning: str, remedy: str) -> Code:
    return Code("error", meaning, remedy)


def _warning(meaning: str, remedy: str) -> Code:
    return Code("warning", meaning, remedy)


_FILES = {
    "no-topics": _error(
        "The directory holds no mapping file of a topic.", "Name the directory that does, or write such a file."
    ),
    "file-suffix": _error("A mapping file does not end in .yaml.", "Rename it."),
    "file-name": _error("A mapping file is not called after its topic.", "Rename the file, or correct its topic."),
    "file-place": _error(
        "A mapping file lies where none is read.",
        "Move it beside the others, or into overlays/<overlay>; what is no mapping file must not end in .yaml.",
    ),
    "file-unreadable": _error("A mapping file cannot be read.", "Mend its permissions, or take it away."),
    "file-encoding": _error("A file is not UTF-8 text.", "Save it as UTF-8 in your editor."),
    "file-character": _error("A file holds a character that YAML does not allow.", "Delete the character."),
    "file-empty": _error("A file holds nothing but comments.", "Fill it, or take it away."),
    "overlay-name": _error(
        "The directory of an overlay has a name that no store can choose.", "Use letters, digits, - and _, at most 100."
    ),
}
_SYNTAX = {
    "white-space": _error("A tab or a no-break space stands where YAML takes spaces only.", "Type spaces."),
    "conflict-marker": _error("The file still holds both sides of a merge conflict.", "Keep one side."),
    "indentation": _error(
        "A line begins in a column in which no line above it does.",
        "Begin it in the column of the lines it belongs with.",
    ),
    "missing-space": _error("A colon or a dash has no space behind it.", "Type one: `text: customer.email`."),
    "missing-colon": _error("A key has no colon behind it.", "Type a colon and a space: `text: customer.email`."),
    "missing-comma": _error("Between two entries in brackets the comma is missing.", "Type it."),
    "unclosed-bracket": _error("A bracket is opened and never closed.", "Close it."),
    "stray-bracket": _error("A bracket closes or opens nothing.", "Take it away, or put the text in quotes."),
    "unclosed-quote": _error("A quote is opened and never closed.", "Close it."),
    "quotes-needed": _error("A text holds what YAML reads as its own signs.", "Put the whole text in quotes."),
    "not-yaml": _error("The file breaks the syntax of YAML.", "Correct the place; most often it is a sign before it."),
    "duplicate-key": _error("A key stands twice, and only one of the two could count.", "Take one away."),
    "empty-value": _error(
        "A key or an item has nothing behind it, or null.", "Fill it, indent what belongs to it, or take the key away."
    ),
    "key-shape": _error("A key is a list or a map instead of a word.", "Write one word before the colon."),
    "no-keys": _error("The file holds a text or a list instead of keys and values.", "Begin with `topic: …`."),
    "anchor": _error("The file uses an anchor or an alias.", "Write the rules out, or put them into a group."),
    "merge-key": _error("The file uses the merge key <<.", "Put the shared rules into a group and include it."),
    "tag": _error("The file uses a tag such as !!str.", "Take it away: the type of a rule says what a value is."),
    "second-document": _error("A file holds two documents.", "Make it two files, one for each topic."),
    "nesting": _error("Lists and maps are nested deeper than any mapping is.", "Look for a bracket too many."),
}
_KEYS = {
    "unknown-key": _error("There is no such key in this place.", "Correct its spelling, or move it where it belongs."),
    "missing-key": _error("A key that must be there is not.", "Add it."),
    "wrong-shape": _error(
        "A text, a list or a map stands where one of the others must.", "Write it as the message shows."
    ),
    "not-a-text": _error("There must be a text here, and it must be one that can be stored and sent.", "Write one."),
    "switch": _error("A switch is true or not there at all.", "Write `true`, or take the key away."),
    "group-paths": _error(
        "The paths of a group start at the person, or at the top of the webhook.",
        "Write `paths: webhook`, or take the key away: then they start at the person.",
    ),
}
_RULES = {
    "rule-shape": _error("A rule is one type and its source.", "Write it like `{number: points_balance}`."),
    "unknown-type": _error("There is no such type of rule.", "Use one of the types that the message lists."),
    "path-syntax": _error(
        "A path is keys joined by dots, with nothing to compute or to choose in it.", "Write `customer.email`."
    ),
    "too-many-paths": _error("A list holds more than 20 paths.", "Take away those that no webhook has."),
    "dead-path": _error(
        "A path can never count, because an earlier one of its list always does.",
        "Take it away, or put the longer path first.",
    ),
    "constant-as-path": _error(
        "A constant stands where a path must.", "Write `{always: 5}`; put it in quotes if a key really has this name."
    ),
    "constant-shape": _error("A constant is true, false, a number or a text.", "Write one of these."),
    "ambiguous-constant": _error(
        "YAML takes this word for more than text; here it would be text.",
        "Put it in quotes if you mean the text; else write true, false or a plain number.",
    ),
    "date-parts": _error("A date of parts has a year, a month and a day.", "Write all three, and nothing else."),
    "absent-word": _error("What absence means is said by `clear`, or not at all.", "Write `absent: clear`."),
    "absent-place": _error(
        "Only an attribute that is read from the webhook can be cleared.", "Take `absent` away from this rule."
    ),
    "omit-word": _error("A rule is omitted by `{omit: true}`.", "Write that, or take the rule away."),
    "nothing-to-omit": _error(
        "A rule omits what no group and no layer below brings.", "Correct the name, or take the rule away."
    ),
    "name-syntax": _error(
        "A name holds more than lower-case letters, digits and _.", "Write it in snake case, as Insider does."
    ),
    "name-length": _error("A name is longer than 100 characters.", "Shorten it."),
    "identifier-as-attribute": _error(
        "An identifier stands among attributes or params.", "Move it under `identifiers`; Insider wants it there only."
    ),
    "unknown-identifier": _error("There is no such identifier.", "Use one of those that the message lists."),
}
_FILES_TOGETHER = {
    "topic-syntax": _error("A topic is words joined by / or by dots.", "Write it as Yotpo does: `swell/tier/earned`."),
    "topic-twice": _error("Two files map one topic.", "Join them in one file."),
    "no-users": _error("A mapping has neither users nor a notice.", "Add `users`, or a `notice` for the merchant."),
    "notice-beside-users": _error(
        "A mapping has users and a notice.", "Keep the users; a notice is for topics without."
    ),
    "person-twice": _error("Two entries of `users` are about one person.", "Join them in one entry."),
    "no-identifiers": _error(
        "A user has no identifiers, so Insider could not know who it is.",
        "Include a group that brings some, or write `identifiers`.",
    ),
    "nothing-told": _error("A user has neither attributes nor events.", "Add some, or take the user away."),
    "overlay-scope": _error(
        "An overlay changes more than the rules of a topic.",
        "Leave out `notice`, `skip_hook`, and `optional` of a person whom the shared file has: they are shared. "
        "A group has the `paths` of the shared one.",
    ),
    "overlay-person": _error(
        "An overlay writes about a person of whom the mapping below knows nothing.",
        "Write `person` as the mapping below does, or give the new user identifiers.",
    ),
    "unknown-group": _error("There is no such group.", "Correct the name, or add the group to groups.yaml."),
    "unused-group": _error("No mapping includes this group.", "Include it, or take it away."),
    "group-twice": _error("A list includes a group twice.", "Take one away."),
    "group-brings-nothing": _error(
        "A group has nothing to bring to the place that includes it.",
        "Users take identifiers and attributes of groups, events take params; include it where it brings some.",
    ),
    "group-clash": _error(
        "Two groups that are included together write one name.", "Include one of them, or rename one rule."
    ),
    "event-name": _error("The name of an event is its label in snake case.", "Write it as the message says."),
    "event-twice": _error("A user has two events of one name.", "Join their params in one event."),
    "kind-clash": _error(
        "One name is given two kinds of values; Insider fixes the kind and drops the other.", "Use one kind everywhere."
    ),
    "default-kind": _error(
        "A name of Insider's own is given another kind than Insider fixes.",
        "Use the kind that the message names, or another name for an attribute of your own.",
    ),
    "required-param": _error(
        "An event of Insider's own lacks a param without which Insider refuses it.", "Add the param."
    ),
}
_ACCOUNT = {
    "budget": _error(
        "The mappings write more names than an Insider account takes: 80 custom attributes, 80 custom params.",
        "Take rules away, or leave them out for single stores by overlays.",
    ),
    "budget-near": _warning(
        "The mappings write almost as many names as an Insider account takes.", "Take away what nobody segments by."
    ),
    "near-default": _warning(
        "A custom name looks like one that Insider has itself.", "Use Insider's own name, or a clearly different one."
    ),
}
_EXAMPLES = {
    "no-examples": _warning(
        "There are no examples, so paths cannot be held against webhooks.", "Add examples/<topic>/documented.json."
    ),
    "topic-without-example": _warning(
        "A topic has no example, so its paths cannot be held against a webhook.", "Add the one that Yotpo documents."
    ),
    "unknown-path": _error(
        "A path is found in no example of the topics that use it; most often it is misspelt.",
        "Correct it, or add an example that holds it.",
    ),
    "unknown-person": _error(
        "No example holds an object where the mapping looks for the person.",
        "Correct the path, or add an example that holds the person there.",
    ),
    "misfit": _error(
        "In no example does the value at this path become the type of its rule.", "Use the type that fits, or the path."
    ),
    "path-never-counts": _warning(
        "In every example that holds this path, one before it holds something too and counts.",
        "Take it away, put it first, or add the example for which it is meant.",
    ),
    "rule-never-runs": _warning(
        "Every mapping that includes the group has a rule of its own for this name.", "Take the group's rule away."
    ),
    "example-syntax": _error("An example is no JSON.", "Correct the place."),
    "example-shape": _error("An example is no JSON object, as each webhook is.", "Put the webhook itself there."),
    "example-place": _error(
        "An example does not lie in the directory of a topic.",
        "Move it into examples/<topic>/, the topic with dots for slashes.",
    ),
    "example-options": _error(
        "The options of an example are not those that a store has.", "Correct the name or the value."
    ),
    "example-alone": _error(
        "What is expected, or options, stand there without their webhook.", "Add the webhook, or take the file away."
    ),
    "no-expectation": _warning(
        "Nothing says what the mapping should make of an example.",
        "Run `connector mappings test --accept`, and read what it writes.",
    ),
}

#: By code.
CODES: dict[str, Code] = {**_FILES, **_SYNTAX, **_KEYS, **_RULES, **_FILES_TOGETHER, **_ACCOUNT, **_EXAMPLES}
