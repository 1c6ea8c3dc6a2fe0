"""The translator that runs by itself, as `housestyle check` judges it: asked whether it is there, with this token."""

from gateway.checks.findings import Finding, note, ok, wrong
from gateway.settings import Settings
from gateway.translator_link import RemoteTranslator
from gateway.translator_values import is_loopback
from gateway.upstream.pool import Timeouts


async def judge(settings: Settings) -> list[Finding]:
    """Nothing, where the translator is a child of the gateway."""
    if settings.translator_url is None:
        return []
    remote = RemoteTranslator(settings, Timeouts(), bool)
    cause = await remote.look()
    remote.close()
    found = [ok("translator", f"{remote.url} answers and takes the token.")]
    if cause is not None:
        found = [wrong("translator", f"{cause} See HOUSESTYLE_TRANSLATOR_URL ({remote.url}).")]
    if settings.translator_url.scheme == "http" and not is_loopback(settings.translator_url.host):
        found.append(note("translator", "Prompts, answers and providers' credentials go there without TLS."))
    return found
