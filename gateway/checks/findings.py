"""What a check says. The words are the checks' own."""

from typing import Literal

from msgspec import Struct

State = Literal["ok", "wrong", "note"]


class Finding(Struct, frozen=True):
    """A line of the outcome. `wrong`: the gateway will not run as it should until it is put right; `note`: it will, and
    there is something to know."""

    check: str
    state: State
    message: str


def ok(check: str, message: str) -> Finding:
    """As it should be."""
    return Finding(check, "ok", message)


def wrong(check: str, message: str) -> Finding:
    """To be put right; the message says how."""
    return Finding(check, "wrong", message)


def note(check: str, message: str) -> Finding:
    """Good to know."""
    return Finding(check, "note", message)
