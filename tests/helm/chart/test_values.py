"""Values and what they become; values that do not fit, and what is said of them."""

from typing import Any

import pytest

from tests.support.helm import VALUES, Refused, container, environ, find, render

EVALUATION = VALUES["evaluation"]


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
        {"service": {"spec": {"externalTrafficPolicy": "Local", "type": "NodePort"}}},
        "Service",
        "",
        "spec.externalTrafficPolicy",
        "Local",
    ),
    ({"service": {"spec": {"type": "NodePort"}}}, "Service", "", "spec.type", "ClusterIP"),
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
    (
        {"artifacts": {"persistence": {"size": "5Gi"}}},
        "PersistentVolumeClaim",
        "-artifacts",
        "spec.resources.requests.storage",
        "5Gi",
    ),
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
    (
        "secrets.externalSecret needs storeRef.name",
        {"secrets": {"encryptionKeys": "", "externalSecret": {"enabled": True}}},
    ),
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
    ("extraEnv has HOUSESTYLE_WHY_DAYS", {"extraEnv": [{"name": "HOUSESTYLE_WHY_DAYS", "value": "1"}]}),
    ("extraEnv has HOUSESTYLE_ADMIN_KEY", {"gateway": {"extraEnv": [{"name": "HOUSESTYLE_ADMIN_KEY", "value": "1"}]}}),
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


@pytest.mark.parametrize("whole", [2_000_000, 123_456_789])
def test_large_numbers_are_written_out(whole: int, version: str) -> None:
    documents = render(EVALUATION, {"config": {"whyMax": whole, "connectTimeout": 0.25}}, version=version)
    variables = environ(container(documents, "-worker"))
    assert variables["HOUSESTYLE_WHY_MAX"] == str(whole)
    assert variables["HOUSESTYLE_CONNECT_TIMEOUT"] == "0.25"
