"""The document's shape: what is wrong is said with its place, what is right comes to entries in order."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.schemas import ProviderPut, TenantPut, VaultPut
from gateway.bootstrap.document import Entry, KeyEntry, Named, parse
from gateway.bootstrap.reading import read
from gateway.settings import SettingsError

HASH = hashlib.sha256(b"hs_one").hexdigest()
OTHER = hashlib.sha256(b"hs_other").hexdigest()
SECRET = "sk-the-secret-of-this-file"
OF_NOTHING = [hashlib.sha256(text).hexdigest() for text in (b"", b"\n")]
FILES = {"/run/key": f"{SECRET}\n", "/run/empty": "\n"}


def file(path: str) -> str:
    """A file's text."""
    if path == "/run/bytes":
        return b"\xff".decode()
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[path]


def entries(text: str) -> tuple[Entry, ...]:
    """The entries of a document."""
    return parse(text.encode(), Named({"KEY": SECRET, "EMPTY": ""}, file)).entries


def provider(fields: str) -> str:
    """A document of one provider."""
    return f"tenants: {{acme: {{providers: {{main: {{{fields}}}}}}}}}"


def key(fields: str) -> str:
    """A document of one tenant's key."""
    return f"tenants: {{acme: {{keys: [{{{fields}}}]}}}}"


def test_a_whole_document() -> None:
    text = f"""
    keys:
      - {{role: service, label: workflows, sha256: "{OTHER.upper()}"}}
    tenants:
      fairfax:
        name: Fairfax LLP
        rule: off
        keys:
          - {{role: caller, label: assistant, sha256: "{HASH}", expires_at: 2027-01-01T01:00:00+01:00}}
        vault: {{url: file:///srv/vaults/fairfax.jsonl}}
        providers:
          openai: {{kind: openai, default_model: gpt-4o-mini, api_key_env: KEY}}
          local: {{kind: openai_compatible, default_model: m, base_url: "http://localhost/v1"}}
      acme: {{}}
    """
    found = entries(text)
    assert [entry.path for entry in found] == [
        "tenants.fairfax",
        "tenants.fairfax.providers.openai",
        "tenants.fairfax.providers.local",
        "tenants.fairfax.vault",
        f"tenants.fairfax.keys.key_{HASH[:32]}",
        "tenants.acme",
        f"keys.key_{OTHER[:32]}",
    ]
    assert [entry.tenant for entry in found] == ["fairfax"] * 5 + ["acme", ""]
    assert found[0].body == TenantPut(name="Fairfax LLP", rule="off")
    assert found[1].body == ProviderPut("openai", "gpt-4o-mini", api_key=SECRET)
    assert found[3].body == VaultPut("file:///srv/vaults/fairfax.jsonl")
    assert found[4].body == KeyEntry(
        role="caller", label="assistant", sha256=HASH, expires_at="2027-01-01T00:00:00.000Z"
    )
    assert found[5].body == TenantPut()
    assert found[6].body == KeyEntry(role="service", label="workflows", sha256=OTHER)
    assert SECRET not in repr(found)


@pytest.mark.parametrize("text", ["", "{}", "tenants: {}", "keys: []"])
def test_an_empty_document_says_nothing(text: str) -> None:
    assert entries(text) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "the file: Expected `object`, got `array`"),
        ("tenant: {}", "tenant: The field `tenant` is not known here"),
        ("tenants: []", "tenants: Expected `object`, got `array`"),
        ("tenants: {Acme: {}}", "tenants.Acme: a tenant's name is [a-z0-9]"),
        ("tenants: {acme: }", "tenants.acme: Expected `object`, got `null`"),
        ("tenants: {acme: {nam: x}}", "tenants.acme.nam: The field `nam` is not known here"),
        ("tenants: {acme: {name: 1}}", "tenants.acme.name: Expected `str`, got `int` (text in quotes?)"),
        ("tenants: {acme: {rule: no}}", "tenants.acme.rule: Invalid enum value 'no'; it may be"),
        ("tenants: {acme: {suspended: 1}}", "tenants.acme.suspended: Expected `bool`, got `int`"),
        ("tenants: {acme: {providers: }}", "tenants.acme.providers: Expected `object`"),
        (provider("kind: openai"), "tenants.acme.providers.main.default_model: The field `default_model` is required"),
        (provider("kind: openay, default_model: m"), "main.kind: Invalid enum value 'openay'; it may be anthropic, "),
        (provider("kind: openai, default_model: m, options: {x: 1}"), "providers.main.options.x: The field"),
        (provider("kind: openai, default_model: m, api_key_env: KEX"), "api_key_env: the variable KEX is not set"),
        (provider("kind: openai, default_model: m, api_key_env: EMPTY"), "the variable EMPTY is not set"),
        (provider("kind: openai, default_model: m, api_key_file: key"), "api_key_file: the path must be absolute"),
        (provider("kind: openai, default_model: m, api_key_file: /no"), "api_key_file: /no cannot be read: No such"),
        (provider("kind: openai, default_model: m, api_key_file: /run/empty"), "/run/empty is empty"),
        (provider("kind: openai, default_model: m, api_key_file: /run/bytes"), "/run/bytes is not UTF-8"),
        (provider("kind: openai, default_model: m, api_key: a, api_key_env: KEY"), "of api_key, api_key_env, say one"),
        (provider("kind: openai, default_model: m, api_key: ''"), "main.api_key: Expected `str` of length >= 1"),
        (
            provider("kind: openai, default_model: m, is_default: true")
            .replace("{main: ", "{a: &one ")
            .replace("}}}}", "}, b: *one}}}"),
            "tenants.acme.providers: one of a and b can be the default, not both",
        ),
        ("tenants: {acme: {vault: null}}", "tenants.acme.vault: Expected `object`, got `null`"),
        ("tenants: {acme: {vault: {uri: x}}}", "tenants.acme.vault.uri: The field `uri`"),
        (key("role: caller"), "tenants.acme.keys[0].sha256: The field `sha256` is required"),
        (key(f"role: caller, sha256: {HASH[1:]}"), "keys[0].sha256: Expected `str` matching regex"),
        (key(f'role: caller, sha256: "{HASH}\\n"'), "keys[0].sha256: Expected `str` matching regex"),
        (key(f"role: caller, sha256: {HASH}, key: hs_x"), "keys[0].key: The field `key` is not known here"),
        (key(f"role: caller, sha256: {HASH}, expires_at: soon"), "keys[0].expires_at: Invalid isoformat string"),
        (key(f"role: caller, sha256: {HASH}, expires_at: 2027-01-01"), "expires_at: a time needs a zone"),
        (key(f"role: service, sha256: {HASH}"), "keys[0].role: keys of the roles caller and tenant_admin stand here"),
        (key(f"role: caller, sha256: {OF_NOTHING[0]}"), "sha256: this is the hash of nothing"),
        (key(f"role: caller, sha256: {OF_NOTHING[1]}"), "sha256: this is the hash of nothing"),
        (f"keys: [{{role: caller, sha256: {HASH}}}]", "keys[0].role: keys of the roles platform_admin and service"),
        (
            key(f"role: caller, sha256: {HASH}") + f"\nkeys: [{{role: service, sha256: {HASH.upper()}}}]",
            f"keys.key_{HASH[:32]}: the same sha256 stands at tenants.acme.keys.key_{HASH[:32]}",
        ),
        (
            key(f"role: caller, sha256: {HASH}}}, {{role: caller, sha256: {HASH}"),
            f"the same sha256 stands at tenants.acme.keys.key_{HASH[:32]}",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        entries(text)
    assert str(refusal.value).startswith("HOUSESTYLE_BOOTSTRAP: ")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        f"kind: openai, default_model: m, api_key: [{SECRET}]",
        f"kind: openai, default_model: m, api_key: {SECRET}{'x' * 8200}",
        f"kind: 1, default_model: m, api_key: {SECRET}",
        f"kind: openai, default_model: m, api_key: {SECRET}, api_key_file: /run/key",
        f"kind: openai, default_model: m, api_key: {SECRET}, unknown: 1",
    ],
)
def test_no_message_has_a_secret(fields: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        entries(provider(fields))
    assert SECRET not in str(refusal.value)


def digests(*texts: str) -> list[str]:
    """The digest of each document's last entry."""
    return [entries(text)[-1].digest for text in texts]


def test_the_same_said_otherwise_has_the_same_digest() -> None:
    base = "kind: openai, default_model: m"
    ways = [f"{base}, api_key: {SECRET}", f"{base}, api_key_env: KEY", f"api_key_file: /run/key, {base}"]
    assert len(set(digests(*map(provider, ways)))) == 1
    assert len(set(digests(key(f"role: caller, sha256: {HASH}"), key(f"sha256: {HASH.upper()}, role: caller")))) == 1


def test_another_secret_role_or_tenant_is_another_digest() -> None:
    base = "kind: openai, default_model: m"
    found = digests(provider(base), provider(f"{base}, api_key: a"), provider(f"{base}, api_key_env: KEY"))
    found += digests(key(f"role: caller, sha256: {HASH}"), key(f"role: tenant_admin, sha256: {HASH}"))
    found += digests(key(f"role: caller, sha256: {HASH}").replace("acme", "other"))
    assert len(set(found)) == len(found)


def test_what_a_tenant_has_is_not_in_its_own_digest() -> None:
    first: list[Any] = [
        entries(text)[0].digest for text in ("tenants: {acme: {}}", provider("kind: openai, default_model: m"))
    ]
    assert first[0] == first[1]


def test_a_file_is_read_with_the_secrets_that_it_names(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"{SECRET}\n")
    document = tmp_path / "bootstrap.yaml"
    document.write_text(provider(f"kind: openai, default_model: m, api_key_file: {secret}"))
    body = read(document, {}).entries[-1].body
    assert isinstance(body, ProviderPut)
    assert body.api_key == SECRET


def test_the_example_of_the_documentation_is_one() -> None:
    text = (Path(__file__).parents[3] / "docs" / "bootstrap.md").read_text()
    example = text.partition("```yaml\n")[2].partition("```")[0]
    found = parse(example.encode(), Named({"FAIRFAX_OPENAI_KEY": SECRET}, lambda _: SECRET)).entries
    assert [entry.path.partition(".keys.")[0] for entry in found] == [
        "tenants.fairfax",
        "tenants.fairfax.providers.openai",
        "tenants.fairfax.providers.claude",
        "tenants.fairfax.vault",
        "tenants.fairfax",
        "tenants.orchard",
        found[-1].path,
    ]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"HOUSESTYLE_BOOTSTRAP: .*none.yaml: cannot be read: No such file"):
        read(tmp_path / "none.yaml", {})


def test_a_vaults_secrets_may_be_named_only() -> None:
    """As a provider's: in a variable, in a file, or there."""
    ways = [f"{{token: {SECRET}}}", "{token_env: KEY}", "{token_file: /run/key}"]
    for way in ways:
        body = entries(vault(way))[-1].body
        assert isinstance(body, VaultPut)
        assert body.options.token == SECRET
        assert SECRET not in repr(body) + repr(body.options)
    assert len(set(digests(*map(vault, ways)))) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{token_env: NONE}", "vault.options.token_env: the variable NONE is not set"),
        ("{token_env: 7}", "vault.options.token_env: must be text"),
        ("{token: a, token_env: KEY}", "of token_env, token, say one"),
        ("{colour: red}", "vault.options.colour"),
        ("[]", "vault.options"),
    ],
)
def test_options_of_a_vault_that_cannot_be_used(options: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        entries(vault(options))


def vault(options: str) -> str:
    """A document of one Vault."""
    return f"tenants: {{acme: {{vault: {{url: 'https://vault.example/a', options: {options}}}}}}}"
