"""An open page while its gateway is away, and when it is there again."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.page.readers import listening, reading
from tests.page.web import HOME
from tests.support.admin import Admin
from tests.support.processes import ADMIN_KEY, gateway_environ, running


def test_an_open_page_follows_again_once_its_gateway_is_back(browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    environ = gateway_environ(data)
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program:
        url, port = program.url, str(urlsplit(program.url).port)
        with Admin(url) as admin:
            admin.put("/tenants/acme", {"name": "Acme"})
        with reading(browser, url, "192.0.2.1", complains=True) as reader:  # of what is refused meanwhile
            reader.sign_in(ADMIN_KEY, f"{HOME}/acme")
            listening(reader)
            reader.page.evaluate("window.kept = true")
            program.stop()
            told = reader.page.get_by_role("alert")
            expect(told).to_contain_text("The gateway does not answer")
            with running(["serve", "--port", port], environ, tmp_path / "log-again") as again:
                assert again.url == url
                expect(told).to_have_count(0, timeout=60_000)
                listening(reader)
                with Admin(url) as admin:
                    admin.post("/tenants/acme/keys", {"role": "caller"})
                    admin.put("/tenants/acme", {"name": "Acme LLP"})
                expect(reader.page.locator("#live .badge")).to_have_text("Done")
                assert reader.page.evaluate("window.kept") is True, "it was reloaded"
