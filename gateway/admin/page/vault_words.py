"""What a test of a Vault found, for somebody who is no engineer, and what to do about it. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway.admin.page import words
from gateway.admin.page.words import Told
from gateway.admin.schemas import BadRecordView, VaultTestView
from gateway.errors import GatewayError

ENOUGH, MANY = 10, 300  # below the first a job fails, below the second a model overfits
_STATUSES = 3
_BAD: Mapping[str, str] = {
    "not_json": "it is no JSON",
    "not_an_object": "it is JSON, but no object with fields",
    "missing_field": "a field is missing",
    "wrong_field": "a field holds what it cannot be, such as a number for a text",
    "too_long": "it is over 8 MB",
}


class Found(Struct, frozen=True):
    """`tone` of the first note as of a job's state; `notes` are what is to be noted besides."""

    told: Told
    tone: str
    notes: list[Told]


def few(ready: int) -> str:
    """What so few ready chunks mean; "" where they are enough."""
    if ready < ENOUGH:
        return f"Too few to train on: {ENOUGH} are needed. Only chunks whose status is ready count."
    if ready < MANY:
        return (
            "Few: a model of under three hundred learns them by heart rather than their style. Stay with retrieval, or "
            "add documents."
        )
    return ""


def found(tested: VaultTestView) -> Found:
    """What the test found."""
    ready, other = tested.ready_chunks, tested.other_chunks
    are = "chunk is" if ready == 1 else "chunks are"
    counted = f"{ready:,} {are} ready"
    if other:
        counted += f", {other:,} {'other is' if other == 1 else 'others are'} not"
    if not tested.complete:
        text = f"Until the test’s time was over, {counted}. There are more: the Vault is large."
        told = Told("The Vault can be read", text, "Nothing was saved. Saving reads all of it, which takes minutes.")
        return Found(told, "good", _notes(tested))
    told = Told("The Vault can be read", f"{counted}. {few(ready)}".strip(), "Nothing was saved by this test.")
    return Found(told, "warn" if ready < MANY else "good", _notes(tested))


def untested(error: GatewayError, text: str) -> Told:
    """Why a test came to nothing, in `text`, and what to do."""
    told = words.refusal(error)
    todo = told.todo if error.code in ("vault_not_allowed", "vault_test_busy") else "Correct it, and test again."
    return Told("The test did not succeed", text, f"{todo} Nothing was saved.")


def _notes(tested: VaultTestView) -> list[Told]:
    notes = []
    if tested.other_statuses:
        todo = (
            "If one of these means ready, write it under “Rarely needed” at “What means ready”."
            if tested.ready_chunks < ENOUGH
            else ""
        )
        notes.append(Told("Not ready", f"{_listed(list(tested.other_statuses.items()))}.", todo))
    if tested.first_bad_record is not None:
        notes.append(_bad(tested.bad_records, tested.first_bad_record))
    return notes


def _listed(statuses: Sequence[tuple[str, int]]) -> str:
    parts = [f"{number:,} with the status “{word}”" for word, number in statuses[:_STATUSES]]
    rest = sum(number for _, number in statuses[_STATUSES:])
    return ", ".join([*parts, f"{rest:,} with others"] if rest else parts)


def _bad(number: int, first: BadRecordView) -> Told:
    cannot = "One record cannot be read" if number == 1 else f"{number:,} records cannot be read"
    why = _BAD.get(first.reason, first.reason.replace("_", " "))
    where = first.place if number == 1 else f"The first is {first.place}"
    todo = "They are left out of training. If there are many, look at the names of the fields under “Rarely needed”."
    return Told(cannot, f"{where}: {why}.", todo)
