"""What the chart makes of which values. That what it makes works is in test_as_processes.py."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import kubernetes_validate
import msgspec
import pytest
import yaml

from gateway import serving, settings
from gateway.settings import Settings
from tests.support.debian import ROOT
from tests.support.helm import (
    CHART,
    VALUES,
    Document,
    Refused,
    container,
    environ,
    find,
    helm,
    kinds,
    lint,
    pod,
    render,
)

EVALUATION = VALUES["evaluation"]
OLDEST, NEWEST = "1.30", "1.37"
# Kinds that Kubernetes does not know by itself.
CUSTOM = {"ExternalSecret", "HTTPRoute", "PrometheusRule", "ScaledObject", "ServiceMonitor"}


def values_of(name: str) -> Any:
    return yaml.safe_load(VALUES[name].read_text())


def test_lint_has_nothing_to_say(version: str) -> None:
    for values in (None, *VALUES.values()):
        said = lint(values, version)
        assert "1 chart(s) linted, 0 chart(s) failed" in said
        assert "WARNING" not in said and "ERROR" not in said


@pytest.mark.parametrize("name", VALUES)
def test_every_version_of_helm_makes_the_same(name: str, version: str) -> None:
    assert render(VALUES[name], version=version) == render(VALUES[name])


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", VALUES)
def test_kubernetes_takes_it(name: str, kubernetes: str) -> None:
    unknown = set()
    for document in render(VALUES[name]):
        try:
            kubernetes_validate.validate(document, kubernetes, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(document["kind"])
    assert unknown <= CUSTOM


def test_the_oldest_kubernetes_is_the_one_that_the_chart_names() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}.0-0"
    with pytest.raises(Refused, match="incompatible with Kubernetes"):
        helm("template", "trial", "-f", str(EVALUATION), "--kube-version", "1.29")


def test_what_an_evaluation_consists_of() -> None:
    assert kinds(render(EVALUATION)) == {
        "Deployment housestyle-gateway",
        "Deployment housestyle-redis",
        "Deployment housestyle-worker",
        "NetworkPolicy housestyle-gateway",
        "NetworkPolicy housestyle-redis",
        "NetworkPolicy housestyle-worker",
        "PersistentVolumeClaim housestyle-artifacts",
        "Pod housestyle-test",
        "PodDisruptionBudget housestyle-gateway",
        "PodDisruptionBudget housestyle-worker",
        "Secret housestyle",
        "Secret housestyle-redis",
        "Service housestyle",
        "Service housestyle-admin",
        "Service housestyle-redis",
        "ServiceAccount housestyle",
    }


def at(document: Any, path: str) -> Any:
    """What stands at a dotted path."""
    for step in path.split("."):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


POD = "spec.template.spec."
BOX = POD + "containers.0."
# values over the evaluation's → kind, name, path, what stands there
TABLE: list[tuple[dict[str, Any], str, str, str, Any]] = [
    ({}, "Deployment", "-gateway", "spec.replicas", 1),
    ({}, "Deployment", "-gateway", "spec.strategy.rollingUpdate", {"maxUnavailable": 0, "maxSurge": 1}),
    ({}, "Deployment", "-gateway", BOX + "image", "registry.example.com/housestyle:0.1.0"),
    ({"image": {"tag": "2"}}, "Deployment", "-worker", BOX + "image", "registry.example.com/housestyle:2"),
    (
        {"image": {"tag": "2", "digest": f"sha256:{'a' * 64}"}},
        "Deployment",
        "-worker",
        BOX + "image",
        f"registry.example.com/housestyle:2@sha256:{'a' * 64}",
    ),
    (
        {"translator": {"enabled": True}},
        "Deployment",
        "-gateway",
        BOX + "image",
        "registry.example.com/housestyle:0.1.0-translator",
    ),
    ({"translator": {"enabled": True}}, "Deployment", "-gateway", BOX + "resources.limits.memory", "2560Mi"),
    ({"gateway": {"processes": 4}}, "Deployment", "-gateway", BOX + "args.5", "4"),
    ({"gateway": {"host": "::"}}, "Deployment", "-gateway", BOX + "args.1", "::"),
    ({}, "Deployment", "-gateway", BOX + "lifecycle.preStop.sleep.seconds", 10),
    ({}, "Deployment", "-gateway", POD + "terminationGracePeriodSeconds", 10 + 30 + 15 + 5),
    (
        {"gateway": {"preStopSeconds": 20}, "config": {"drainSeconds": 90.5}},
        "Deployment",
        "-gateway",
        POD + "terminationGracePeriodSeconds",
        20 + 91 + 15 + 5,
    ),
    (
        {"gateway": {"terminationGracePeriodSeconds": 300}},
        "Deployment",
        "-gateway",
        POD + "terminationGracePeriodSeconds",
        300,
    ),
    ({}, "Deployment", "-worker", POD + "terminationGracePeriodSeconds", 60),
    ({"worker": {"replicas": 0}}, "Deployment", "-worker", "spec.replicas", 0),
    ({}, "Service", "", "spec.ports.0.port", 80),
    ({"service": {"type": "LoadBalancer"}}, "Service", "", "spec.type", "LoadBalancer"),
    ({}, "Service", "-admin", "spec.type", "ClusterIP"),
    ({"admin": {"service": {"annotations": {"a": "b"}}}}, "Service", "-admin", "metadata.annotations.a", "b"),
    (
        {"redis": {"url": "rediss://u:p@r:6380", "evaluation": {"enabled": False}}},
        "Secret",
        "-redis",
        "stringData.redis-url",
        "rediss://u:p@r:6380",
    ),
    ({"bootstrap": {"document": "tenants: {}"}}, "Secret", "-bootstrap", "stringData.bootstrap\\.yaml", "tenants: {}"),
    (
        {"podSecurityContext": {"runAsUser": None, "fsGroup": None}},
        "Deployment",
        "-gateway",
        POD + "securityContext",
        {
            "runAsNonRoot": True,
            "runAsGroup": 10001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    ),
    (
        {"gateway": {"autoscaling": {"enabled": True}}},
        "HorizontalPodAutoscaler",
        "-gateway",
        "spec.metrics.0.resource.target.averageUtilization",
        70,
    ),
    ({"artifacts": {"persistence": {"size": "5Gi"}}}, "PersistentVolumeClaim", "-artifacts", "spec.resources.requests.storage", "5Gi"),
    ({"commonLabels": {"team": "a"}}, "NetworkPolicy", "-worker", "metadata.labels.team", "a"),
    ({"serviceAccount": {"annotations": {"role": "r"}}}, "ServiceAccount", "", "metadata.annotations.role", "r"),
]


@pytest.mark.parametrize(("values", "kind", "name", "path", "expected"), TABLE)
def test_values_and_what_they_become(values: dict[str, Any], kind: str, name: str, path: str, expected: Any) -> None:
    document = find(render(EVALUATION, values), kind, name)
    if "\\." in path:
        head, _, last = path.replace("\\.", "\0").rpartition(".")
        found = at(document, head)[last.replace("\0", ".")]
        assert found.strip() == expected
    else:
        assert at(document, path) == expected


# what the chart has to say, and on which values over the evaluation's
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("image.repository is not set", {"image": {"repository": ""}}),
    ("the keys come from exactly one of", {"secrets": {"encryptionKeys": ""}}),
    ("the keys come from exactly one of", {"secrets": {"existingSecret": "keys"}}),
    ("secrets.encryptionKeys must be base64 of 32 bytes", {"secrets": {"encryptionKeys": "c2hvcnQ="}}),
    ("secrets.adminKey must have 20 characters", {"secrets": {"adminKey": "short"}}),
    ("secrets.externalSecret needs storeRef.name", {"secrets": {"encryptionKeys": "", "externalSecret": {"enabled": True}}}),
    ("Redis is given by exactly one of", {"redis": {"evaluation": {"enabled": False}}}),
    ("Redis is given by exactly one of", {"redis": {"url": "redis://redis"}}),
    ("redis.url must begin with", {"redis": {"url": "http://redis", "evaluation": {"enabled": False}}}),
    ("exactly one of artifacts.url", {"artifacts": {"persistence": {"enabled": False}}}),
    ("exactly one of artifacts.url", {"artifacts": {"url": "s3://firm"}}),
    (
        "one of bootstrap.document and",
        {"bootstrap": {"document": {"tenants": {}}, "existingSecret": {"name": "tenants"}}},
    ),
    (
        "terminationGracePeriodSeconds is 50, but preStopSeconds, config.drainSeconds and settling take 56 s",
        {"gateway": {"terminationGracePeriodSeconds": 50}},
    ),
    ("adminPort must be another port", {"gateway": {"adminPort": 8080}}),
    ("minReplicas is more than", {"gateway": {"autoscaling": {"enabled": True, "minReplicas": 11}}}),
    ("keda.serverAddress is not set", {"gateway": {"autoscaling": {"enabled": True, "keda": {"enabled": True}}}}),
    ("nothing to scale by", {"gateway": {"autoscaling": {"enabled": True, "cpuUtilization": 0}}}),
    (
        "is a share of resources.requests.cpu",
        {"gateway": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
    ),
    ("serviceMonitor.enabled needs networkPolicy.monitoring", {"serviceMonitor": {"enabled": True}}),
    ("ingress.hosts is empty", {"ingress": {"enabled": True}}),
    ("admin.ingress.hosts is empty", {"admin": {"ingress": {"enabled": True}}}),
    ("httpRoute.parentRefs is empty", {"httpRoute": {"enabled": True}}),
]


@pytest.mark.parametrize(("words", "values"), REFUSED)
def test_values_that_do_not_fit_are_refused_in_words(words: str, values: dict[str, Any], version: str) -> None:
    with pytest.raises(Refused) as refused:
        render(EVALUATION, values, version=version)
    assert words in str(refused.value)
    for secret in ("c2hvcnQ=", "MDEyMzQ1"):
        assert secret not in str(refused.value)


def test_all_that_is_missing_is_said_at_once(version: str) -> None:
    with pytest.raises(Refused) as refused:
        render({}, version=version)
    said = str(refused.value)
    for words in ("image.repository", "secrets.existingSecret", "redis.url", "artifacts.url"):
        assert words in said


# where, and on which values, the schema has something to say
SCHEMA: list[tuple[str, dict[str, Any]]] = [
    ("gateway", {"gateway": {"replica": 3}}),
    ("port", {"gateway": {"port": "http"}}),
    ("port", {"gateway": {"port": 70000}}),
    ("nope", {"nope": 1}),
    ("value", {"extraEnv": [{"name": "PORT", "value": 8080}]}),
    ("upstreamAllow", {"config": {"upstreamAllow": ["10.0.0.1"]}}),
    ("vaultRoots", {"config": {"vaultRoots": ["/srv/vaults"]}}),
    ("drainSeconds", {"config": {"drainSeconds": 0}}),
    ("maxConcurrent", {"config": {"maxConcurrent": 1.5}}),
    ("digest", {"image": {"digest": "latest"}}),
    ("repository", {"image": {"repository": "housestyle@sha256:0"}}),
    ("pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
    ("endpoint", {"otel": {"endpoint": "collector:4318"}}),
    ("maxUnavailable", {"gateway": {"podDisruptionBudget": {"maxUnavailable": "most"}}}),
    ("tmpSize", {"worker": {"tmpSize": "much"}}),
    ("path", {"gateway": {"readinessProbe": {"httpGet": {"path": "/"}}}}),
]


@pytest.mark.parametrize(("where", "values"), SCHEMA)
def test_the_schema_refuses_and_says_where(where: str, values: dict[str, Any], version: str) -> None:
    with pytest.raises(Refused) as refused:
        render(EVALUATION, values, version=version)
    said = str(refused.value)
    assert "values don't meet the specifications of the schema" in said
    assert where in said or "httpGet" in said


def schema_of(schema: Any, root: Any) -> Any:
    """A schema, its reference followed."""
    return root["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def undescribed(schema: Any, root: Any, path: str) -> list[str]:
    found = []
    for name, below in schema_of(schema, root).get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if "$ref" not in schema and not below.get("description"):
            found.append(here)
        found += undescribed(below, root, here)
    return found


def outside(values: Any, schema: Any, root: Any, path: str) -> list[str]:
    """Every value whose name the schema does not have."""
    properties = schema_of(schema, root).get("properties")
    if properties is None or not isinstance(values, dict):
        return []
    found = [f"{path}.{name}" for name in values if name not in properties]
    return found + [more for name in values if name in properties for more in outside(values[name], properties[name], root, f"{path}.{name}")]


def test_the_schema_describes_every_value_and_knows_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert undescribed(schema, schema, "") == []
    assert outside(values, schema, schema, "") == []
    assert set(schema["properties"]) - set(values) == {"global"}


def test_every_setting_of_the_program_has_its_place_in_the_chart() -> None:
    """A new variable must be put into values.yaml, or be listed here with the reason."""
    whole = values_of("everything") | {"bootstrap": {"document": {"tenants": {}}}}
    whole["config"] |= {"trustedProxies": ["10.0.0.0/8"]}
    set_by_chart = set(environ(container(render(whole | {"nameOverride": ""}), "-gateway")))
    known = {*settings._TEXTS, *(variable for variable, _ in settings._NUMBERS.values())}
    assert known - set_by_chart == set()
    assert {name for name in set_by_chart if name.startswith("HOUSESTYLE_")} - known == set()


def test_the_charts_defaults_are_the_programs() -> None:
    variables = environ(container(render(EVALUATION), "-gateway"))
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    for field, (variable, kind) in settings._NUMBERS.items():
        assert kind(variables[variable]) == defaults[field], variable


@pytest.mark.parametrize("whole", [2_000_000, 123_456_789])
def test_large_numbers_are_written_out(whole: int, version: str) -> None:
    documents = render(EVALUATION, {"config": {"whyMax": whole, "connectTimeout": 0.25}}, version=version)
    variables = environ(container(documents, "-worker"))
    assert variables["HOUSESTYLE_WHY_MAX"] == str(whole)
    assert variables["HOUSESTYLE_CONNECT_TIMEOUT"] == "0.25"


def test_the_grace_is_longer_than_all_that_the_program_may_take() -> None:
    for drain in (0.5, 30, 600):
        documents = render(EVALUATION, {"config": {"drainSeconds": drain}})
        grace = pod(documents, "-gateway")["terminationGracePeriodSeconds"]
        stop = container(documents, "-gateway")["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert grace > stop + drain + serving._SETTLE_SECONDS


def test_probes_ask_what_they_mean() -> None:
    gateway = container(render(EVALUATION), "-gateway")
    asked = {name: gateway[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert asked == {
        "startup": {"path": "/healthz", "port": "http"},
        "liveness": {"path": "/healthz", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    assert not [name for name in container(render(EVALUATION), "-worker") if name.endswith("Probe")]


def pods(documents: list[Document]) -> list[Document]:
    """The spec of every pod, however it comes to be."""
    return [
        one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
        for one in documents
        if one["kind"] in ("Pod", "Deployment")
    ]


@pytest.mark.parametrize("name", VALUES)
def test_every_pod_is_restricted(name: str) -> None:
    found = pods(render(VALUES[name]))
    assert len(found) >= 3
    for one in found:
        assert one["automountServiceAccountToken"] is False
        assert one["securityContext"]["runAsNonRoot"] is True
        assert one["securityContext"]["runAsUser"] >= 10000
        assert one["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(one)
        for box in one["containers"]:
            assert box["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} <= set(box["resources"])
            assert "memory" in box["resources"]["limits"]


def test_secrets_never_stand_in_a_manifest_that_is_no_secret() -> None:
    values = {
        "redis": {"url": "redis://u:hidden@r", "evaluation": {"enabled": False}},
        "bootstrap": {"document": {"tenants": {"a": {"providers": {"o": {"kind": "openai", "api_key": "sk-hidden"}}}}}},
    }
    for document in render(EVALUATION, values):
        if document["kind"] != "Secret":
            assert not [word for word in ("hidden", "MDEyMzQ1", "hs_an_admin") if word in json.dumps(document)]


def test_the_worker_knows_no_admin_key_and_the_gateway_all() -> None:
    documents = render(EVALUATION, {"bootstrap": {"document": {"tenants": {}}}})
    gateway, worker = (environ(container(documents, name)) for name in ("-gateway", "-worker"))
    assert set(gateway) - set(worker) == {
        "HOUSESTYLE_ADMIN_KEY",
        "HOUSESTYLE_ADMIN_PORT",
        "HOUSESTYLE_BOOTSTRAP",
        "OTEL_TRACES_EXPORTER",
    }
    assert set(worker) <= set(gateway)


@pytest.mark.parametrize(
    ("changed", "replaced"),
    [
        ({}, False),
        ({"gateway": {"replicas": 5}}, False),
        ({"secrets": {"adminKey": "another_admin_key_of_this_test"}}, True),
        ({"redis": {"url": "redis://other", "evaluation": {"enabled": False}}}, True),
        ({"bootstrap": {"document": {"tenants": {"a": {}}}}}, True),
    ],
)
def test_pods_are_replaced_when_what_they_read_at_start_changes(changed: dict[str, Any], replaced: bool) -> None:
    before, after = (
        find(render(EVALUATION, values), "Deployment", "-gateway")["spec"]["template"]["metadata"]["annotations"]
        for values in ({}, changed)
    )
    assert (before["checksum/secrets"] != after["checksum/secrets"]) is replaced


def test_nothing_is_made_up_anew_at_an_upgrade() -> None:
    assert render(EVALUATION, {}) == render(EVALUATION, {"global": {}})  # two runs of Helm
    templates = [path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file()]
    assert not [found for text in templates for found in re.findall(r"\b(?:rand[A-Z]\w+|gen[A-Z]\w+|uuidv4|now|lookup)\b", text)]


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
    assert [one["secretKey"] for one in spec["data"]] == ["encryption-keys", "admin-key", "redis-url"]
    asked = environ(container(documents, "-gateway"))
    for name, key in (("ENCRYPTION_KEYS", "encryption-keys"), ("ADMIN_KEY", "admin-key"), ("REDIS_URL", "redis-url")):
        assert asked[f"HOUSESTYLE_{name}"] == {"secretKeyRef": {"name": spec["target"]["name"], "key": key}}


def test_either_a_pod_autoscaler_or_keda_and_then_no_fixed_number() -> None:
    off, cpu, keda = (
        render(EVALUATION, {"gateway": {"autoscaling": values}})
        for values in (
            {},
            {"enabled": True},
            {"enabled": True, "keda": {"enabled": True, "serverAddress": "http://p:9090", "streamsPerReplica": 50}},
        )
    )
    scalers = [{one["kind"] for one in made} & {"HorizontalPodAutoscaler", "ScaledObject"} for made in (off, cpu, keda)]
    assert scalers == [set(), {"HorizontalPodAutoscaler"}, {"ScaledObject"}]
    assert ["replicas" in find(made, "Deployment", "-gateway")["spec"] for made in (off, cpu, keda)] == [True, False, False]
    streams, busy = find(keda, "ScaledObject", "-gateway")["spec"]["triggers"]
    assert streams["metadata"] == {
        "serverAddress": "http://p:9090",
        "query": "sum(housestyle_active_streams)",
        "threshold": "50",
    }
    assert busy["metadata"] == {"value": "70"}


def selected(documents: list[Document], selector: dict[str, str]) -> set[str]:
    """The Deployments and pods whose labels a selector matches."""
    found = set()
    for one in documents:
        if one["kind"] in ("Deployment", "Pod"):
            labels = one["metadata" if one["kind"] == "Pod" else "spec"]
            labels = labels["labels"] if one["kind"] == "Pod" else labels["template"]["metadata"]["labels"]
            if selector.items() <= labels.items():
                found.add(one["metadata"]["name"].removeprefix("trial-housestyle-"))
    return found


@pytest.mark.parametrize(("name", "component"), [("", "gateway"), ("-admin", "gateway"), ("-redis", "redis")])
def test_services_lead_to_their_pods_and_to_named_ports(name: str, component: str) -> None:
    documents = render(EVALUATION)
    spec = find(documents, "Service", name)["spec"]
    assert selected(documents, spec["selector"]) == {component}
    ports = {one["name"] for one in container(documents, f"-{component}")["ports"]}
    assert {one["targetPort"] for one in spec["ports"]} <= ports


def test_the_monitor_finds_the_admin_service_and_its_port() -> None:
    documents = render(VALUES["production"])
    spec = find(documents, "ServiceMonitor", "")["spec"]
    service = find(documents, "Service", "-admin")
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert not spec["selector"]["matchLabels"].items() <= find(documents, "Service", "")["metadata"]["labels"].items()
    assert [one["port"] for one in spec["endpoints"]] == [one["name"] for one in service["spec"]["ports"]]


def test_budgets_and_spread_are_about_the_pods_they_are_named_for() -> None:
    documents = render(EVALUATION)
    for component in ("gateway", "worker"):
        budget = find(documents, "PodDisruptionBudget", f"-{component}")["spec"]
        assert selected(documents, budget["selector"]["matchLabels"]) == {component}
        for spread in pod(documents, f"-{component}")["topologySpreadConstraints"]:
            assert selected(documents, spread["labelSelector"]["matchLabels"]) == {component}


def peers(rule: Document) -> list[Any]:
    """Who a rule is about; [] is everybody."""
    return [*rule.get("from", []), *rule.get("to", [])]


def ports(rule: Document) -> list[int]:
    return sorted({one["port"] for one in rule.get("ports", [])})


def test_who_may_come_in() -> None:
    by_default = render(EVALUATION)
    data, admin = find(by_default, "NetworkPolicy", "-gateway")["spec"]["ingress"]
    assert (ports(data), peers(data)) == ([8080], [])
    assert ports(admin) == [8081]
    assert peers(admin)[0] == {"podSelector": {}}
    assert selected(by_default, peers(admin)[1]["podSelector"]["matchLabels"]) == {"test"}
    assert find(by_default, "NetworkPolicy", "-worker")["spec"]["ingress"] == []
    [redis] = find(by_default, "NetworkPolicy", "-redis")["spec"]["ingress"]
    reached = {next(iter(selected(by_default, peer["podSelector"]["matchLabels"]))) for peer in peers(redis)}
    assert (ports(redis), reached) == ([6379], {"gateway", "worker", "test"})
    named = render(VALUES["production"])
    data, admin = find(named, "NetworkPolicy", "-gateway")["spec"]["ingress"]
    assert peers(data)[0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateways"}
    assert peers(admin)[1]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_where_they_may_go() -> None:
    documents = render(VALUES["production"])
    gateway = find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"]
    assert [ports(rule) for rule in gateway] == [[53], [443], [6380], [4318]]
    assert peers(gateway[2]) == [{"ipBlock": {"cidr": "10.20.0.0/24"}}]
    for block in (peer["ipBlock"] for peer in peers(gateway[1])):
        assert all((":" in block["cidr"]) == (":" in one) for one in block["except"])
    four = peers(gateway[1])[0]["ipBlock"]["except"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(four)
    worker = find(documents, "NetworkPolicy", "-worker")["spec"]["egress"]
    assert worker == gateway[:3]  # spans are the gateway's


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://redis", [6379]),
        ("rediss://user:p%3A1@redis.internal:6380/2", [6379, 6380]),
        ("redis://[fd00::1]:7000", [6379, 7000]),
        ("redis+sentinel://u:p@one:26379,two:26380/main/0", [6379, 26379, 26380]),
        ("redis+sentinel://one,two/main", [6379, 26379]),
    ],
)
def test_redis_is_let_through_at_the_ports_of_its_url(url: str, expected: list[int]) -> None:
    documents = render(EVALUATION, {"redis": {"url": url, "evaluation": {"enabled": False}}})
    assert ports(find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"][-1]) == expected


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://c:4318", 4318), ("https://otlp.example.com", 443), ("http://c/path", 80), ("http://[fd00::1]:4318", 4318)],
)
def test_spans_are_let_through_at_the_port_of_the_collector(endpoint: str, port: int) -> None:
    documents = render(EVALUATION, {"otel": {"endpoint": endpoint}})
    assert ports(find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"][-1]) == [port]
    assert environ(container(documents, "-gateway"))["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint


def test_private_providers_that_the_program_may_reach_are_let_through() -> None:
    documents = render(EVALUATION, {"config": {"upstreamAllow": ["10.9.0.0/16"]}})
    assert {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]} in find(documents, "NetworkPolicy", "-worker")["spec"]["egress"]


def test_a_policy_can_be_left_out() -> None:
    assert "NetworkPolicy" not in {one["kind"] for one in render(EVALUATION, {"networkPolicy": {"enabled": False}})}


def test_ingresses_and_routes_lead_to_ports_that_services_have() -> None:
    documents = [*render(VALUES["everything"], {"nameOverride": ""}), *render(VALUES["production"])]
    for one in documents:
        if one["kind"] == "Ingress":
            backend = one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
            name, port = backend["name"], backend["port"]["name"]
        elif one["kind"] == "HTTPRoute":
            [backend] = one["spec"]["rules"][0]["backendRefs"]
            name, port = backend["name"], backend["port"]
        else:
            continue
        service = next(made for made in documents if (made["kind"], made["metadata"]["name"]) == ("Service", name))
        assert port in [value for made in service["spec"]["ports"] for value in (made["name"], made["port"])]
        assert one["metadata"]["name"] == name


def test_what_is_extra_arrives_in_both_or_in_the_one_it_is_for() -> None:
    documents = render(VALUES["everything"], {"nameOverride": ""})
    gateway, worker = container(documents, "-gateway"), container(documents, "-worker")
    assert environ(gateway)["HTTPS_PROXY"] == environ(worker)["HTTPS_PROXY"] == "http://proxy.internal:3128"
    assert "FAIRFAX_OPENAI_KEY" in environ(gateway)
    assert "FAIRFAX_OPENAI_KEY" not in environ(worker)
    assert gateway["envFrom"] == [{"secretRef": {"name": "more"}}]
    assert [one["mountPath"] for one in gateway["volumeMounts"]] == [
        "/tmp",  # noqa: S108 - the pod's
        "/var/lib/housestyle/artifacts",
        "/etc/housestyle",
        "/srv/vaults",
        "/more",
    ]
    for name in ("-gateway", "-worker"):
        mounted = {one["name"] for one in container(documents, name)["volumeMounts"]}
        assert mounted == {one["name"] for one in pod(documents, name)["volumes"]}
    assert worker["livenessProbe"] == {"exec": {"command": ["cat", "/tmp/housestyle"]}}  # noqa: S108 - the pod's
    template = find(documents, "Deployment", "-gateway")["spec"]["template"]
    assert template["metadata"]["annotations"]["note"] == "of the pod"
    assert template["metadata"]["labels"]["tier"] == "edge"
    assert template["spec"]["priorityClassName"] == "high"


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


def test_rules_and_dashboards_are_those_in_the_charts_folders(tmp_path: Path) -> None:
    """Whatever lies there: none, or some, with templates of their own that Helm must leave alone."""
    chart = tmp_path / "helm"
    for path in CHART.rglob("*"):
        if path.is_file() and path.relative_to(CHART).parts[0] not in ("rules", "dashboards"):
            (chart / path.relative_to(CHART)).parent.mkdir(parents=True, exist_ok=True)
            (chart / path.relative_to(CHART)).write_bytes(path.read_bytes())
    on = {"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}}
    assert not {"PrometheusRule", "ConfigMap"} & {one["kind"] for one in render(EVALUATION, on, chart=chart)}
    (chart / "rules").mkdir()
    (chart / "dashboards").mkdir()
    group = {"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "annotations": {"summary": "{{ $value }} of {{ $labels.x }}"}}]}
    (chart / "rules" / "a.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    (chart / "rules" / "b.yaml").write_text(yaml.safe_dump({"groups": [group | {"name": "h"}]}))
    (chart / "dashboards" / "d.json").write_text('{"title": "{{ legend }}"}')
    documents = render(EVALUATION, on, {}, chart=chart)
    assert find(documents, "PrometheusRule", "")["spec"]["groups"] == [group, group | {"name": "h"}]
    made = find(documents, "ConfigMap", "-dashboards")
    assert made["data"] == {"d.json": '{"title": "{{ legend }}"}'}
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert not {"PrometheusRule", "ConfigMap"} & {one["kind"] for one in render(EVALUATION, chart=chart)}


def test_what_ships_is_what_lies_in_the_folders() -> None:
    """The rules and dashboards of this checkout come out whole."""
    documents = render(EVALUATION, {"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}})
    shipped = {path.name: path.read_text() for path in (CHART / "dashboards").glob("*.json")}
    made = [one["data"] for one in documents if one["kind"] == "ConfigMap"]
    assert made == ([shipped] if shipped else [])
    groups = [group for path in sorted((CHART / "rules").glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"]]
    rules = [one["spec"]["groups"] for one in documents if one["kind"] == "PrometheusRule"]
    assert rules == ([groups] if groups else [])


def test_the_package_has_what_an_installation_needs_and_no_more(tmp_path: Path, version: str) -> None:
    helm("package", "--destination", str(tmp_path), version=version)
    [archive] = tmp_path.glob("housestyle-*.tgz")
    with tarfile.open(archive) as package:
        names = {name.removeprefix("housestyle/") for name in package.getnames()}
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "templates/gateway.yaml"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    shipped = {str(path.relative_to(CHART)) for folder in ("rules", "dashboards") for path in (CHART / folder).glob("*.*")}
    assert shipped <= names


def test_the_chart_is_of_the_programs_version() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert f'\nversion = "{version}"\n' in project


@pytest.mark.parametrize("name", VALUES)
def test_the_notes_give_the_next_command_and_warn_of_what_is_not_for_production(name: str) -> None:
    said = helm("install", "trial", "--namespace", "llm", "--dry-run=client", "-f", str(VALUES[name]))  # not 3: it asks a cluster
    notes = said.partition("NOTES:")[2]
    assert "helm -n llm test trial" in notes
    assert "port-forward service/trial-" in notes
    assert ("FOR EVALUATION ONLY" in notes) == (name == "evaluation")
    assert "MDEyMzQ1" not in notes
