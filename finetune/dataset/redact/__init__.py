"""Names, amounts, dates and numbers of a document → placeholders. How is in the modules beneath.

The same thing has the same placeholder in the whole document, so a text can still be followed when it is redacted.
"""

from typing import Literal, Protocol

from finetune.dataset.redact.placeholders import PLACEHOLDER, Redacted, placeholders
from finetune.dataset.redact.presidio import open_name_finder
from finetune.dataset.redact.rules import ALL_BUT_NAMES, RulesRedactor

__all__ = ["PLACEHOLDER", "Redacted", "Redactor", "open_redactor", "placeholders"]


class Redactor(Protocol):
    """Holds what it learnt of each document, so one of them reads one Vault, in order, in one thread."""

    def redact(self, text: str, document_id: str) -> Redacted: ...


class _Off:
    def redact(self, text: str, document_id: str) -> Redacted:  # noqa: ARG002  the protocol's
        return Redacted(text, {})


def open_redactor(kind: Literal["rules", "presidio", "off"]) -> Redactor:
    """`presidio` finds names with its model and all else by rules. Raises RedactorMissing where it is not installed."""
    if kind == "off":
        return _Off()
    if kind == "presidio":
        return RulesRedactor((*ALL_BUT_NAMES, open_name_finder()))
    return RulesRedactor()
