"""How a teacher is asked, and what may end a build: for whoever waits for one. Nothing that builds is imported here."""

from collections.abc import Callable

Ask = Callable[[str, str], str]
"""The system's and the user's words → the answer, an empty one where the teacher declines. Blocks, but not for ever;
may be called from several threads. Raises TeacherBusy, TeacherRefused."""


class TeacherBusy(Exception):
    """It may answer later; in `after` seconds, if it said."""

    def __init__(self, after: float | None = None) -> None:
        super().__init__("the teacher is busy" if after is None else f"the teacher is busy for {after:g} seconds")
        self.after = after


class TeacherRefused(Exception):
    """There is no use in asking again. `code` and `message` are the provider's, or ours."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RedactorMissing(Exception):
    """What is to find names is not installed. The words say what to install."""
