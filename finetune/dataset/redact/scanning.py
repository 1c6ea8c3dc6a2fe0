"""Ways to find quickly where it is worth looking closely. Knows of no kind.

Most of a text holds nothing to redact, and a regular expression that begins with a choice of patterns is tried at every
character; one whose choices all begin with letters that are rare is not.
"""

import re
from collections.abc import Iterable


def by_letter(starts: Iterable[str]) -> re.Pattern[str]:
    """Finds any of `starts`, grouped by their first letters, which the engine skips to."""
    groups: dict[str, list[str]] = {}
    for start in starts:
        groups.setdefault(start[0], []).append(re.escape(start[1:]))
    return re.compile("|".join(f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in groups.items()))


def around(spans: Iterable[tuple[int, int]], before: int, after: int) -> list[tuple[int, int]]:
    """The stretches so far around the spans (in order), those that meet made one. The last may end past the text."""
    stretches: list[tuple[int, int]] = []
    for start, end in spans:
        low = max(0, start - before)
        if stretches and low <= stretches[-1][1]:
            low, _ = stretches.pop()
        stretches.append((low, end + after))
    return stretches
