"""How a page is drawn: templates, escaped by default; what every answer's headers say; times, numbers and shares."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jinja2
from markupsafe import Markup, escape
from starlette.responses import Response

from gateway.admin.page import words
from gateway.admin.page.assets import Assets

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# `same-origin`, not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
HEADERS: Mapping[str, str] = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Rendering:
    """The templates. Whatever stands in one is escaped unless it was marked as markup here or in `charts.py`."""

    def __init__(self, assets: Assets) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("gateway.admin.page"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._environment.globals["asset"] = assets.url
        self._environment.filters |= {
            "time": moment,
            "day": day,
            "date": date,
            "count": count,
            "usd": usd,
            "share": share,
            "who": words.who,
        }

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """The template as an answer."""
        text = self._environment.get_template(template).render(**values)
        return Response(text, status, HEADERS, "text/html")


def moment(text: str | None) -> Markup:
    """A time (RFC 3339 UTC) for readers; `page.js` turns it to their own zone."""
    return _time(text, "%-d %b %Y, %H:%M UTC", "moment")


def day(text: str | None) -> Markup:
    """The same, of which only the day matters."""
    return _time(text, "%-d %b %Y", "day")


def date(text: str | None) -> str:
    """A day without markup, for where there can be none: in a choice, in a picture."""
    return datetime.fromisoformat(text).strftime("%-d %b %Y") if text else "–"


def _time(text: str | None, shape: str, shown: str) -> Markup:
    if not text:
        return Markup("–")
    words = datetime.fromisoformat(text).astimezone(UTC).strftime(shape)
    return Markup('<time datetime="{}" data-shown="{}">{}</time>').format(text, shown, escape(words))


def count(number: int | None) -> str:
    """1234 → 1,234."""
    return "–" if number is None else f"{number:,}"


def usd(amount: float | None) -> str:
    """An amount of US dollars."""
    if amount is None:
        return "–"
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else "under $0.01"


def share(part: float) -> str:
    """0.25 → 25 %."""
    return f"{part * 100:.3g} %"
