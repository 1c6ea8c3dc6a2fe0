"""The scorer itself, on redactions made by hand."""

from __future__ import annotations

import re

import pytest

from tests.finetune.dataset.redaction.alignment import KINDS, Marked
from tests.finetune.dataset.redaction.score import FILES, Line, MarkError, Tally, parse, read, score, table

NOTE = "On {{DATE|3 May 2020}} {{PERSON|Dr Ada Quill}} paid {{AMOUNT|£40}} to {{COMPANY|Finch and Sons and Co}}."


def marked(text: str) -> Marked:
    return parse(Line(document_id="note", text=text))


def scored(text: str, redacted: str) -> dict[str, Tally]:
    return score([marked(text)], lambda _text, _document: redacted)


def test_parse_takes_the_marks_out() -> None:
    one = marked(NOTE)
    assert one.text == "On 3 May 2020 Dr Ada Quill paid £40 to Finch and Sons and Co."
    assert [(entity.kind, one.text[entity.start : entity.end]) for entity in one.entities] == [
        ("DATE", "3 May 2020"),
        ("PERSON", "Dr Ada Quill"),
        ("AMOUNT", "£40"),
        ("COMPANY", "Finch and Sons and Co"),
    ]


@pytest.mark.parametrize("text", ["{{DATE|3 May", "{{DAY|3 May}}", "3 May}}", "{{DATE|}}", "{{DATE|3 {{DATE|May}}}}"])
def test_parse_refuses_a_broken_mark(text: str) -> None:
    with pytest.raises(MarkError):
        marked(text)


def test_all_found() -> None:
    tallies = scored(NOTE, "On [DATE_1] [PERSON_1] paid [AMOUNT_1] to [COMPANY_1].")
    assert tallies["all"] == Tally(entities=4, found=4, placeholders=4, right=4, named=4)
    assert tallies["DATE"] == Tally(entities=1, found=1, placeholders=1, right=1, named=1)
    assert tallies["EMAIL"] == Tally()


def test_an_entity_half_gone_is_not_found() -> None:
    tallies = scored(NOTE, "On [DATE_1] 2020 [PERSON_1] Quill paid [AMOUNT_1] to [COMPANY_1] and Co.")
    assert tallies["all"].found == 1
    assert tallies["all"].right == 4
    assert tallies["DATE"].recall == 0
    assert tallies["DATE"].precision == 1


def test_a_title_may_stay_but_no_name() -> None:
    assert scored("{{PERSON|Herr Dr. Ada Quill}}", "Herr Dr. [PERSON_1]")["PERSON"].found == 1
    assert scored("{{PERSON|Drew Quill}}", "Drew [PERSON_1]")["PERSON"].found == 0
    assert scored("{{COMPANY|Dr Quill Ltd}}", "Dr [COMPANY_1]")["COMPANY"].found == 0


def test_an_entity_may_be_found_by_several_placeholders() -> None:
    tallies = scored("pay {{AMOUNT|ten pounds (£10)}}", "pay [AMOUNT_1] ([AMOUNT_2])")
    assert tallies["AMOUNT"] == Tally(entities=1, found=1, placeholders=2, right=2, named=2)


def test_the_wrong_kind_counts_as_found_and_right_but_not_as_named() -> None:
    tallies = scored("call {{PHONE|555 0101}}", "call [ACCOUNT_1]")
    assert tallies["PHONE"] == Tally(entities=1, found=1)
    assert tallies["ACCOUNT"] == Tally(placeholders=1, right=1)


def test_false_alarms() -> None:
    tallies = scored("The Lender pays {{PERSON|Ada}}.", "The [COMPANY_1] pays [PERSON_1].")
    assert tallies["COMPANY"] == Tally(placeholders=1)
    assert tallies["all"] == Tally(entities=1, found=1, placeholders=2, right=1, named=1)
    assert tallies["all"].precision == 0.5


def test_a_placeholder_that_swallows_the_sentence_is_a_false_alarm() -> None:
    tallies = scored("The Lender pays {{PERSON|Ada}}.", "[PERSON_1].")
    assert tallies["PERSON"] == Tally(entities=1, found=1, placeholders=1)
    tallies = scored("on {{DATE|3 May}}, that is", "on [DATE_1] is")  # "that" is no longer than "3May"
    assert tallies["DATE"] == Tally(entities=1, found=1, placeholders=1, right=1, named=1)


def test_punctuation_alone_is_never_right() -> None:
    assert scored("So, {{PERSON|Ada}}", "So[PERSON_1] Ada")["PERSON"] == Tally(entities=1, placeholders=1)


def test_the_table_has_a_row_a_kind() -> None:
    rows = table(scored(NOTE, "On [DATE_1] [PERSON_1] paid £40 to [COMPANY_1].")).splitlines()
    assert [row.split()[0] for row in rows] == ["kind", *KINDS, "all"]
    assert rows[-1].split() == ["all", "4", "3", "0.750", "3", "3", "1.000", "3"]


@pytest.mark.parametrize("name", FILES)
def test_a_perfect_and_an_idle_redactor_on_the_files(name: str) -> None:
    texts = read(name)
    perfect = {one.text: _replaced(one) for one in texts}
    tallies = score(texts, lambda text, _document: perfect[text])
    assert all(t.recall == t.precision == 1 and t.named == t.entities > 0 for t in tallies.values())
    idle = score(texts, lambda text, _document: text)
    assert all(t.found == t.placeholders == 0 for t in idle.values())


@pytest.mark.parametrize("name", FILES)
def test_marks_on_the_files_are_tight(name: str) -> None:
    """No mark begins or ends within a word or with a blank, none holds a mark's own characters."""
    for one in read(name):
        for entity in one.entities:
            held = one.text[entity.start : entity.end]
            assert held == held.strip(" ,;:\"'"), one.document_id
            around = one.text[entity.start - 1 : entity.start + 1], one.text[entity.end - 1 : entity.end + 1]
            assert not any(re.fullmatch(r"\w\w", pair) for pair in around), one.document_id
        assert not re.search(r"[{}|]", one.text), one.document_id


def _replaced(one: Marked) -> str:
    text = one.text
    for number, entity in reversed(list(enumerate(one.entities))):
        text = f"{text[: entity.start]}[{entity.kind}_{number}]{text[entity.end :]}"
    return text
