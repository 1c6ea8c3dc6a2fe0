"""Which metrics and labels a PromQL expression names: read by its tokens, without knowing what it means."""

import re
from collections.abc import Iterator

from msgspec import Struct

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"|(?P<range>\[[^\]]*\])"
    r"|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<number>[0-9][0-9a-zA-Z.]*)"
    r"|(?P<other>[=!<>~]+|\S)"
)
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan"})


class Names(Struct, frozen=True):
    """`selected`: each metric, and the labels that its selector compares; `listed`: those of `by (…)` and the like."""

    selected: list[tuple[str, frozenset[str]]]
    listed: frozenset[str]

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics."""
        return frozenset(metric for metric, _ in self.selected)


def names(expression: str) -> Names:
    """The names in an expression. What stands in strings is not read."""
    tokens = [(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(_without_comments(expression))]
    selected: list[tuple[str, frozenset[str]]] = []
    listed: set[str] = set()
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        at += 1
        if kind != "name" or text.lower() in _WORDS:
            continue
        if text in _LISTS:
            inside = list(_until(tokens[at + 1 :], ")"))
            listed.update(word for sort, word in inside if sort == "name")
            at += len(inside) + 1
        elif after == "{":
            inside = list(_until(tokens[at + 1 :], "}"))
            selected.append((text, frozenset(word for sort, word in inside if sort == "name")))
            at += len(inside) + 1
        elif after != "(" and not _is_function_of_by(tokens, at):
            selected.append((text, frozenset()))
    return Names(selected, frozenset(listed))


def _until(tokens: list[tuple[str, str]], end: str) -> Iterator[tuple[str, str]]:
    for token in tokens:
        if token[1] == end:
            return
        yield token


def _is_function_of_by(tokens: list[tuple[str, str]], at: int) -> bool:
    """Whether it is the `sum` of `sum by (…) (…)`."""
    return at < len(tokens) and tokens[at][1] in _LISTS


def _without_comments(expression: str) -> str:
    return re.sub(r"(?m)#.*$", "", expression)
