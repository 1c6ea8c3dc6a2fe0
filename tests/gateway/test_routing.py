"""The routes in memory: each row compiled as it came, older ones passed over, owners never out of step."""

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.compiling import account_of, compile_tenant
from gateway.routing import Routes
from gateway.secrets import Keyring, fingerprint
from gateway.store import keys
from gateway.store.marks import Mark
from gateway.store.rows import ActiveRow, FineTuneRow, KeyRow, ProviderRow, Row, TenantRow, parse_row
from gateway.upstream.addresses import Origin
from policies.values import Caller, FineTune, Role

RING = Keyring((b"k" * 32,))
OTHER_RING = Keyring((b"o" * 32,))
ADMIN = "hs_admin"
NOW = 1_795_348_800.0  # 2026-11-22T12:00:00Z
URL = "https://api.openai.com/v1"
SECRET = "sk-1"


class Clock:
    """The time, as the test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def routes_of(admin_key: str | None = ADMIN) -> Routes:
    return Routes(RING, admin_key, Clock())


def stored(value: TenantRow | KeyRow, revision: int = 0) -> Row:
    body = msgspec.json.encode(value)
    return Row(b"%d %b" % (revision, body), revision, body)


def provider_row(tenant: str, name: str = "openai", secret: str | None = SECRET, **more: Any) -> ProviderRow:
    sealed = RING.seal(secret, tenant=tenant, field=f"providers/{name}/api_key") if secret is not None else None
    return ProviderRow(
        **{"kind": "openai", "base_url": URL, "default_model": "gpt-4.1-mini", "sealed_api_key": sealed, **more},
    )


def tenant_row(tenant: str = "smith", **more: Any) -> TenantRow:
    plain = {
        "providers": {"openai": provider_row(tenant)},
        "default_provider": "openai",
        "created_at": "2026-11-22T12:00:00.000Z",
        "updated_at": "2026-11-22T12:00:00.000Z",
    }
    return TenantRow(tenant=tenant, **{**plain, **more})


def key_row(key: str, key_id: str = "key_1", role: str = "caller", tenant: str | None = "smith", **more: Any) -> KeyRow:
    return KeyRow(key_id, fingerprint(key), role, "2026-11-22T12:00:00.000Z", tenant, "a label", **more)


TUNED = {"job_1": FineTuneRow("openai", "ft:1", "gpt-4.1-mini-2025-04-14")}


# tenants


def test_a_tenant_as_the_data_plane_knows_it() -> None:
    routes = routes_of()
    row = tenant_row(
        rule="all",
        fallback="fail",
        suspended=True,
        fine_tunes=TUNED,
        active=ActiveRow("job_1", 0.25, "2026-11-22T12:00:00.000Z", "key_1"),
    )
    routes.apply(keys.TENANTS, "smith", stored(row, 17), 17)
    known = routes.tenant("smith")
    assert known is not None
    assert known.suspended
    route = known.route
    assert (route.tenant, route.revision, route.rule, route.fallback) == ("smith", 17, "all", "fail")
    assert (route.default_provider, route.share) == ("openai", 0.25)
    assert route.active == FineTune("job_1", "openai", "ft:1", "gpt-4.1-mini-2025-04-14")
    assert route.fine_tunes == {"ft:1": route.active}
    upstream = known.upstreams["openai"]
    assert upstream.origin == Origin("https", "api.openai.com", 443)
    assert upstream.path == "/v1"
    assert upstream.headers == ((b"authorization", b"Bearer sk-1"),)


def test_an_unknown_tenant() -> None:
    assert routes_of().tenant("smith") is None


def test_a_provider_without_a_credential() -> None:
    compiled = compile_tenant(tenant_row(providers={"openai": provider_row("smith", secret=None)}), 1, RING)
    assert compiled.upstreams["openai"].headers == ()


def test_an_active_job_whose_model_is_not_known_is_none() -> None:
    compiled = compile_tenant(tenant_row(active=ActiveRow("job_9", 0.5, "", "")), 1, RING)
    assert compiled.route.active is None


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(provider_row("jones"), id="sealed for another tenant"),
        pytest.param(provider_row("smith", name="azure"), id="sealed for another provider"),
        pytest.param(
            provider_row(
                "smith",
                sealed_api_key=OTHER_RING.seal("sk-1", tenant="smith", field="providers/openai/api_key"),
            ),
            id="sealed with another key",
        ),
        pytest.param(provider_row("smith", sealed_api_key="junk"), id="not sealed at all"),
        pytest.param(provider_row("smith", base_url="api.openai.com"), id="no URL"),
    ],
)
def test_a_provider_that_cannot_be_used_is_left_out_and_the_rest_stays(broken: ProviderRow) -> None:
    row = tenant_row(providers={"openai": broken, "second": provider_row("smith", "second")})
    compiled = compile_tenant(row, 1, RING)
    assert set(compiled.upstreams) == set(compiled.route.providers) == {"second"}


def test_a_credential_is_never_shown() -> None:
    compiled = compile_tenant(tenant_row(providers={"openai": provider_row("smith", secret="sk-secret")}), 1, RING)
    assert "sk-secret" not in repr(compiled)
    assert "sk-secret" not in str(compiled.upstreams["openai"])


def test_accounts_are_told_apart_by_address_and_secret() -> None:
    row = provider_row("smith")
    accounts = [account_of(row, "sk-1"), account_of(row, "sk-2"), account_of(row, None)]
    accounts.append(account_of(provider_row("smith", base_url="https://other/v1"), "sk-1"))
    assert len(set(accounts)) == 4
    assert account_of(provider_row("jones"), "sk-1") == accounts[0], "the same account, whoever has it"
    assert "sk-1" not in accounts[0]


@pytest.mark.parametrize(
    "url", ["https://API.OpenAI.com/v1", "https://api.openai.com:443/v1", "https://api.openai.com/v1/"]
)
def test_an_account_is_the_same_however_its_url_is_spelt(url: str) -> None:
    assert account_of(provider_row("smith", base_url=url), "sk-1") == account_of(provider_row("smith"), "sk-1")


def test_a_model_of_one_name_at_two_providers_is_owned_at_both() -> None:
    row = tenant_row(
        providers={"openai": provider_row("smith"), "azure": provider_row("smith", "azure", "sk-2")},
        fine_tunes={"job_1": FineTuneRow("openai", "house-7b", "b"), "job_2": FineTuneRow("azure", "house-7b", "b")},
    )
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(row, 1), 1)
    accounts = [account_of(row.providers["openai"], "sk-1"), account_of(row.providers["azure"], "sk-2")]
    assert len(routes.owners) == len(accounts) == 2
    assert all(routes.owners[account, "house-7b"] == ("smith",) for account in accounts)


@pytest.mark.parametrize("revision", [4, 5])
def test_a_row_that_is_not_newer_changes_nothing(revision: int) -> None:
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(rule="all"), 5), 5)
    before = routes.tenant("smith")
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(rule="off"), revision), revision)
    routes.apply(keys.TENANTS, "smith", None, revision)
    assert routes.tenant("smith") is before


@pytest.mark.parametrize(
    ("row", "owned"),
    [(None, 0), (stored(tenant_row(deleted=True, fine_tunes=TUNED), 6), 1)],
    ids=["no row", "deleted"],
)
def test_a_deleted_tenant_is_gone_and_its_models_are_still_nobody_elses(row: Row | None, owned: int) -> None:
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(fine_tunes=TUNED), 5), 5)
    assert len(routes.owners) == 1
    routes.apply(keys.TENANTS, "smith", row, 6)
    assert routes.tenant("smith") is None
    assert len(routes.owners) == owned


def test_a_model_is_known_by_the_account_that_it_was_made_in() -> None:
    """Whatever becomes of the provider: its key changed, or it was taken away."""
    account = account_of(provider_row("smith"), "sk-first")
    sealed = RING.seal(account, tenant="smith", field="account")
    made = {"job_1": FineTuneRow("openai", "house-7b", "b", sealed)}
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(providers={}, fine_tunes=made), 5), 5)
    assert len(routes.owners) == 1
    assert routes.owners[account, "house-7b"] == ("smith",)


def test_a_tenant_of_an_unknown_rule_is_as_good_as_deleted() -> None:
    known, newer = tenant_row(rule="all", fine_tunes=TUNED), b'"rule":"canary"'
    unreadable = parse_row(stored(known, 2).raw.replace(b'"rule":"all"', newer))
    assert newer in unreadable.body
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(known, 1), 1)
    routes.apply(keys.TENANTS, "smith", unreadable, 2)
    assert routes.tenant("smith") is None
    assert len(routes.owners) == 0
    routes.apply(keys.TENANTS, "smith", stored(known, 3), 3)
    assert routes.tenant("smith") is not None


def test_other_tables_are_not_followed() -> None:
    routes = routes_of()
    routes.apply("jobs:smith", "job_1", stored(tenant_row(), 5), 5)
    assert routes.tenant("job_1") is None


# keys


def with_smith(clock: Clock | None = None) -> Routes:
    """Routes that have the tenant to which the keys belong."""
    routes = Routes(RING, ADMIN, clock or Clock())
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(), 1), 1)
    return routes


def test_a_key_is_known_by_its_hash() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_secret"), 3), 3)
    assert routes.caller("hs_secret") == Caller("key_1", Role.CALLER, "smith", "a label")
    for other in ("hs_other", "", "HS_SECRET", "hs_secret ", fingerprint("hs_secret")):
        assert routes.caller(other) is None


def test_a_key_is_found_by_its_hash_and_its_label_by_its_id() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_secret"), 3), 3)
    assert routes.caller_of(fingerprint("hs_secret")) == routes.caller("hs_secret")
    assert routes.caller_of(fingerprint(ADMIN)) == routes.caller(ADMIN)
    assert routes.caller_of(fingerprint("hs_other")) is None
    assert (routes.label_of_key("key_1"), routes.label_of_key("key_2")) == ("a label", "")
    routes.apply(keys.KEYS, "key_1", None, 4)
    assert routes.caller_of(fingerprint("hs_secret")) is None
    assert routes.label_of_key("key_1") == ""


@pytest.mark.parametrize("role", Role)
def test_every_role(role: Role) -> None:
    routes = with_smith()
    tenant = "smith" if role in (Role.CALLER, Role.TENANT_ADMIN) else None
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_secret", role=role, tenant=tenant), 3), 3)
    caller = routes.caller("hs_secret")
    assert caller is not None
    assert (caller.role, caller.tenant) == (role, tenant)


def test_a_key_of_an_unknown_role_lets_nobody_in() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_1", role="auditor", tenant=None), 2), 2)
    routes.apply(keys.KEYS, "key_2", stored(key_row("hs_2", "key_2"), 3), 3)
    assert routes.caller("hs_1") is None
    assert routes.caller("hs_2") is not None
    routes.apply(keys.KEYS, "key_2", stored(key_row("hs_2", "key_2", role="auditor"), 4), 4)
    assert routes.caller("hs_2") is None


def test_a_revoked_key() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_secret"), 3), 3)
    routes.apply(keys.KEYS, "key_1", None, 3)
    assert routes.caller("hs_secret") is not None, "a revocation that is not newer is not one of this key"
    routes.apply(keys.KEYS, "key_1", None, 4)
    assert routes.caller("hs_secret") is None
    routes.apply(keys.KEYS, "key_1", None, 5)


def test_revoking_one_key_leaves_the_others() -> None:
    routes = with_smith()
    for number in (1, 2):
        routes.apply(keys.KEYS, f"key_{number}", stored(key_row(f"hs_{number}", f"key_{number}"), number), number)
    routes.apply(keys.KEYS, "key_1", None, 3)
    assert routes.caller("hs_1") is None
    assert routes.caller("hs_2") is not None


def test_a_key_that_was_replaced() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_old"), 1), 1)
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_new"), 2), 2)
    assert routes.caller("hs_old") is None
    assert routes.caller("hs_new") is not None


@pytest.mark.parametrize(("later", "valid"), [(-1.0, True), (59.0, True), (60.0, False), (61.0, False)])
def test_a_key_ends_at_its_time(later: float, valid: bool) -> None:
    clock = Clock()
    routes = with_smith(clock)
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_secret", expires_at="2026-11-22T12:01:00.000Z"), 1), 1)
    clock.now = NOW + later
    assert (routes.caller("hs_secret") is not None) is valid


def test_a_deleted_tenants_keys_stop_with_it() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_caller"), 2), 2)
    routes.apply(keys.KEYS, "key_2", stored(key_row("hs_admin_2", "key_2", "tenant_admin"), 3), 3)
    routes.apply(keys.KEYS, "key_3", stored(key_row("hs_service", "key_3", "service", None), 4), 4)
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(deleted=True), 5), 5)
    assert routes.caller("hs_caller") is None
    assert routes.caller("hs_admin_2") is None
    assert routes.caller("hs_service") is not None


def test_a_suspended_tenants_keys_are_known() -> None:
    routes = with_smith()
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_caller"), 2), 2)
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(suspended=True), 3), 3)
    assert routes.caller("hs_caller") is not None


def test_the_admin_key_of_the_environment() -> None:
    caller = routes_of().caller(ADMIN)
    assert caller == Caller("key_bootstrap", Role.PLATFORM_ADMIN, None, "HOUSESTYLE_ADMIN_KEY")
    for without in (None, ""):
        routes = routes_of(without)
        assert routes.caller("") is None
        assert routes.caller(ADMIN) is None


# a reload


def test_a_reload_replaces_everything() -> None:
    routes = routes_of()
    routes.apply(keys.TENANTS, "smith", stored(tenant_row(fine_tunes=TUNED), 5), 5)
    routes.apply(keys.KEYS, "key_1", stored(key_row("hs_old"), 6), 6)
    fresh = routes.empty_copy()
    assert fresh.tenant("smith") is None
    assert fresh.caller(ADMIN) is not None
    fresh.apply(keys.TENANTS, "jones", stored(tenant_row("jones"), 2), 2)
    fresh.apply(keys.KEYS, "key_2", stored(key_row("hs_new", "key_2", tenant="jones"), 3), 3)
    fresh.mark = Mark("e", 3, "t")
    routes.become(fresh)
    assert (routes.revision, len(routes.owners)) == (3, 0)
    assert routes.tenant("smith") is None
    assert routes.tenant("jones") is not None
    assert routes.caller("hs_old") is None
    assert routes.caller("hs_new") is not None
    assert routes.caller(ADMIN) is not None


def test_rows_are_told_while_others_come_and_go() -> None:
    """Writing them back takes seconds, and a follower may be at work beside it."""
    routes = routes_of()
    for number in range(3):
        routes.apply(keys.TENANTS, f"t{number}", stored(tenant_row(f"t{number}"), 1), 1)
        routes.apply(keys.KEYS, f"key_{number}", stored(key_row(f"hs_{number}", f"key_{number}"), 1), 1)
    told = []
    for table, field, value in routes.rows():
        told.append((table, field))
        assert parse_row(value).revision == 1
        routes.apply(keys.KEYS, "key_2", None, 2)
        routes.apply(keys.TENANTS, f"more-{len(told)}", stored(tenant_row(f"more-{len(told)}"), 2), 2)
    assert told[:3] == [(keys.TENANTS, f"t{number}") for number in range(3)]
    assert [field for table, field in told if table == keys.KEYS] == ["key_0", "key_1"]


# owners, against a naive recomputation

TENANTS = ["smith", "jones", "third"]
PROVIDERS = ["openai", "azure"]
SECRETS = ["sk-1", "sk-2"]
MODELS = ["ft:1", "ft:2", "house-7b"]


@st.composite
def tenant_rows(draw: st.DrawFn) -> TenantRow:
    """A tenant of some accounts and some fine-tunes, the same model at both providers now and then."""
    tenant = draw(st.sampled_from(TENANTS))
    names = draw(st.lists(st.sampled_from(PROVIDERS), unique=True))
    providers = {
        name: provider_row(
            tenant, draw(st.sampled_from([name, name, name, "elsewhere"])), draw(st.sampled_from(SECRETS))
        )
        for name in names
    }
    models = draw(st.lists(st.sampled_from(MODELS), max_size=4))
    fine_tunes = {
        f"job_{number}": FineTuneRow(draw(st.sampled_from(PROVIDERS)), model, "base")
        for number, model in enumerate(models)
    }
    return tenant_row(
        tenant,
        providers=providers,
        fine_tunes=fine_tunes,
        default_provider=names[0] if names else None,
        deleted=draw(st.sampled_from([False, False, False, True])),
    )


class OwnersMachine(RuleBasedStateMachine):
    """Rows come and go in any order, old ones among them; who owns what is always what the rows say."""

    def __init__(self) -> None:
        super().__init__()
        self.routes = routes_of()
        self.revision = 0
        self.rows: dict[str, tuple[int, TenantRow]] = {}

    @rule(row=tenant_rows())
    def change(self, row: TenantRow) -> None:
        """A newer row; a deleted tenant stays deleted."""
        self.revision += 1
        self.routes.apply(keys.TENANTS, row.tenant, stored(row, self.revision), self.revision)
        if not self.deleted(row.tenant) or row.deleted:
            self.rows[row.tenant] = (self.revision, row)

    @rule(tenant=st.sampled_from(TENANTS))
    def remove(self, tenant: str) -> None:
        """A row that is there no more."""
        self.revision += 1
        self.routes.apply(keys.TENANTS, tenant, None, self.revision)
        if not self.deleted(tenant):
            self.rows.pop(tenant, None)

    def deleted(self, tenant: str) -> bool:
        """Whether the tenant is known as deleted."""
        return tenant in self.rows and self.rows[tenant][1].deleted

    @rule(row=tenant_rows(), ago=st.integers(0, 3))
    def repeat(self, row: TenantRow, ago: int) -> None:
        """A row that is not newer than the one that is held."""
        held, known = self.rows.get(row.tenant, (0, None))
        if known is not None and not known.deleted:
            self.routes.apply(keys.TENANTS, row.tenant, stored(row, max(held - ago, 0)), max(held - ago, 0))

    @invariant()
    def owners_are_what_the_rows_say(self) -> None:
        """Recomputed from nothing."""
        expected: dict[tuple[str, str], set[str]] = {}
        for revision, row in self.rows.values():
            compiled = compile_tenant(row, revision, RING)
            for made in row.fine_tunes.values():
                if made.provider in compiled.route.providers:
                    account = compiled.route.providers[made.provider].account
                    expected.setdefault((account, made.model), set()).add(row.tenant)
        assert len(self.routes.owners) == len(expected)
        assert {place: set(self.routes.owners.get(place, ())) for place in expected} == expected

    @invariant()
    def tenants_are_what_the_rows_say(self) -> None:
        """Each with the revision of its own last change."""
        for tenant in TENANTS:
            held, row = self.rows.get(tenant, (0, None))
            known = self.routes.tenant(tenant)
            assert (known is None) is (row is None or row.deleted)
            assert known is None or known.route.revision == held


TestOwners = OwnersMachine.TestCase
TestOwners.settings = settings(max_examples=40, stateful_step_count=20)
