"""What a request of the admin API may say besides its path and body, as the API's table has it. Values only."""

from typing import Literal

from msgspec import Struct

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


class Parameter(Struct, frozen=True):
    """A parameter of the query, or a header. `words` say to an outsider what it does."""

    name: str
    words: str
    kind: Literal["string", "integer", "boolean", "date-time"] = "string"
    place: Literal["query", "header"] = "query"
    required: bool = False


LIMIT = Parameter("limit", f"How many are answered at most, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default.", "integer")
CURSOR = Parameter("cursor", "Where the page begins: the `next_cursor` of the page before it.")
PAGE = (LIMIT, CURSOR)
SINCE = Parameter("since", "Only those from this time on; a day, `YYYY-MM-DD`, is its first moment in UTC.")
UNTIL = Parameter("until", "Only those before this time, or this day.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "A word of your own, at most 255 characters. The same request with the same word makes nothing anew: it gets the "
    "first answer.",
    place="header",
)
