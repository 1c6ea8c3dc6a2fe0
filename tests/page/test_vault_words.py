"""What a test of a Vault found, in words: tables."""

from typing import Any

import pytest

from gateway.admin.page.vault_words import found, untested
from gateway.admin.page.words import Told
from gateway.admin.schemas import BadRecordView, VaultTestView
from gateway.errors import GatewayError


def view(ready: int, **more: Any) -> VaultTestView:
    """What the API answered."""
    fields: dict[str, Any] = {
        "url": "file:///v/a.jsonl",
        "ready_chunks": ready,
        "other_chunks": 0,
        "complete": True,
        "other_statuses": {},
        "bad_records": 0,
        "first_bad_record": None,
        **more,
    }
    return VaultTestView(**fields)


@pytest.mark.parametrize(
    ("tested", "tone", "words"),
    [
        (view(1234), "good", "1,234 chunks are ready."),
        (view(1, other_chunks=1), "warn", "1 chunk is ready, 1 other is not. Too few to train on: 10 are needed."),
        (view(299, other_chunks=2), "warn", "299 chunks are ready, 2 others are not. Few: a model of under three"),
        (view(5, complete=False), "good", "Until the test’s time was over, 5 chunks are ready. There are more"),
    ],
)
def test_what_was_counted(tested: VaultTestView, tone: str, words: str) -> None:
    shown = found(tested)
    assert (shown.told.title, shown.tone, shown.notes) == ("The Vault can be read", tone, [])
    assert shown.told.text.startswith(words)
    assert "Nothing was saved" in shown.told.todo


def test_what_is_not_ready_is_told_by_its_status() -> None:
    statuses = {"final": 40, "draft": 3, "void": 2, "lost": 1}
    (note,) = found(view(0, other_chunks=46, other_statuses=statuses)).notes
    assert note.text == (
        "40 with the status “final”, 3 with the status “draft”, 2 with the status “void”, 1 with others."
    )
    assert "What means ready" in note.todo
    (note,) = found(view(300, other_chunks=40, other_statuses={"draft": 40})).notes
    assert (note.text, note.todo) == ("40 with the status “draft”.", "")


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    bad = BadRecordView("a.jsonl:7", "missing_field")
    (note,) = found(view(300, other_chunks=12, bad_records=12, first_bad_record=bad)).notes
    assert (note.title, note.text) == ("12 records cannot be read", "The first is a.jsonl:7: a field is missing.")
    (note,) = found(view(300, other_chunks=1, bad_records=1, first_bad_record=bad)).notes
    assert (note.title, note.text) == ("One record cannot be read", "a.jsonl:7: a field is missing.")


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("vault_not_allowed", "Ask whoever runs this gateway to allow it. Nothing was saved."),
        ("vault_test_busy", "Try again in a moment. Nothing was saved."),
        ("vault_unreadable", "Correct it, and test again. Nothing was saved."),
    ],
)
def test_what_to_do_where_a_test_came_to_nothing(code: str, todo: str) -> None:
    assert untested(GatewayError(code), "The words.") == Told("The test did not succeed", "The words.", todo)
