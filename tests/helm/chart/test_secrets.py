"""Keys, Redis's address, the bootstrap file, the artifacts' volume: where they come from and where they never stand."""

import json

import yaml

from tests.support.helm import VALUES, container, environ, find, render

EVALUATION = VALUES["evaluation"]


def test_secrets_never_stand_in_a_manifest_that_is_no_secret() -> None:
    values = {
        "redis": {"url": "redis://u:hidden@r", "evaluation": {"enabled": False}},
        "bootstrap": {"document": {"tenants": {"a": {"providers": {"o": {"kind": "openai", "api_key": "sk-hidden"}}}}}},
    }
    for document in render(EVALUATION, values):
        if document["kind"] != "Secret":
            assert not [word for word in ("hidden", "MDEyMzQ1", "hs_an_admin") if word in json.dumps(document)]


def test_keys_from_a_secret_that_is_there() -> None:
    values = {
        "secrets": {
            "existingSecret": "platform",
            "encryptionKeys": "",
            "adminKey": "",
            "keys": {"encryptionKeys": "enc", "adminKey": "adm"},
        },
        "redis": {"existingSecret": {"name": "managed-redis", "key": "uri"}, "evaluation": {"enabled": False}},
    }
    documents = render(EVALUATION, values)
    variables = environ(container(documents, "-gateway"))
    assert variables["HOUSESTYLE_ENCRYPTION_KEYS"] == {"secretKeyRef": {"name": "platform", "key": "enc"}}
    assert variables["HOUSESTYLE_ADMIN_KEY"] == {"secretKeyRef": {"name": "platform", "key": "adm"}}
    assert variables["HOUSESTYLE_REDIS_URL"] == {"secretKeyRef": {"name": "managed-redis", "key": "uri"}}
    assert "Secret" not in {one["kind"] for one in documents}


def test_keys_from_an_external_secret() -> None:
    documents = render(VALUES["production"])
    spec = find(documents, "ExternalSecret", "")["spec"]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert [one["secretKey"] for one in spec["data"]] == [
        "encryption-keys",
        "admin-key",
        "redis-url",
        "translator-token",
    ]
    asked = environ(container(documents, "-gateway"))
    for name, key in (
        ("ENCRYPTION_KEYS", "encryption-keys"),
        ("ADMIN_KEY", "admin-key"),
        ("REDIS_URL", "redis-url"),
        ("TRANSLATOR_TOKEN", "translator-token"),
    ):
        assert asked[f"HOUSESTYLE_{name}"] == {"secretKeyRef": {"name": spec["target"]["name"], "key": key}}


def test_a_claim_that_the_chart_makes_stays() -> None:
    claim = find(render(EVALUATION), "PersistentVolumeClaim", "-artifacts")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert environ(container(render(EVALUATION), "-worker"))["HOUSESTYLE_ARTIFACTS_URL"] == (
        "file:///var/lib/housestyle/artifacts"
    )


def test_a_bootstrap_file_is_the_one_that_was_given() -> None:
    given = {"tenants": {"fairfax": {"name": "Fairfax", "keys": [{"sha256": "0" * 64}, {"sha256": "1e" + "5" * 62}]}}}
    made = find(render(EVALUATION, {"bootstrap": {"document": given}}), "Secret", "-bootstrap")
    assert yaml.safe_load(made["stringData"]["bootstrap.yaml"]) == given
