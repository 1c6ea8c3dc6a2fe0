"""How far a history has come, and whether another is its continuation. Pure; what reads and writes marks is elsewhere.

The change log is a chain: every change has a random token and names the one before it. Two parties that hold the same
revision with the same token hold the same history. The epoch names a history as a whole; an admin who has said which
state holds (`store/accept`) begins a new one, which names those that it replaces.
"""

from enum import StrEnum

from msgspec import Struct


class Mark(Struct, frozen=True):
    """The last change of a history. The empty mark is that of somebody who knows none."""

    epoch: str = ""
    revision: int = 0
    token: str = ""


class Meta(Struct, frozen=True):
    """What the store says of itself.

    `diverged`: the revision that a replica knew when it found the store's history to be no continuation; None where
    none has. `replaced`: the epochs that this one was accepted in place of. `doubters`: those that somebody knows who
    has found this one to be another; a job worker alone stops nobody else's changes.
    """

    mark: Mark = Mark()
    diverged: int | None = None
    replaced: frozenset[str] = frozenset()
    doubters: frozenset[str] = frozenset()


class Relation(StrEnum):
    """What a store's history is to somebody who knows one."""

    CONTINUES = "continues"  # the same, or further on
    ACCEPTED = "accepted"  # another, which an admin has said holds in place of it
    DIVERGED = "diverged"  # another: a backup was restored, a server emptied, a write lost


def relation(known: Mark, store: Meta) -> Relation:
    """What the store's history is to somebody who knows `known`.

    A store that is further on may still turn out to be another: the next change's token tells.
    """
    here = store.mark
    if known == Mark():
        return Relation.CONTINUES
    if here.epoch != known.epoch:
        return Relation.ACCEPTED if known.epoch in store.replaced else Relation.DIVERGED
    if here.revision < known.revision or (here.revision == known.revision and here.token != known.token):
        return Relation.DIVERGED
    return Relation.CONTINUES


# The field of a change's entry that says its place in the chain: "<epoch> <token before, or -> <token>".
LINK = b"@"


def follows(known: Mark, entry: bytes, revision: int) -> Mark | None:
    """The mark after the entry of `revision`, which is the next one; None where it belongs to another history.

    `entry` is its LINK.
    """
    epoch, before, token = entry.decode().split(" ")
    if known.epoch not in ("", epoch) or before != (known.token or "-"):
        return None
    return Mark(epoch, revision, token)


# The fields of the store's hash that `parse_meta` takes, in its order.
FIELDS = ("epoch", "revision", "token", "diverged", "replaced", "doubters")


def parse_meta(values: list[bytes | None]) -> Meta:
    """The store's word, from the values of FIELDS."""
    epoch, revision, token, diverged, replaced, doubters = (value.decode() if value else "" for value in values)
    return Meta(
        Mark(epoch, int(revision or 0), token),
        int(diverged) if diverged else None,
        frozenset(replaced.split()),
        frozenset(doubters.split()),
    )
