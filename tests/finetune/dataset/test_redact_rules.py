"""What holds for every text, and for a document's texts together."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.redact import PLACEHOLDER, open_redactor
from finetune.dataset.redact.memory import Memory
from finetune.dataset.redact.rules import RulesRedactor
from tests.finetune.dataset.texts import LEGALESE, PLAIN

PIECES = [
    *LEGALESE.split(". "),
    *PLAIN.split(". "),
    "Acme Widgets, Inc.",
    '("Acme")',
    "ACME WIDGETS",
    "Tay & Forth Bank plc",
    "Compass Bank",
    "Dr Amara Okafor",
    "Okafor",
    "John Smith and",
    "Xu Wenjing",
    "Attention:",
    "an individual",
    "two hundred thousand dollars",
    "($200,000)",
    "$5",
    "on 15 March 2024",
    "March",
    "2024",
    "9912 Monroe Rd.",
    "Matthews, North Carolina 28105",
    "P.O. Box 12, Birmingham",
    "4 Salter's Yard, Bristol BS1 6TW",
    "account no.",
    "55-0083-1174",
    "(212) 555-0123",
    "a@b.example",
    "[PERSON_1]",
    "[COMPANY_2]",
    "[●]",
    "the",
    "of",
    "Limited",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=14).flatmap(
    lambda pieces: st.sampled_from([" ", ", ", " and ", "\n", ""]).map(lambda between: between.join(pieces))
)


@given(TEXTS)
def test_what_is_redacted_is_left_as_it_is(text: str) -> None:
    redactor = open_redactor("rules")
    once = redactor.redact(text, "a document")
    again = redactor.redact(once.text, "a document")
    assert (again.text, again.counts) == (once.text, {})
    assert open_redactor("rules").redact(once.text, "another").text == once.text


@given(TEXTS)
def test_nothing_but_placeholders_is_added(text: str) -> None:
    redacted = open_redactor("rules").redact(text, "a document")
    before, after = (len(PLACEHOLDER.findall(one)) for one in (text, redacted.text))
    assert after == before + sum(redacted.counts.values())
    at = 0
    for kept in PLACEHOLDER.split(redacted.text)[::3]:
        at = text.index(kept, at) + len(kept)


def test_a_name_has_one_number_in_the_whole_document_and_another_document_begins_anew() -> None:
    redactor = open_redactor("rules")
    assert redactor.redact("Acme Widgets, Inc. and Dr Amara Okafor", "one").text == "[COMPANY_1] and [PERSON_1]"
    assert redactor.redact("Beta LLC met John Smith.", "two").text == "[COMPANY_1] met [PERSON_1]."
    assert (
        redactor.redact("Beta LLC met Okafor of Acme Widgets.", "one").text
        == "[COMPANY_2] met [PERSON_1] of [COMPANY_1]."
    )
    assert redactor.redact("Okafor of Acme Widgets", "two").text == "Okafor of Acme Widgets"


def test_documents_that_were_not_seen_for_longest_are_forgotten() -> None:
    redactor = RulesRedactor(memory=Memory(room=30))
    redactor.redact("Dr Amara Okafor", "one")
    redactor.redact("Mr John Smith", "two")
    assert redactor.redact("Okafor", "one").text == "[PERSON_1]"
    redactor.redact("Ms Mary Jones", "three")
    assert redactor.redact("Okafor", "one").text == "[PERSON_1]"
    assert redactor.redact("Smith", "two").text == "Smith"


def test_a_document_of_very_many_things_forgets_its_own_oldest() -> None:
    memory = Memory()
    document = memory.open("a table")
    numbers = [document.number("AMOUNT", f"${value}") for value in range(30_000)]
    assert numbers == list(range(1, 30_001))
    assert len(document) == 20_000
    assert document.number("AMOUNT", "$29999") == 30_000
    assert document.number("AMOUNT", "$0") == 30_001


def test_a_text_made_to_be_slow_is_read_in_time() -> None:
    for unit in ("O'", "Co., ", "LLC ", "1", "one hundred ", "Aa van ", "TX 12345 ", "1 Main Street, ", "Jan "):
        redactor = open_redactor("rules")
        assert redactor.redact(unit * (20_000 // len(unit)), "a document").text


def test_the_same_text_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "from finetune.dataset.redact import open_redactor\n"
        "from tests.finetune.dataset.test_redact_rules import PIECES\n"
        "redactor = open_redactor('rules')\n"
        "for between in ' ', ', ', ' and ', '\\n':\n"
        "    print(redactor.redact(between.join(PIECES), 'a document'))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert b"[PERSON_1]" in outputs.pop()
