"""Who reaches the pods, and whom they reach: Services, Ingresses and routes, policies, the monitor, budgets."""

from typing import Any

import pytest

from tests.support.helm import VALUES, Document, container, environ, find, pod, render

EVALUATION = VALUES["evaluation"]


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
    assert selected(by_default, peers(admin)[1]["podSelector"]["matchLabels"]) == {"test-check", "test-reach"}
    assert find(by_default, "NetworkPolicy", "-worker")["spec"]["ingress"] == []
    [redis] = find(by_default, "NetworkPolicy", "-redis")["spec"]["ingress"]
    reached = set().union(*(selected(by_default, peer["podSelector"]["matchLabels"]) for peer in peers(redis)))
    assert (ports(redis), reached) == ([6379], {"gateway", "worker", "test-check", "test-reach"})
    named = render(VALUES["production"])
    data, admin = find(named, "NetworkPolicy", "-gateway")["spec"]["ingress"]
    assert peers(data)[0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateways"}
    assert peers(admin)[1]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_where_they_may_go() -> None:
    documents = render(VALUES["production"])
    gateway = find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"]
    assert [ports(rule) for rule in gateway] == [[53], [443], [8443], [6380], [4318]]
    [translators] = peers(gateway[2])
    assert selected(documents, translators["podSelector"]["matchLabels"]) == {"translator"}
    assert peers(gateway[3]) == [{"ipBlock": {"cidr": "10.20.0.0/24"}}]
    for block in (peer["ipBlock"] for peer in peers(gateway[1])):
        assert all((":" in block["cidr"]) == (":" in one) for one in block["except"])
    four = peers(gateway[1])[0]["ipBlock"]["except"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(four)
    worker = find(documents, "NetworkPolicy", "-worker")["spec"]["egress"]
    assert worker == [*gateway[:2], gateway[3]]  # spans and the translator are the gateway's
    assert find(documents, "NetworkPolicy", "-translator")["spec"]["egress"] == gateway[:2]


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
    [
        ("http://c:4318", 4318),
        ("https://otlp.example.com", 443),
        ("http://c/path", 80),
        ("http://[fd00::1]:4318", 4318),
    ],
)
def test_spans_are_let_through_at_the_port_of_the_collector(endpoint: str, port: int) -> None:
    documents = render(EVALUATION, {"otel": {"endpoint": endpoint}})
    assert ports(find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"][-1]) == [port]
    assert environ(container(documents, "-gateway"))["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint


def test_the_tests_pods_meet_what_gateways_meet_and_reach_them() -> None:
    """Else `helm test` would say that all is well where no gateway can reach Redis."""
    for name in ("evaluation", "production"):
        documents = render(VALUES[name])
        policy = find(documents, "NetworkPolicy", "-test")["spec"]
        assert selected(documents, policy["podSelector"]["matchLabels"]) == {"test-check", "test-reach"}
        *as_gateways, services = policy["egress"]
        assert as_gateways == find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"]
        assert ports(services) == [8080, 8081]
        assert selected(documents, peers(services)[0]["podSelector"]["matchLabels"]) == {"gateway"}
        assert policy["ingress"] == []


def test_private_providers_that_the_program_may_reach_are_let_through() -> None:
    documents = render(EVALUATION, {"config": {"upstreamAllow": ["10.9.0.0/16"]}})
    assert {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]} in find(documents, "NetworkPolicy", "-worker")["spec"][
        "egress"
    ]


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
