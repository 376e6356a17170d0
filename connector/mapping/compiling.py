"""Turns rules into closures. A mapping runs for every webhook, so what can be decided beforehand is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from connector.identifiers import clean_email, clean_phone, clean_uuid
from connector.mapping import values
from connector.mapping.money import money
from connector.mapping.values import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.mapping.parts import Path, Source
    from connector.model import Json, Options, Value

Read: TypeAlias = "Callable[[Json], Any]"
ValueOf: TypeAlias = "Callable[[Json, Options], Value | None]"

_TYPES: dict[str, Callable[[object], Value | None]] = {
    "text": values.text,
    "number": values.number,
    "money": money,
    "boolean": values.boolean,
    "date": values.date,
    "datetime": values.datetime,
    "list": values.items,
    "link": values.link,
}
_CLEANERS: dict[str, tuple[Callable[[object, Options], str | None], str]] = {
    "email": (lambda raw, _: clean_email(raw), "The value is not an e-mail address"),
    "phone_number": (lambda raw, options: clean_phone(raw, options.phone_region), "The value is not a phone number"),
    "uuid": (lambda raw, _: clean_uuid(raw), "The value is not an id"),
}


def value_of(source: Source) -> ValueOf:
    """Compile a source: the closure reads its value, and makes it what its type says."""
    if source.type == "always":
        constant = source.constant
        return lambda _root, _options: constant
    if source.parts:
        return _date_of_parts(*map(reader, source.parts))
    if source.type in _CLEANERS:
        return _identifier(reader(source.paths), *_CLEANERS[source.type])
    return _typed(source.paths, _TYPES[source.type])


def person_of(paths: tuple[Path, ...]) -> Callable[[Json], Json | None]:
    """Compile the whereabouts of a person: the first path that holds an object; without paths, the whole webhook."""
    readers = [_single(path) for path in paths]

    def read(body: Json) -> Json | None:
        for each in readers:
            found = each(body)
            if isinstance(found, dict):
                return found
        return None

    return read if readers else lambda body: body


def reader(paths: tuple[Path, ...]) -> Read:
    """Compile a list of paths: the first that holds something counts."""
    readers = [_single(path) for path in paths]
    if len(readers) == 1:
        return readers[0]

    def read(root: Json) -> Any:
        for each in readers:
            found = each(root)
            if found is not None and not (isinstance(found, str) and not found.strip()):
                return found
        return None

    return read


def _single(path: Path) -> Read:
    """Compile one path. Nearly all have one or two steps, so these have closures of their own."""
    if any(step.isdigit() for step in path) or len(path) > len(("first", "second")):
        return _through(path)
    if len(path) == 1:
        (only,) = path
        return lambda root: root.get(only)
    first, second = path

    def read(root: Json) -> Any:
        inner = root.get(first)
        return inner.get(second) if isinstance(inner, dict) else None

    return read


def _through(path: Path) -> Read:
    def read(root: Json) -> Any:
        found: Any = root
        for step in path:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return found

    return read


def _typed(paths: tuple[Path, ...], become: Callable[[object], Value | None]) -> ValueOf:
    if len(paths) == len(paths[0]) == 1:  # most rules by far: worth a closure that calls no other to read
        ((only,),) = paths

        def typed_at_once(root: Json, _options: Options) -> Value | None:
            raw = root.get(only)
            return None if raw is None else become(raw)

        return typed_at_once
    read = reader(paths)

    def typed(root: Json, _options: Options) -> Value | None:
        raw = read(root)
        return None if raw is None else become(raw)

    return typed


def _date_of_parts(year: Read, month: Read, day: Read) -> ValueOf:
    def date(root: Json, options: Options) -> Value | None:
        parts = values.Parts(year(root), month(root), day(root))
        return values.date_of_parts(parts, options.standin_year)

    return date


def _identifier(read: Read, clean: Callable[[object, Options], str | None], otherwise: str) -> ValueOf:
    def identifier(root: Json, options: Options) -> Value | None:
        raw = read(root)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return None
        cleaned = clean(raw, options)
        if cleaned is None:
            raise UnfitError(otherwise)
        return cleaned

    return identifier
