"""Pictures of every screen for the docs, light and dark: `python -m tests.page.pictures docs/pictures`.

A gateway with the sandbox is started and furnished, each screen opened in Chromium and kept as it is seen. A new screen
is a row of SCREENS.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct
from playwright.sync_api import Browser, expect

from tests.page.readers import Reader, reading
from tests.page.web import HOME
from tests.support.admin import BASE_MODEL, Admin
from tests.support.browser import browsing
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, gateway_environ, running, wait_until
from tests.support.vaults import demo_vault

_WORKFLOWS = ("intake", "lease review", "engagement letters")
_ROUNDS = 8
_TENANT = "brightwater"


class Furnished(Struct, frozen=True):
    """A firm whose spring model answers a part of its calls, `call_id` among them, and the key of its admin."""

    url: str
    firm: Firm
    key: str
    autumn: Any
    spring: Any
    call_id: str

    @property
    def page(self) -> str:
        """The firm's own page."""
        return f"{HOME}/{self.firm.name}"


def _sign_in(reader: Reader, _: Furnished) -> None:
    reader.go(HOME)


def _firms(reader: Reader, _: Furnished) -> None:
    reader.sign_in(ADMIN_KEY)
    expect(reader.page.locator("#firms")).to_be_visible()


def _models(reader: Reader, at: Furnished) -> None:
    reader.sign_in(at.key)
    reader.title.to_be_visible()


def _activate(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.row(at.autumn).get_by_role("button", name="Activate").click()
    expect(reader.page.get_by_role("dialog")).to_be_visible()


def _job(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.go(f"{at.page}/jobs/{at.spring['id']}")
    expect(reader.page.locator(".chart").first).to_be_visible()


def _new_job(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.page.get_by_role("button", name="New job").click()
    reader.page.get_by_label("Label").fill("Summer 2027")
    reader.page.get_by_label("Base model", exact=True).select_option(BASE_MODEL)


def _preview(reader: Reader, at: Furnished) -> None:
    _new_job(reader, at)
    reader.page.get_by_role("button", name="Show the preview").click()
    expect(reader.page.get_by_role("button", name="Start training")).to_be_visible()


def _why(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.page.get_by_role("link", name="Why trace").click()
    expect(reader.page.get_by_role("img", name="Calls by day")).to_be_visible()


def _call(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.go(f"{at.page}/why/{at.call_id}")
    expect(reader.page.locator(".story")).to_be_visible()


def _settings(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.page.get_by_role("link", name="Settings").click()
    expect(reader.page.get_by_role("heading", name="Settings")).to_be_visible()


def _keys(reader: Reader, at: Furnished) -> None:
    keys = f"{at.firm.path}/keys"
    wait_until(lambda: all(one["last_used_at"] for one in at.firm.admin.get(keys)["items"]), 90, "both keys' last use")
    _settings(reader, at)
    reader.page.locator("#providers").evaluate("section => section.scrollIntoView()")


def _vault(reader: Reader, at: Furnished) -> None:
    _models(reader, at)
    reader.go(f"{at.page}/settings/vault")
    reader.page.get_by_role("button", name="Test", exact=True).click()
    expect(reader.page.locator("#tested")).to_contain_text("57 chunks are ready")


# name → how it is reached, its window, whether all of the page is shown
SCREENS: dict[str, tuple[Callable[[Reader, Furnished], None], tuple[int, int], bool]] = {
    "sign-in": (_sign_in, (1200, 720), False),
    "firms": (_firms, (1200, 720), False),
    "models": (_models, (1200, 720), True),
    "models-phone": (_models, (360, 740), True),
    "activate": (_activate, (1200, 900), False),
    "job": (_job, (1200, 1300), False),
    "new-job": (_new_job, (1200, 720), True),
    "preview": (_preview, (1000, 1036), False),
    "why": (_why, (1200, 1100), False),
    "call": (_call, (1200, 1000), False),
    "settings": (_settings, (1200, 970), False),
    "keys": (_keys, (1200, 860), False),
    "vault": (_vault, (1200, 1000), False),
}


def main(folder: Path) -> None:
    """Makes all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        browser = stack.enter_context(browsing())
        at = _furnished(stack, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housestyle-"))))
        for name in SCREENS:
            for scheme in ("light", "dark"):
                _take(browser, at, name, scheme, folder / f"page-{name}-{scheme}.png")


def _take(browser: Browser, at: Furnished, name: str, scheme: str, path: Path) -> None:
    reach, (width, height), whole = SCREENS[name]
    viewport = {"width": width, "height": height}
    options: dict[str, Any] = {
        "viewport": viewport,
        "color_scheme": scheme,
        "timezone_id": "Europe/London",
        "reduced_motion": "reduce",
    }
    with reading(browser, at.url, "192.0.2.1", **options) as reader:
        reach(reader, at)
        reader.page.screenshot(path=path, full_page=whole, animations="disabled")


def _furnished(stack: ExitStack, folder: Path) -> Furnished:
    """Starts everything, and lives through two trainings and a day's calls."""
    data = folder / "data"
    data.mkdir()
    sandbox = stack.enter_context(running(["sandbox", "--port", "0", "--step-seconds", "0.3"], {}, folder / "sandbox"))
    gateway = stack.enter_context(running(["serve", "--port", "0"], gateway_environ(data), folder / "gateway"))
    admin = stack.enter_context(Admin(gateway.url))
    for name in ("Harrow & Pell", "Orchard Law", "Quince Chambers"):
        admin.put(f"/tenants/{name.lower().replace(' & ', '-').replace(' ', '-')}", {"name": name})
    vault = demo_vault(data)
    firm = Firm(admin, sandbox.url, tenant=_TENANT, vault=vault.rename(vault.with_stem(_TENANT)))
    stack.callback(firm.close)
    admin.put(firm.path, {"name": "Brightwater & Partners"})
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin", "label": "Maria Lindqvist"})["key"]
    maria = stack.enter_context(Admin(gateway.url, key))
    firm.move_to(maria)
    autumn = firm.ready_job(label="Autumn 2026")
    firm.finished(firm.start_job(label="Trial on Bedrock", backend="bedrock"))
    spring = firm.ready_job(label="Spring 2027")
    firm.activate(spring, share=0.5)
    calls = [firm.call(extra_headers={"x-workflow": name})[1] for name in _WORKFLOWS * _ROUNDS]
    call_id = next(one["x-call-id"] for one in reversed(calls) if one["x-fine-tuned"] == "true")
    return Furnished(gateway.url, firm, key, autumn, spring, call_id)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
