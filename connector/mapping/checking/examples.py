"""The webhooks beside the mapping files, by which the files are checked and tested.

::

    examples/<topic, with . for />/<case>.json               a webhook of the topic
    examples/<topic, with . for />/<case>.expected.json      what its mapping must make of it
    examples/<topic, with . for />/<case>.options.json       the store's options, where the case needs some
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
#: The types of `model.Options`, as JSON has them.
_OPTION_TYPES: dict[str, type] = {"standin_year": int, "phone_region": str, "overlay": str}
_NO_EXPECTATION = Slip(
    _TOP,
    "no-expectation",
    "nothing says what the mapping should make of it; `connector mappings test --accept` writes that",
)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A webhook, and the files beside it. None of them has been read."""

    webhook: Path
    #: The overlay whose rules it is for.
    overlay: str | None = None

    @property
    def directory(self) -> str:
        """The topic, with . for /."""
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


def found(directory: Path, overlay: str | None = None) -> list[Example]:
    """Return the examples of a directory such as ``mappings/examples``, in the order of their names."""
    paths = sorted(directory.glob("*/*.json"))
    return [Example(webhook=path, overlay=overlay) for path in paths if not path.name.endswith((_EXPECTED, _OPTIONS))]


def directories(directory: Path) -> Iterator[tuple[str | None, Path]]:
    """Yield where the examples of a directory of mapping files lie, with the overlay that they are for."""
    yield None, directory / "examples"
    for examples in sorted(directory.glob("overlays/*/examples")):
        yield examples.parent.name, examples


def read(path: Path) -> Json | Slip:
    """Return the JSON object in a file, or what is wrong with it."""
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        place = Place(max(error.lineno, 1), max(error.colno, 1))
        sentence = f"this is no JSON ({error.msg}); correct what stands here or just before it"
        return Slip(place, "example-syntax", sentence)
    except OSError as error:
        return Slip(_TOP, "example-syntax", f"the file cannot be read ({error.strerror})")
    if not isinstance(content, dict):
        return Slip(_TOP, "example-shape", "this must be a JSON object, as each webhook is: {…}")
    return content


def options_of(example: Example, overlays: Collection[str]) -> Options | Slip:
    """Return the store's options with which an example is mapped, or what is wrong with them."""
    content = read(example.options) if example.options.exists() else {}
    if isinstance(content, Slip):
        return content
    for name, value in content.items():
        if name not in _OPTION_TYPES:
            near = did_you_mean(name, _OPTION_TYPES)
            return Slip(_TOP, "example-options", f"a store has no option {name!r}{near}")
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
    """Read all examples of a directory of mapping files; return the webhooks by overlay and topic.

    `topics` are those of each overlay, and of None, which stands for the shared files.
    """
    webhooks: dict[str | None, dict[str, list[Json]]] = {overlay: {} for overlay in topics}
    overlays = [name for name in topics if name]
    for overlay, examples in directories(directory):
        if overlay and overlay not in overlays:
            sentence = f"there is no overlay {overlay!r} with mapping files{did_you_mean(overlay, overlays)}"
            _add(problems, directory, examples, Slip(_TOP, "example-place", sentence))
            continue
        known = {topic.replace("/", "."): topic for topic in topics[overlay]}
        _check_places(directory, examples, known, problems)
        for example in found(examples, overlay):
            body = _checked(directory, example, overlays, problems)
            if body is not None and example.directory in known:
                webhooks[overlay].setdefault(known[example.directory], []).append(body)
    return webhooks


def _checked(directory: Path, example: Example, overlays: Collection[str], problems: Problems) -> Json | None:
    """Return the webhook of an example, unless it cannot be read."""
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


def _check_places(directory: Path, examples: Path, known: Collection[str], problems: Problems) -> None:
    """Check that each JSON file lies in the directory of a topic, and beside its webhook."""
    told: set[Path] = set()
    for path in sorted(examples.glob("**/*.json")):
        if path.parent.parent != examples:
            sentence = "an example must lie in the directory of its topic, such as examples/swell.tier.earned/"
            _add(problems, directory, path, Slip(_TOP, "example-place", sentence))
        elif path.parent.name not in known:
            if path.parent not in told:
                sentence = f"no mapping file maps the topic of this directory{did_you_mean(path.parent.name, known)}"
                _add(problems, directory, path, Slip(_TOP, "example-place", sentence))
            told.add(path.parent)
        elif path.name.endswith((_EXPECTED, _OPTIONS)):
            webhook = path.with_name(path.name.removesuffix(_EXPECTED).removesuffix(_OPTIONS) + ".json")
            if not webhook.exists():
                near = did_you_mean(webhook.name, [other.webhook.name for other in found(examples)])
                sentence = f"there is no webhook {webhook.name} beside it{near}"
                _add(problems, directory, path, Slip(_TOP, "example-alone", sentence))


def _add(problems: Problems, directory: Path, path: Path, slip: Slip) -> None:
    problems.add(path.relative_to(directory).as_posix(), *slip)
