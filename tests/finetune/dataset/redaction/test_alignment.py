"""Alignment on redactions made by hand, and on drawn ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.finetune.dataset.redaction.alignment import AlignmentError, Marked, Stretch, align
from tests.finetune.dataset.redaction.score import Line, parse

NOTE = "On {{DATE|3 May 2020}} {{PERSON|Dr Ada Quill}} paid {{AMOUNT|£40}} to {{COMPANY|Finch and Sons and Co}}."


def marked(text: str) -> Marked:
    return parse(Line(document_id="note", text=text))


def taken(text: str, redacted: str) -> list[str]:
    one = marked(text)
    return [one.text[stretch.start : stretch.end] for stretch in align(one, redacted)]


@pytest.mark.parametrize(
    ("text", "redacted", "stretches"),
    [
        (NOTE, "On [DATE_1] [PERSON_1] paid [AMOUNT_1] to [COMPANY_1].", None),
        ("no entity", "no entity", []),
        ("{{PERSON|Ada}}", "[PERSON_1]", ["Ada"]),
        ("{{PERSON|Ada}}{{PERSON|Bo}}", "[PERSON_1][PERSON_2]", ["A", "daBo"]),
        # Read from the left, "[COMPANY_1]" would be "A" alone and the visible "and" a part of a name.
        ("{{COMPANY|A and B}} and {{COMPANY|C}}", "[COMPANY_1] and [COMPANY_2]", ["A and B", "C"]),
        ("{{COMPANY|A}} and {{COMPANY|B and C}}", "[COMPANY_1] and [COMPANY_2]", ["A", "B and C"]),
        # The same with commas, which are no letters.
        ("{{DATE|May 3, 2020}}, {{PERSON|Ada}}", "[DATE_1], [PERSON_1]", ["May 3, 2020", "Ada"]),
        ("a {{PERSON|b}} a b", "a [PERSON_1] a b", ["b"]),
        ("[●] {{PERSON|b}} [DATE]", "[●] [PERSON_12] [DATE]", ["b"]),
    ],
)
def test_align(text: str, redacted: str, stretches: list[str] | None) -> None:
    one = marked(text)
    wanted = [one.text[e.start : e.end] for e in one.entities] if stretches is None else stretches
    assert taken(text, redacted) == wanted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("On Monday.", "On Tuesday."),
        ("On Monday.", "On Monday"),
        ("On Monday.", "In [DATE_1]."),
        ("On Monday.", "On [DATE_1]!"),
        ("On Monday.", "On Monday[DATE_1]."),  # a placeholder in place of nothing
        ("aba", "ab[DATE_1]ba"),  # the ends may not overlap
        ("a b c", "a [DATE_1] x [DATE_2] c"),
        ("", "[DATE_1]"),
    ],
)
def test_align_refuses_what_was_changed_otherwise(text: str, redacted: str) -> None:
    with pytest.raises(AlignmentError):
        align(marked(text), redacted)


@given(st.data())
def test_every_reading_gives_the_redacted_text_again(data: st.DataObject) -> None:
    text = data.draw(st.text("ab ,", min_size=1, max_size=30))
    at = st.integers(0, len(text))
    cuts = sorted(data.draw(st.sets(at, max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    secrets = sorted(data.draw(st.sets(at, max_size=6)))
    entities = tuple(
        Stretch(kind="PERSON", start=start, end=end) for start, end in zip(secrets[::2], secrets[1::2], strict=False)
    )
    redacted, end = "", 0
    for number, (start, stop) in enumerate(spans):
        redacted += f"{text[end:start]}[DATE_{number}]"
        end = stop
    redacted += text[end:]
    one = Marked(document_id="drawn", text=text, entities=entities)
    stretches = align(one, redacted)

    again, end = "", 0
    for number, stretch in enumerate(stretches):
        assert end <= stretch.start < stretch.end
        again += f"{text[end : stretch.start]}[DATE_{number}]"
        end = stretch.end
    assert again + text[end:] == redacted
    made = tuple(Stretch(kind="DATE", start=start, end=stop) for start, stop in spans)
    assert _left(one, stretches) <= _left(one, made)


def _left(one: Marked, stretches: tuple[Stretch, ...]) -> int:
    """How many letters of entities still stand."""
    gone = {at for stretch in stretches for at in range(stretch.start, stretch.end)}
    secret = {at for entity in one.entities for at in range(entity.start, entity.end)}
    return sum(one.text[at].isalnum() for at in secret - gone)
