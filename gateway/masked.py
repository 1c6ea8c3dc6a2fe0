"""Secrets as values that do not show themselves: their `repr` says that there is one, and no more; and URLs that show
all but theirs.

A crash report that prints local variables prints their `repr`. What is derived from such a value (a part, a
concatenation, a decoded copy) is plain again, and has to be wrapped anew where it is kept in a variable. Values only;
nothing is sealed or opened here. msgspec encodes none of them: that is said where it has to be done, with `str(…)`.
"""

import re

# What may be secret in a URL: user and password, and the values of a query.
_SECRET_PARTS = re.compile(r"(?<=://).*(?=@)|(?<=[?&])([^=&#]*=)?[^&#]+", re.DOTALL)


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


def masked_url(url: str) -> str:
    """The URL with `***` for user, password and the values of its query.

    The path of a file's URL may have such characters, and is shown.
    """
    if url.lower().startswith("file:///"):
        return url
    return _SECRET_PARTS.sub(lambda match: f"{match[1] or ''}***", url)
