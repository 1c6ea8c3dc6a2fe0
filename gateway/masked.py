"""Secrets as values that do not show themselves: their `repr` says that there is one, and no more.

A crash report that prints local variables prints their `repr`. What is derived from such a value (a part, a
concatenation, a decoded copy) is plain again, and has to be wrapped anew where it is kept in a variable. Values only;
nothing is sealed or opened here. msgspec encodes none of them: that is said where it has to be done, with `str(…)`.
"""


class Secret(str):
    """Text that must not be seen."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


class SecretBytes(bytes):
    """Bytes that must not be seen."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretBytes(…)"


class SecretEnviron(dict[str, str]):
    """A process's environment: its `repr` has the names of ours that are set, and no value."""

    def __repr__(self) -> str:
        return f"SecretEnviron({', '.join(sorted(name for name in self if name.startswith('HOUSESTYLE_')))})"
