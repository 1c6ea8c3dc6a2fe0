"""What is kept of a control-plane change: who made it, from where, and what was before and after. Values only.

The commit script writes it with the change (`store/commit.lua`), and adds its id and revision.
"""

from typing import Any

import msgspec
from msgspec import Struct


class Actor(Struct, frozen=True):
    """Who makes a change: role, id and label of the key; and where from (None: not over a network)."""

    type: str
    id: str
    label: str = ""
    address: str | None = None


class Who(Struct, frozen=True):
    """An actor as a record has it."""

    type: str
    id: str
    label: str


class Kept(Struct, frozen=True):
    """A record as the store has it: without its id and revision, which its entry gives."""

    time: str
    actor: Who
    action: str
    tenant: str | None = None
    address: str | None = None
    before: Any = None
    after: Any = None


def encode(actor: Actor, *, time: str, action: str, tenant: str | None, before: Any, after: Any) -> bytes:
    """The record that the store keeps. `before` and `after` must hold no secrets."""
    who = Who(actor.type, actor.id, actor.label)
    return msgspec.json.encode(Kept(time, who, action, tenant, actor.address, before, after))


WORKER = Actor("worker", "worker", "The job worker")
