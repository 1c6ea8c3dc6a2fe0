"""The pods: what the program is told, how it is watched and ended, what it may do. That it works so is in
test_as_processes.py."""

from typing import Any

import pytest
import yaml

from gateway import serving, settings
from tests.support.helm import VALUES, Document, container, environ, find, pod, render

EVALUATION = VALUES["evaluation"]


def values_of(name: str) -> Any:
    return yaml.safe_load(VALUES[name].read_text())


def test_every_setting_of_the_program_has_its_place_in_the_chart() -> None:
    """A new variable must be put into values.yaml, or be listed here with the reason."""
    whole = values_of("everything") | {"bootstrap": {"document": {"tenants": {}}}}
    whole["config"] |= {"trustedProxies": ["10.0.0.0/8"]}
    gateway = set(environ(container(render(whole | {"nameOverride": ""}), "-gateway")))
    production = render(VALUES["production"])  # its translator has pods of its own
    mesh = render(VALUES["production"], {"translator": {"tls": {"plaintext": True, "certManager": {"enabled": False}}}})
    boxes = [*(container(production, name) for name in ("-gateway", "-translator")), container(mesh, "-translator")]
    set_by_chart = gateway.union(*(environ(box) for box in boxes))
    known = {one.name for one, _, _ in settings.variables() if one.name.startswith("HOUSESTYLE_")}
    assert known - set_by_chart == set()
    assert {name for name in set_by_chart if name.startswith("HOUSESTYLE_")} - known == set()


def test_the_charts_defaults_are_the_programs() -> None:
    variables = environ(container(render(EVALUATION), "-gateway"))
    compared = 0
    for variable, kind, default in settings.variables():
        if kind in (int, float):
            assert kind(variables[variable.name]) == default, variable.name
            compared += 1
    assert compared == 12


def test_the_grace_is_longer_than_all_that_the_program_may_take() -> None:
    for drain in (0.5, 30, 600):
        documents = render(EVALUATION, {"config": {"drainSeconds": drain}})
        grace = pod(documents, "-gateway")["terminationGracePeriodSeconds"]
        stop = container(documents, "-gateway")["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert grace > stop + drain + serving._SETTLE_SECONDS


def test_probes_ask_what_they_mean() -> None:
    for name, port in (("-gateway", "http"), ("-worker", "probes")):
        box = container(render(EVALUATION), name)
        asked = {probe: box[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
        assert asked == {
            "startup": {"path": "/healthz", "port": port},
            "liveness": {"path": "/healthz", "port": port},
            "readiness": {"path": "/readyz", "port": port},
        }


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
        ({"prices": {"gpt-4.1": {"input": 1.5, "output": 6}}}, True),
    ],
)
def test_pods_are_replaced_when_what_they_read_at_start_changes(changed: dict[str, Any], replaced: bool) -> None:
    before, after = (
        find(render(EVALUATION, values), "Deployment", "-gateway")["spec"]["template"]["metadata"]["annotations"]
        for values in ({}, changed)
    )
    assert (before["checksum/secrets"] != after["checksum/secrets"]) is replaced


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
    assert ["replicas" in find(made, "Deployment", "-gateway")["spec"] for made in (off, cpu, keda)] == [
        True,
        False,
        False,
    ]
    streams, busy = find(keda, "ScaledObject", "-gateway")["spec"]["triggers"]
    assert streams["metadata"] == {
        "serverAddress": "http://p:9090",
        "query": "sum(housestyle_active_streams)",
        "threshold": "50",
    }
    assert busy["metadata"] == {"value": "70"}


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
        "/etc/housestyle/bootstrap",
        "/etc/housestyle/prices",
        "/srv/vaults",
        "/more",
    ]
    for name in ("-gateway", "-worker"):
        mounted = {one["name"] for one in container(documents, name)["volumeMounts"]}
        assert mounted == {one["name"] for one in pod(documents, name)["volumes"]}
    assert worker["livenessProbe"]["failureThreshold"] == 9
    assert environ(gateway)["OTEL_RESOURCE_ATTRIBUTES"].endswith(",deployment.environment.name=trial")
    template = find(documents, "Deployment", "-gateway")["spec"]["template"]
    assert template["metadata"]["annotations"]["note"] == "of the pod"
    assert template["metadata"]["labels"]["tier"] == "edge"
    assert template["spec"]["priorityClassName"] == "high"


def test_every_pod_may_be_where_the_gateways_may() -> None:
    """Else `helm test` and an evaluation's Redis would wait for a node for ever, where all nodes are tainted."""
    where = {"nodeSelector": {"kubernetes.io/arch": "amd64"}, "tolerations": [{"key": "llm", "operator": "Exists"}]}
    found = pods(render(EVALUATION, {"gateway": where, "worker": where}))
    assert len(found) == 5
    for one in found:
        assert {name: one[name] for name in where} == where


def test_open_streams_are_those_of_this_release_where_its_monitor_tells() -> None:
    keda = {"gateway": {"autoscaling": {"enabled": True, "keda": {"enabled": True, "serverAddress": "http://p:9090"}}}}
    monitored = {
        "serviceMonitor": {"enabled": True},
        "networkPolicy": {"monitoring": [{"namespaceSelector": {}}]},
    }
    own = {"gateway": {"autoscaling": {"keda": {"query": "sum(mine)"}}}}
    queries = [
        find(render(EVALUATION, keda, *more), "ScaledObject", "-gateway")["spec"]["triggers"][0]["metadata"]["query"]
        for more in ([], [monitored], [monitored, own])
    ]
    assert queries == [
        "sum(housestyle_active_streams)",
        'sum(housestyle_active_streams{namespace="llm",service="trial-housestyle-admin"})',
        "sum(mine)",
    ]
