from __future__ import annotations

from importlib.util import find_spec

import pytest

from finetune.dataset.outcomes import RedactorMissing
from finetune.dataset.redact import PLACEHOLDER, open_redactor, placeholders

LETTER = (
    "Acme Widgets, Inc. pays Dr Amara Okafor $200,000 on March 15, 2024 at 8010 Roswell Road, Atlanta, Georgia 30350. "
    "Write to amara@acme.example or ring (212) 555-0123. EIN 12-3456789, account no. 55-0083-1174."
)
REDACTED = (
    "[COMPANY_1] pays [PERSON_1] [AMOUNT_1] on [DATE_1] at [ADDRESS_1]. "
    "Write to [EMAIL_1] or ring [PHONE_1]. EIN [TAX_ID_1], account no. [ACCOUNT_1]."
)


def test_every_kind_has_its_placeholder() -> None:
    redacted = open_redactor("rules").redact(LETTER, "letter")
    assert redacted.text == REDACTED
    assert redacted.counts == dict.fromkeys(
        ("ACCOUNT", "ADDRESS", "AMOUNT", "COMPANY", "DATE", "EMAIL", "PERSON", "PHONE", "TAX_ID"), 1
    )


def test_off_leaves_everything() -> None:
    redacted = open_redactor("off").redact(LETTER, "letter")
    assert (redacted.text, redacted.counts) == (LETTER, {})


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="the extra presidio is installed")
def test_without_the_extra_presidio_says_what_to_install() -> None:
    with pytest.raises(RedactorMissing, match=r"pip install 'housestyle\[presidio\]'"):
        open_redactor("presidio")


def test_placeholders_are_told_from_other_brackets() -> None:
    ours = {"[PERSON_1]", "[COMPANY_12]", "[TAX_ID_3]"}
    others = "[PERSON], [PERSON 1], [PERSON_0], [PERSON_01], [person_1], [NAME_1], [COMPANY_1a], [●], [1], PERSON_1"
    assert placeholders(f"{' '.join(sorted(ours))} {others}") == ours
    assert not PLACEHOLDER.search(others)
    assert placeholders("nothing of the kind") == frozenset()


def test_a_text_that_was_redacted_before_keeps_its_numbers_and_no_one_else_gets_them() -> None:
    text = "[PERSON_7] and John Smith of [COMPANY_2] agree with Acme Widgets, Inc. on [Name] and [PERSON 1]."
    redacted = open_redactor("rules").redact(text, "form")
    assert redacted.text == "[PERSON_7] and [PERSON_8] of [COMPANY_2] agree with [COMPANY_3] on [Name] and [PERSON 1]."
    assert redacted.counts == {"COMPANY": 1, "PERSON": 1}


def test_a_number_out_of_all_reach_moves_no_other() -> None:
    redacted = open_redactor("rules").redact("[PERSON_999999999] and John Smith", "form")
    assert redacted.text == "[PERSON_999999999] and [PERSON_1]"
