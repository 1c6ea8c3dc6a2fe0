"""What a reader asks the Why trace for, by a form, as the API's query. Pure; nothing is read here."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from gateway.admin.page.zones import beginning, zone_of

PAGE_SIZE = "50"
# So many records are looked at for one page: it is there at once, however rare what is asked for.
LOOK = "20000"
FIELDS = ("fine_tuned", "reason", "workflow", "job_id", "id", "since", "until")
_ZONES = {zone_of(name): name for name in ("since", "until")}
_AS_THEY_ARE = ("fine_tuned", "reason", "workflow", "job_id")
_CALL = re.compile(r"call_[0-9a-f]{1,64}")
_TRACE = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


class Sought(Struct, frozen=True):
    """A form as it was filled in. `query` is the API's; `call_id` where one call is asked for; `problems` by field."""

    shown: dict[str, str]
    query: dict[str, str]
    call_id: str | None
    problems: dict[str, str]

    @property
    def is_all(self) -> bool:
        """Whether every call is asked for."""
        return not self.shown

    @property
    def address(self) -> str:
        """The form as an address's query, without a place in the list; "" where nothing is asked for."""
        return f"?{urlencode(self.shown)}" if self.shown else ""

    def at(self, cursor: str) -> str:
        """The same, from a place in the list on."""
        return f"?{urlencode({**self.shown, 'cursor': cursor})}"


def sought(form: Mapping[str, str]) -> Sought:
    """The form's meaning. Days are whole ones, in the zone that comes with them; `until` is in it."""
    shown = {name: value for name in FIELDS if (value := form.get(name, "").strip())}
    shown |= {zone: form[zone] for zone, name in _ZONES.items() if name in shown and form.get(zone)}
    query = {name: value for name, value in shown.items() if name in _AS_THEY_ARE}
    problems: dict[str, str] = {}
    call_id = None
    if "id" in shown:
        text = shown["id"].lower()
        trace = _TRACE.fullmatch(text)
        if _CALL.fullmatch(text):
            call_id = text
        elif trace:
            query["trace_id"] = trace[1]
        else:
            problems["id"] = "This is neither a call’s id (call_…) nor a trace’s (32 digits and letters a to f)."
    for name, later in (("since", 0), ("until", 1)):
        if name in shown:
            try:
                query[name] = beginning(shown, name, later)
            except (ValueError, OverflowError):
                problems[name] = "This is no day, such as 2026-11-29."
    return Sought(shown, query, call_id, problems)
