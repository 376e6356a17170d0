"""Files of customers: what is read, and what is reported for lines that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from connector.errors import OperatorError
from connector.sync.pushing import reading
from connector.sync.pushing.reading import Form, Row


def _read(content: bytes | str, form: Form, *, force: bool = False) -> list[Row]:
    raw = content.encode() if isinstance(content, str) else content
    found = list(reading.rows(io.BytesIO(raw), form, force=force))
    assert reading.count(io.BytesIO(raw), form) == len(found)
    return found


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_json_lines_are_read_with_the_numbers_of_the_file(mark: bytes, end: bytes) -> None:
    content = mark + end.join([b'{"external_id":"1"}', b"", b"   ", '{"first_name":"Jürgen"}'.encode()])

    assert _read(content, "jsonl") == [Row(1, {"external_id": "1"}), Row(4, {"first_name": "Jürgen"})]


def test_a_json_line_that_cannot_be_read_holds_up_no_other() -> None:
    content = b'{"a":1\n[1]\n"x"\n\xff\n' + b'{"a":"' + b"x" * 3_000_000 + b'"}\n{"external_id":"1"}'

    assert _read(content, "jsonl") == [
        Row(1, None, "the line is not JSON: column 7"),
        Row(2, None, "the line has to be a JSON object, a customer"),
        Row(3, None, "the line has to be a JSON object, a customer"),
        Row(4, None, "the line is not UTF-8"),
        Row(5, None, "the line is longer than 1048576 bytes"),
        Row(6, {"external_id": "1"}),
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_read_with_fields_within_fields_and_empty_cells_left_out(mark: str, end: str) -> None:
    lines = [
        mark + " external_id,first_name,address.city,address.zip",
        "1,Ann,Berlin,",
        ",,,",
        "",
        "2,null,,",
        '3,"Ann, ""A.""",,',
    ]

    assert _read(end.join(lines), "csv") == [
        Row(2, {"external_id": "1", "first_name": "Ann", "address": {"city": "Berlin"}}),
        Row(5, {"external_id": "2", "first_name": "null"}),
        Row(6, {"external_id": "3", "first_name": 'Ann, "A."'}),
    ]


def test_a_cell_may_span_lines_and_line_numbers_stay_right() -> None:
    content = 'external_id,address.address1\n1,"Road 1\nBack\nyard"\n2,\n'

    assert _read(content, "csv") == [
        Row(2, {"external_id": "1", "address": {"address1": "Road 1\nBack\nyard"}}),
        Row(5, {"external_id": "2"}),
    ]


def test_a_csv_line_that_cannot_be_read_holds_up_no_other() -> None:
    content = b'external_id,first_name\n1\n2,a,b\n3,"x" y\n4,\xff\n5,"half\n\xff"\n6,ok\n'

    assert _read(content, "csv") == [
        Row(2, None, "the line has 1 cells, the header 2"),
        Row(3, None, "the line has 3 cells, the header 2"),
        Row(4, None, "the line is not CSV"),
        Row(5, None, "the line is not UTF-8"),
        Row(6, None, "the line is not UTF-8, read as far as line 7"),
        Row(8, {"external_id": "6", "first_name": "ok"}),
    ]


def test_a_quote_that_is_never_closed_costs_some_lines_and_not_the_file() -> None:
    lines = ["external_id,first_name", '1,"never closed', *(f"{number},{'x' * 1000}" for number in range(2, 1000))]

    found = _read("\n".join(lines), "csv")

    assert found[0].line == 2
    assert found[0].problem
    assert found[0].problem.startswith("the line is not CSV, read as far as line 1")
    assert len(found) > 800
    assert found[-1].fields == {"external_id": "999", "first_name": "x" * 1000}


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("external_id,emial", "emial: is not a field of a customer (did you mean 'email'?)"),
        ("external_id,address.cty", "address.cty: is not a field of a customer (did you mean 'address.city'?)"),
        ("external_id,address", "address: is an object; name a column for each of its fields: address.NAME"),
        ("external_id,yotpo_ugc.total_reviews", "yotpo_ugc.total_reviews: is counted by Yotpo itself"),
        ("external_id,lists", "lists: can only be read here"),
        ("external_id,custom_properties.skin", "custom_properties.skin: is deprecated by Yotpo"),
        ("external_id,email,email", "email: appears twice"),
        ("external_id,", "a column: has no name"),
        ('external_id,"', "the header in line 1: the line is not CSV"),
        ("", "the CSV is empty"),
    ],
)
def test_a_wrong_header_is_reported_before_any_line_is_read(header: str, told: str) -> None:
    with pytest.raises(OperatorError) as caught:
        reading.rows(io.BytesIO(header.encode()), "csv")
    assert told in str(caught.value)


def test_custom_properties_have_columns_by_force() -> None:
    content = "external_id,custom_properties.skin\n1,dry\n"
    assert _read(content, "csv", force=True) == [Row(2, {"external_id": "1", "custom_properties": {"skin": "dry"}})]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_in_utf_16_is_reported(form: Form) -> None:
    with pytest.raises(OperatorError, match="save it as UTF-8"):
        list(reading.rows(io.BytesIO("external_id\n1\n".encode("utf-16")), form))


def test_the_suffix_names_the_format() -> None:
    assert [reading.form_of(Path(name)) for name in ("a.csv", "a.CSV", "a.jsonl", "a.ndjson")] == [
        "csv",
        "csv",
        "jsonl",
        "jsonl",
    ]
    with pytest.raises(OperatorError, match="--input-format"):
        reading.form_of(Path("customers.xlsx"))
