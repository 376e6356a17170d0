"""Finds and reads the examples beside the mapping files. An example is a webhook that `check` and `test` use.

::

    examples/<topic, with . for />/<case>.json               a webhook of the topic
    examples/<topic, with . for />/<case>.expected.json      the result that its mapping must return
    examples/<topic, with . for />/<case>.options.json       the store's options, if the case needs any
    overlays/<overlay>/examples/<topic, with . for />/…      the same, for stores that choose the overlay
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from connector.mapping.reading.problems import Place, did_you_mean
from connector.mapping.reading.texts import Slip
from connector.model import Options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from connector.mapping.reading.problems import Problems
    from connector.model import Json

_EXPECTED, _OPTIONS = ".expected.json", ".options.json"
_TOP = Place(1, 1)
#: The type of each option of `model.Options` in JSON.
_OPTION_TYPES: dict[str, type] = {"standin_year": int, "phone_region": str, "overlay": str}
_NO_EXPECTATION = Slip(
    _TOP,
    "no-expectation",
    "nothing says what the mapping should make of it; `connector mappings test --accept` writes that",
)


@dataclass(frozen=True, kw_only=True)
class Example:
    """The path of an example webhook, and the paths of the files beside it. The files are not read yet."""

    webhook: Path
    #: The overlay that maps the webhook; None stands for the shared rules.
    overlay: str | None = None

    @property
    def directory(self) -> str:
        """The name of the directory. It is the topic with . instead of /."""
        return self.webhook.parent.name

    @property
    def case(self) -> str:
        return self.webhook.stem

    @property
    def expected(self) -> Path:
        return self.webhook.with_name(self.case + _EXPECTED)

    @property
    def options(self) -> Path:
        return self.webhook.with_name(self.case + _OPTIONS)


def find(directory: Path, overlay: str | None = None) -> list[Example]:
    """Return the examples in a directory such as ``mappings/examples``, sorted by path."""
    paths = sorted(directory.glob("*/*.json"))
    return [Example(webhook=path, overlay=overlay) for path in paths if not path.name.endswith((_EXPECTED, _OPTIONS))]


def directories(directory: Path) -> Iterator[tuple[str | None, Path]]:
    """Yield each directory of examples and its overlay. The overlay None stands for the shared rules."""
    yield None, directory / "examples"
    for examples in sorted(directory.glob("overlays/*/examples")):
        yield examples.parent.name, examples


def read(path: Path) -> Json | Slip:
    """Return the JSON object in a file, or a Slip that says what is wrong with the file."""
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        place = Place(max(error.lineno, 1), max(error.colno, 1))
        sentence = f"this is not valid JSON ({error.msg}); the mistake is here or just before"
        return Slip(place, "example-syntax", sentence)
    except OSError as error:
        return Slip(_TOP, "example-syntax", f"the file cannot be read ({error.strerror})")
    if not isinstance(content, dict):
        return Slip(_TOP, "example-shape", "this must be a JSON object, as each webhook is: {…}")
    return content


def options_of(example: Example, overlays: Collection[str]) -> Options | Slip:
    """Return the store's options for an example, or a Slip that says what is wrong with the options."""
    content = read(example.options) if example.options.exists() else {}
    if isinstance(content, Slip):
        return content
    for name, value in content.items():
        if name not in _OPTION_TYPES:
            suggestion = did_you_mean(name, _OPTION_TYPES)
            return Slip(_TOP, "example-options", f"a store has no option {name!r}{suggestion}")
        if value is not None and type(value) is not _OPTION_TYPES[name]:
            kind = "a number" if _OPTION_TYPES[name] is int else "a text"
            return Slip(_TOP, "example-options", f"the option {name!r} must be {kind}")
    overlay = content.setdefault("overlay", example.overlay)
    if overlay is not None and overlay not in overlays:
        return Slip(_TOP, "example-options", f"there is no overlay {overlay!r}{did_you_mean(overlay, overlays)}")
    return Options(**content)


def check(
    directory: Path, topics: Mapping[str | None, Collection[str]], problems: Problems
) -> dict[str | None, dict[str, list[Json]]]:
    """Read and check all examples beside a directory of mapping files; return the webhooks by overlay and topic.

    `topics` holds the mapped topics by overlay. In both dictionaries, None stands for the shared files.
    """
    webhooks: dict[str | None, dict[str, list[Json]]] = {overlay: {} for overlay in topics}
    overlays = [name for name in topics if name]
    for overlay, examples in directories(directory):
        if overlay and overlay not in overlays:
            sentence = f"there is no overlay {overlay!r} with mapping files{did_you_mean(overlay, overlays)}"
            _add(problems, directory, examples, Slip(_TOP, "example-place", sentence))
            continue
        topic_of = {topic.replace("/", "."): topic for topic in topics[overlay]}
        _check_places(directory, examples, topic_of, problems)
        for example in find(examples, overlay):
            body = _read_and_check(directory, example, overlays, problems)
            if body is not None and example.directory in topic_of:
                webhooks[overlay].setdefault(topic_of[example.directory], []).append(body)
    return webhooks


def _read_and_check(directory: Path, example: Example, overlays: Collection[str], problems: Problems) -> Json | None:
    """Return the webhook of an example, or None if it cannot be read. Also check the files beside the webhook."""
    body = read(example.webhook)
    if isinstance(body, Slip):
        _add(problems, directory, example.webhook, body)
        return None
    options = options_of(example, overlays)
    if isinstance(options, Slip):
        _add(problems, directory, example.options, options)
    expected = read(example.expected) if example.expected.exists() else _NO_EXPECTATION
    if isinstance(expected, Slip):
        _add(problems, directory, example.webhook if expected is _NO_EXPECTATION else example.expected, expected)
    return body


def _check_places(directory: Path, examples: Path, topic_names: Collection[str], problems: Problems) -> None:
    """Check that each JSON file is in the directory of a topic, and that each extra file belongs to a webhook.

    If no mapping has the topic of a directory, add one problem for the whole directory.
    """
    reported: set[Path] = set()
    for path in sorted(examples.glob("**/*.json")):
        if path.parent.parent != examples:
            sentence = "an example must lie in the directory of its topic, such as examples/swell.tier.earned/"
            _add(problems, directory, path, Slip(_TOP, "example-place", sentence))
        elif path.parent.name not in topic_names:
            if path.parent not in reported:
                near = did_you_mean(path.parent.name, topic_names)
                sentence = f"no mapping file maps the topic of this directory{near}"
                _add(problems, directory, path, Slip(_TOP, "example-place", sentence))
            reported.add(path.parent)
        elif path.name.endswith((_EXPECTED, _OPTIONS)):
            webhook = path.with_name(path.name.removesuffix(_EXPECTED).removesuffix(_OPTIONS) + ".json")
            if not webhook.exists():
                near = did_you_mean(webhook.name, [example.webhook.name for example in find(examples)])
                sentence = f"there is no webhook {webhook.name} beside it{near}"
                _add(problems, directory, path, Slip(_TOP, "example-alone", sentence))


def _add(problems: Problems, directory: Path, path: Path, slip: Slip) -> None:
    problems.add(path.relative_to(directory).as_posix(), *slip)
