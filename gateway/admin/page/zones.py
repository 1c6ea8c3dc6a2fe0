"""Days that a reader types are days of their own zone. Pure.

page.js sends with each by how much the zone differs from UTC at its beginning, or its end. Without the script a day is
one of UTC.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta

_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")


def zone_of(field: str) -> str:
    """The name of the field that has the zone of another, as `+01:00`."""
    return f"{field}_zone"


def beginning(form: Mapping[str, str], field: str, later: int = 0) -> str:
    """When the field's day begins, or one so many days later; RFC 3339.

    Raises ValueError where it is no day, OverflowError where no calendar has it.
    """
    return f"{_day(form, field) + timedelta(days=later)}T00:00:00{_zone(form, field)}"


def end(form: Mapping[str, str], field: str) -> str:
    """The day's last second. Raises ValueError."""
    return f"{_day(form, field)}T23:59:59{_zone(form, field)}"


def _day(form: Mapping[str, str], field: str) -> date:
    return date.fromisoformat(form[field].strip())


def _zone(form: Mapping[str, str], field: str) -> str:
    zone = form.get(zone_of(field), "")
    return zone if _OFFSET.fullmatch(zone) else "Z"
