"""The admin API's table: every route in one list, mounted under /admin/api."""

from starlette.convertors import Convertor, register_url_convertor

from gateway.admin import views
from gateway.admin.activation import Activations
from gateway.admin.audit import Audit
from gateway.admin.base_models import BaseModels
from gateway.admin.changes import Control
from gateway.admin.credentials import Credentials
from gateway.admin.handling import AdminRoute, Answered, Asked, Operation
from gateway.admin.imports import Imports
from gateway.admin.job_making import JobMaking
from gateway.admin.job_records import JobRecords
from gateway.admin.jobs import Jobs
from gateway.admin.previews import Previews
from gateway.admin.provider_models import ProviderModels
from gateway.admin.providers import Providers
from gateway.admin.schemas import ReplicaView
from gateway.admin.state import State
from gateway.admin.tenants import Tenants
from gateway.admin.traces import Traces
from gateway.admin.vaults import Vaults
from gateway.audit import AuditReader
from gateway.previewing import Previewer
from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.settings import Settings
from gateway.upstream.addresses import Guard
from gateway.vault_opening import VaultOpener
from gateway.why import WhyWriter
from gateway.why_reading import WhyReader
from policies.access import Action


def table(
    control: Control,
    routes: Routes,
    settings: Settings,
    keyring: Keyring,
    guard: Guard,
    writer: WhyWriter,
    previewer: Previewer,
) -> list[AdminRoute]:
    """Every route of the admin API."""
    # Names beside ids: while those routes are not there, they are no ids either.
    register_url_convertor("job", _id_but("import|preview"))
    register_url_convertor("call", _id_but("summary"))
    opener = VaultOpener(keyring, guard, settings.proxies, settings.vault_roots)
    making = JobMaking(control, routes)
    provider_models = ProviderModels(keyring, guard, settings.proxies)
    return [
        *Tenants(control).routes(),
        *Providers(control, keyring, guard).routes(),
        *BaseModels(control, provider_models).routes(),
        *Credentials(control).routes(),
        *Vaults(control, opener).routes(),
        *making.routes(),
        *Previews(control, making, opener, previewer, settings.vault_roots, settings.upstream_allow).routes(),
        *Imports(control, routes, keyring, provider_models).routes(),
        *Jobs(control).routes(),
        *JobRecords(control, settings.artifacts_url or "").routes(),
        *Activations(control).routes(),
        *Traces(control, WhyReader(control.store, settings.why_days), writer, settings.why_days).routes(),
        *Audit(control, AuditReader(control.store, settings.audit_days)).routes(),
        *State(control, routes).routes(),
        AdminRoute("GET", "/replicas", Action.MANAGE_PLATFORM, _replicas(control), answer=list[ReplicaView]),
    ]


def _id_but(words: str) -> Convertor[str]:
    class Id(Convertor[str]):
        regex = f"(?!(?:{words})(?:/|$))[^/]+"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    return Id()


def _replicas(control: Control) -> Operation:
    async def replicas(_: Asked) -> Answered:
        """Lists the replicas that were seen of late."""
        return Answered([views.replica(seen) for seen in await control.store.census()])

    return replicas
