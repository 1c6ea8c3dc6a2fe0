"""A tenant's tabs, in their order: where each leads, below the tenant's own address. A new tab is a row here and its
routes in `routes.py`."""

from msgspec import Struct

BASE = "/admin/legal/fine-tuning"


class Tab(Struct, frozen=True):
    """`path` goes after the tenant's address."""

    name: str
    label: str
    path: str


TABS = (Tab("models", "Models", ""), Tab("why", "Why trace", "/why"), Tab("settings", "Settings", "/settings"))


def home(tenant: str) -> str:
    """A tenant's own address."""
    return f"{BASE}/{tenant}"
