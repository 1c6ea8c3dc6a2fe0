"""Exports: CSV that every reader of RFC 4180 reads back, and that no spreadsheet runs; JSON lines."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from gateway.admin.exporting import CSV, JSON_LINES, asked_form, export
from gateway.admin.handling import Asked
from policies.values import Caller, Role


class Row(Struct, frozen=True):
    """A record of every kind of value."""

    text: str | None = None
    flag: bool = False
    number: float | None = None


async def body(rows: Sequence[Sequence[Row]], form: str = CSV) -> bytes:
    """The whole export of these parts."""

    async def parts() -> AsyncIterator[Sequence[Row]]:
        for part in rows:
            yield part

    return b"".join([part async for part in (await export(parts(), Row, form, "rows")).parts])


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (Row(), ",false,"),
        (Row("plain", True, 12), "plain,true,12"),
        (Row("", False, 0.00012), ",false,0.00012"),
        (Row(None, False, 1e-07), ",false,1e-07"),
        (Row("a,b"), '"a,b",false,'),
        (Row('say "no"'), '"say ""no""",false,'),
        (Row("two\r\nlines"), '"two\r\nlines",false,'),
        (Row("two\nlines"), '"two\nlines",false,'),
        (Row("é\U0001f600\u2028"), "é\U0001f600\u2028,false,"),
        (Row("=1+1"), "'=1+1,false,"),
        (Row("+1"), "'+1,false,"),
        (Row("-1"), "'-1,false,"),
        (Row("@SUM(A1)"), "'@SUM(A1),false,"),
        (Row("\t=1"), "'\t=1,false,"),
        (Row("\r=1"), '"\'\r=1",false,'),
        (Row('=HYPERLINK("x","y")'), '"\'=HYPERLINK(""x"",""y"")",false,'),
        (Row("a=1"), "a=1,false,"),
        (Row(None, False, -1), ",false,-1"),  # a number is no formula
    ],
)
async def test_a_row(row: Row, line: str) -> None:
    assert (await body([[row]])).decode() == f"text,flag,number\r\n{line}\r\n"


FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are wide


@given(st.lists(st.lists(st.builds(Row, st.text()), max_size=4), max_size=4))
async def test_it_is_read_back(parts: list[list[Row]]) -> None:
    """Whatever callers call their workflows; the apostrophe is all that is added."""
    text = (await body(parts)).decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["text", "flag", "number"]
    said = [row.text or "" for part in parts for row in part]
    assert [line[0] for line in lines] == [f"'{one}" if one[:1] in FORMULAS else one for one in said]
    assert not [line for line in lines if line[0].startswith(FORMULAS)]


async def test_nothing_is_a_header_alone_and_no_lines() -> None:
    empty: list[list[list[Row]]] = [[], [[]], [[], []]]
    for parts in empty:
        assert await body(parts) == b"text,flag,number\r\n"
        assert await body(parts, JSON_LINES) == b""


async def test_json_lines_are_exact() -> None:
    rows = [Row("=1\n,", True, 0.1), Row()]
    lines = (await body([rows, [], rows], JSON_LINES)).splitlines()
    assert [msgspec.json.decode(line, type=Row) for line in lines] == rows * 2


async def test_what_goes_wrong_before_the_first_part_can_still_be_said() -> None:
    async def parts() -> AsyncIterator[Sequence[Row]]:
        for read in (open,):
            yield [Row(str(read("/nowhere/at/all")))]

    with pytest.raises(OSError, match="nowhere"):
        await export(parts(), Row, CSV, "rows")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, None),
        ("", None),
        ("*/*", None),
        ("application/json", None),
        ("text/csv", CSV),
        ("Text/CSV; charset=utf-8", CSV),
        ("application/x-ndjson", JSON_LINES),
        ("text/html, application/x-ndjson;q=0.9", JSON_LINES),
    ],
)
def test_the_form_is_the_one_that_is_accepted(accept: str | None, form: Any) -> None:
    headers = {} if accept is None else {"accept": accept}
    asked = Asked(Caller("key_1", Role.PLATFORM_ADMIN, None), "", None, {}, {}, headers)
    assert asked_form(asked, JSON_LINES, CSV) == form
    if form == CSV:
        assert asked_form(asked, JSON_LINES) is None, "where it is not offered"
