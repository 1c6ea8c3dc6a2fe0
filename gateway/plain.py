"""YAML as the plain values that JSON has: mappings with text for names, lists, text, numbers, booleans, null.

As YAML 1.2 has them, not 1.1: `off` and `no` are text, and so is a time. What a file says twice is refused. What the
values mean is not known here. Messages have places and no values, since a value may be a secret.
"""

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TAG = "tag:yaml.org,2002:"
_BOOLEAN = f"{_TAG}bool"
_MERGE = f"{_TAG}merge"
_TEXT = f"{_TAG}str"
_MOST_MERGED = 10_000  # names of one mapping
_MOST_VALUES = 1_000_000  # of the file, every alias written out
_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_OTHERWISE = frozenset(_TAG + name for name in ("bool", "timestamp", "value"))
# What a parser quotes of the text; the names of its own tokens stand in <>.
_QUOTED = re.compile(r"""(['"])(?!<).{2,}\1""")


class NotPlain(Exception):
    """What the text says cannot be taken as plain values; `place` is a path in it."""

    def __init__(self, place: str, words: str) -> None:
        self.place = place
        self.words = words
        super().__init__(f"{place}: {words}")


class _Loader(yaml.SafeLoader):
    """PyYAML's, without YAML 1.1's booleans and times."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and type
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHERWISE]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def load(text: bytes) -> Any:
    """The document's value; None where it is empty. Raises NotPlain."""
    try:
        loader = _Loader(text.decode("utf-8-sig"))
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, "", set())
        _measure(node, "", {})
        return loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise NotPlain("the file", f"is not UTF-8 (byte {error.start})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise NotPlain(place, _QUOTED.sub("'…'", error.problem or "is not YAML")) from None
    except yaml.YAMLError:
        raise NotPlain("the file", "has a character that YAML does not allow") from None
    except RecursionError:
        raise NotPlain("the file", "is nested too deeply") from None
    except (ValueError, KeyError, OverflowError):
        raise NotPlain("the file", "has a number or a boolean that cannot be read") from None


def _check(node: Node, place: str, seen: set[int]) -> None:
    """Refuses what JSON does not have. `seen` has the nodes that were checked, since an alias gives one twice."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.tag not in _TAGS:
        raise NotPlain(place or "the file", f"line {node.start_mark.line + 1}: this tag is not understood here")
    if isinstance(node, MappingNode):
        _check_names(node, place)
        for name, value in node.value:
            _check(value, below(place, name.value), seen)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            _check(value, f"{place}[{index}]", seen)


def _measure(node: Node, place: str, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values a node comes to where every alias and merge is written out, and how many names it has then.

    Refuses what a short file blows up to. `known` has the nodes that were measured; one without values is being so.
    """
    if id(node) in known:
        values, names = known[id(node)]
        if not values:
            raise NotPlain(place or "the file", f"line {node.start_mark.line + 1}: this has itself in it")
        return values, names
    known[id(node)] = (0, 0)
    values, names = 1, 0
    if isinstance(node, MappingNode):
        for name, value in node.value:
            merged = _merged(name, value)
            for one in merged or [value]:
                more, its = _measure(one, below(place, name.value), known)
                values += more
                names += its if merged else 1
        if names > _MOST_MERGED and any(name.tag == _MERGE for name, _ in node.value):
            raise NotPlain(place or "the file", f"with what `<<` merges this has more than {_MOST_MERGED} names")
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            values += _measure(value, f"{place}[{index}]", known)[0]
    if values > _MOST_VALUES:
        raise NotPlain(place or "the file", f"with every alias written out this has more than {_MOST_VALUES} values")
    known[id(node)] = (values, names)
    return values, names


def _merged(name: Node, value: Node) -> list[Node]:
    """The mappings that are merged under a name; none where it is an ordinary one."""
    if name.tag != _MERGE:
        return []
    return value.value if isinstance(value, SequenceNode) else [value]


def _check_names(node: MappingNode, place: str) -> None:
    names: set[str] = set()
    for name, _ in node.value:
        line = name.start_mark.line + 1
        if name.tag == _MERGE:
            continue
        if not isinstance(name, ScalarNode) or name.tag != _TEXT:
            raise NotPlain(place or "the file", f"line {line}: a name must be text; put it in quotes")
        if name.value in names:
            raise NotPlain(below(place, name.value), f"stands twice (line {line})")
        names.add(name.value)


def below(place: str, name: str) -> str:
    """The path of what stands under `name`."""
    return f"{place}.{name}" if place else name
