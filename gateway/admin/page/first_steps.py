"""What a firm without a job still needs, in the order in which it is best done: what stands is read by the API's
operations, the steps are a table."""

from msgspec import Struct

from gateway.admin.page.calling import Api
from gateway.admin.page.now import TENANT
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import KeyView
from gateway.errors import GatewayError

_KEYS = "500"


class Step(Struct, frozen=True):
    """`url` leads to where it is done, by a link of the words `todo`."""

    label: str
    text: str
    todo: str
    url: str
    done: bool


async def first_steps(api: Api, visit: Visit) -> list[Step]:
    """The steps of a firm that has no job yet. Raises GatewayError, StoreUnavailable."""
    providers = (await api.ask(visit.visitor, "GET", TENANT + "/providers", visit.names)).body.items
    keys: list[KeyView] = (
        await api.ask(visit.visitor, "GET", TENANT + "/keys", visit.names, query={"limit": _KEYS})
    ).body.items
    calls = any(key.role == "caller" for key in keys)
    return steps(home(visit.tenant), bool(providers), calls, await _has_vault(api, visit))


async def _has_vault(api: Api, visit: Visit) -> bool:
    try:
        await api.ask(visit.visitor, "GET", TENANT + "/vault", visit.names)
    except GatewayError as error:
        if error.code != "vault_not_configured":
            raise
        return False
    return True


def steps(firm: str, has_provider: bool, has_key: bool, has_vault: bool) -> list[Step]:
    """The steps; `firm` is its own address."""
    settings = f"{firm}/settings"
    return [
        Step(
            "A provider",
            "Its service answers the firm’s calls and trains the firm’s model, with the firm’s own API key there.",
            "Add a provider",
            f"{settings}/provider",
            has_provider,
        ),
        Step(
            "A key for the Assistant",
            "The Assistant and the workflows call this gateway with it. The firm’s admins sign in with keys too.",
            "Make a key",
            f"{settings}/key",
            has_key,
        ),
        Step(
            "The Vault",
            "Where the documents are that the firm has marked as ready. They can be counted before anything is saved.",
            "Say where it is",
            f"{settings}/vault",
            has_vault,
        ),
        Step(
            "The first job",
            "It makes training examples of the documents, in which every answer is the firm’s own text, and has the "
            "provider train a model on them. You see examples and the likely cost before anything starts.",
            "New job",
            f"{firm}/new",
            False,
        ),
    ]
