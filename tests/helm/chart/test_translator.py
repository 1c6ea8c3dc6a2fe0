"""The translator in pods of its own: what it is told and what not, who reaches it, its certificate and token, and what
is refused. That it works so is in test_translator_as_processes.py."""

from typing import Any

import pytest

from tests.helm.chart.test_network import peers, ports, selected
from tests.support.helm import VALUES, Document, Refused, container, environ, find, kinds, pod, render

EVALUATION = VALUES["evaluation"]
TOKEN = "of-the-translator-0123456789abcdef"
OWN: dict[str, Any] = {
    "secrets": {"translatorToken": TOKEN},
    "translator": {"enabled": True, "mode": "deployment", "tls": {"existingSecret": "own-tls"}},
}


def with_own(**translator: Any) -> list[Document]:
    """What the chart makes of it with these values of its own too."""
    return render(EVALUATION, OWN, {"translator": translator})


@pytest.mark.parametrize("mode", ["child", "deployment"])
def test_nothing_of_it_is_there_unless_it_is_wanted_so(mode: str) -> None:
    off = render(EVALUATION, {"translator": {"mode": mode}})
    child = render(EVALUATION, {"translator": {"enabled": True}})
    assert kinds(off) == kinds(child) == kinds(render(EVALUATION))
    assert kinds(with_own(autoscaling={"enabled": True})) - kinds(off) == {
        "Deployment housestyle-translator",
        "HorizontalPodAutoscaler housestyle-translator",
        "NetworkPolicy housestyle-translator",
        "PodDisruptionBudget housestyle-translator",
        "Service housestyle-translator",
    }


def test_it_is_told_what_it_needs_and_no_other_secret() -> None:
    elsewhere = {
        "extraEnv": [{"name": "AWS_ROLE_ARN", "value": "of the gateways"}],
        "extraVolumes": [{"name": "vaults", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "vaults", "mountPath": "/srv/vaults"}],
        "bootstrap": {"document": {"tenants": {}}},
        "config": {"upstreamAllow": ["10.9.0.0/16"]},
    }
    documents = render(EVALUATION, OWN, elsewhere)
    box, spec = container(documents, "-translator"), pod(documents, "-translator")
    assert environ(box) == {
        "HOUSESTYLE_TRANSLATOR_PYTHON": "/opt/housestyle-translator/bin/python",
        "HOUSESTYLE_TRANSLATOR_TOKEN": {"secretKeyRef": {"name": "trial-housestyle", "key": "translator-token"}},
        "HOUSESTYLE_TRANSLATOR_CERT_FILE": "/etc/housestyle/tls/tls.crt",
        "HOUSESTYLE_TRANSLATOR_KEY_FILE": "/etc/housestyle/tls/tls.key",
        "HOUSESTYLE_DRAIN_SECONDS": "30",
        "HOUSESTYLE_UPSTREAM_ALLOW": "10.9.0.0/16",
    }
    assert [one["name"] for one in spec["volumes"]] == [one["name"] for one in box["volumeMounts"]] == ["tmp", "tls"]
    assert spec["serviceAccountName"] == "default"
    assert "TRANSLATOR" not in str(environ(container(documents, "-worker")))


def test_what_is_extra_for_it_arrives() -> None:
    documents = with_own(
        extraEnv=[{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        extraEgress=[{"ports": [{"port": 3128, "protocol": "TCP"}]}],
        extraVolumes=[{"name": "more", "emptyDir": {}}],
        extraVolumeMounts=[{"name": "more", "mountPath": "/more"}],
        podLabels={"tier": "inner"},
        annotations={"note": "x"},
        nodeSelector={"a": "b"},
    )
    box, spec = container(documents, "-translator"), pod(documents, "-translator")
    assert environ(box)["HTTPS_PROXY"] == "http://proxy:3128"
    assert box["volumeMounts"][-1]["mountPath"] == "/more"
    assert [one["name"] for one in spec["volumes"]] == ["tmp", "tls", "more"]
    assert (spec["nodeSelector"], find(documents, "Deployment", "-translator")["metadata"]["annotations"]) == (
        {"a": "b"},
        {"note": "x"},
    )
    assert find(documents, "Deployment", "-translator")["spec"]["template"]["metadata"]["labels"]["tier"] == "inner"
    assert ports(find(documents, "NetworkPolicy", "-translator")["spec"]["egress"][-1]) == [3128]
    assert 3128 not in [
        port for rule in find(documents, "NetworkPolicy", "-gateway")["spec"]["egress"] for port in ports(rule)
    ]


def test_gateways_find_it_and_believe_its_authorities_alone() -> None:
    documents = with_own()
    variables = environ(container(documents, "-gateway"))
    [service] = find(documents, "Service", "-translator")["spec"]["ports"]
    assert variables["HOUSESTYLE_TRANSLATOR_URL"] == f"https://trial-housestyle-translator.llm.svc:{service['port']}"
    assert variables["HOUSESTYLE_TRANSLATOR_CA_FILE"] == "/etc/housestyle/translator/ca.crt"
    assert "HOUSESTYLE_TRANSLATOR_PYTHON" not in variables, "gateways start none of their own"
    for one in (pod(documents, "-gateway"), find(documents, "Pod", "-test-check")["spec"]):
        [volume] = [volume for volume in one["volumes"] if volume["name"] == "translator-ca"]
        assert volume["secret"] == {"secretName": "own-tls", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    public = environ(container(with_own(tls={"caKey": ""}), "-gateway"))
    assert "HOUSESTYLE_TRANSLATOR_CA_FILE" not in public


def test_each_has_the_image_that_it_needs() -> None:
    for values, gateway, translator in (
        ({}, "0.1.0", "0.1.0-translator"),
        ({"image": {"tag": "2"}}, "2", "2-translator"),
        ({"image": {"tag": "2"}, "translator": {"image": {"tag": "two"}}}, "2", "two"),
    ):
        documents = render(EVALUATION, OWN, values)
        found = [container(documents, name)["image"].rpartition(":")[2] for name in ("-gateway", "-translator")]
        assert found == [gateway, translator]
    digests = [container(render(VALUES["production"]), name)["image"][-64:] for name in ("-gateway", "-translator")]
    assert digests == ["0" * 64, "1" * 64]
    documents = with_own(resources={"requests": {"cpu": "2"}})
    assert container(documents, "-translator")["resources"]["requests"]["cpu"] == "2"
    assert container(documents, "-gateway")["resources"]["requests"]["cpu"] == "500m"


def test_who_reaches_it_and_whom_it_reaches() -> None:
    documents = with_own(port=9443)
    policy = find(documents, "NetworkPolicy", "-translator")["spec"]
    assert selected(documents, policy["podSelector"]["matchLabels"]) == {"translator"}
    [rule] = policy["ingress"]
    reached = {name for peer in peers(rule) for name in selected(documents, peer["podSelector"]["matchLabels"])}
    assert (ports(rule), reached) == ([9443], {"gateway", "test-check", "test-reach"})
    assert [ports(rule) for rule in policy["egress"]] == [[53], [443]]
    assert "169.254.0.0/16" in peers(policy["egress"][1])[0]["ipBlock"]["except"]
    service = find(documents, "Service", "-translator")["spec"]
    assert selected(documents, service["selector"]) == {"translator"}
    assert service.get("type", "ClusterIP") == "ClusterIP"
    budget = find(documents, "PodDisruptionBudget", "-translator")["spec"]
    assert selected(documents, budget["selector"]["matchLabels"]) == {"translator"}
    for spread in pod(documents, "-translator")["topologySpreadConstraints"]:
        assert selected(documents, spread["labelSelector"]["matchLabels"]) == {"translator"}


def test_its_probes_ask_by_the_scheme_that_it_speaks() -> None:
    for documents, scheme in (
        (with_own(), "HTTPS"),
        (with_own(tls={"existingSecret": "", "plaintext": True}), "HTTP"),
    ):
        box = container(documents, "-translator")
        asked = {name: box[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert asked == {
            "startup": {"path": "/healthz", "port": "translator", "scheme": scheme},
            "liveness": {"path": "/healthz", "port": "translator", "scheme": scheme},
            "readiness": {"path": "/readyz", "port": "translator", "scheme": scheme},
        }


def test_without_tls_both_sides_are_told_so() -> None:
    documents = with_own(tls={"existingSecret": "", "plaintext": True})
    for name in ("-gateway", "-translator"):
        assert environ(container(documents, name))["HOUSESTYLE_TRANSLATOR_PLAINTEXT"] == "true"
    assert environ(container(documents, "-gateway"))["HOUSESTYLE_TRANSLATOR_URL"].startswith("http://")
    assert "tls" not in [one["name"] for one in pod(documents, "-translator")["volumes"]]


def test_the_grace_follows_the_drain() -> None:
    documents = render(EVALUATION, OWN, {"config": {"drainSeconds": 90.5}, "translator": {"preStopSeconds": 20}})
    assert pod(documents, "-translator")["terminationGracePeriodSeconds"] == 20 + 91 + 10


def test_cert_manager_is_asked_for_the_name_that_gateways_call() -> None:
    documents = render(VALUES["production"])
    spec = find(documents, "Certificate", "-translator")["spec"]
    url = environ(container(documents, "-gateway"))["HOUSESTYLE_TRANSLATOR_URL"]
    assert url == f"https://{spec['dnsNames'][0]}:8443"
    assert spec["issuerRef"] == {"name": "internal", "kind": "ClusterIssuer"}
    [mounted] = [one for one in pod(documents, "-translator")["volumes"] if one["name"] == "tls"]
    assert mounted["secret"]["secretName"] == spec["secretName"]


def test_the_token_stands_in_a_secret_alone_and_another_one_replaces_both_sides() -> None:
    documents = with_own()
    assert find(documents, "Secret", "")["stringData"]["translator-token"] == TOKEN
    assert not [one["kind"] for one in documents if TOKEN in str(one) and one["kind"] != "Secret"]
    changed = render(EVALUATION, OWN, {"secrets": {"translatorToken": f"{TOKEN}-new,{TOKEN}"}})
    other = render(EVALUATION, OWN, {"secrets": {"adminKey": "another_admin_key_of_this_test"}})

    def replaced(now: list[Document], name: str) -> bool:
        before, after = (
            find(made, "Deployment", name)["spec"]["template"]["metadata"]["annotations"] for made in (documents, now)
        )
        return bool(before != after)

    assert [replaced(changed, name) for name in ("-gateway", "-translator")] == [True, True]
    assert [replaced(other, name) for name in ("-gateway", "-translator")] == [True, False]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("needs secrets.translatorToken, of 32 characters or more", {"secrets": {"translatorToken": ""}}),
    ("needs secrets.translatorToken, of 32 characters or more", {"secrets": {"translatorToken": "hidden-and-short"}}),
    ("needs secrets.translatorToken, of 32 characters or more", {"secrets": {"translatorToken": "hidden " * 8}}),
    ("is from exactly one of translator.tls.existingSecret", {"translator": {"tls": {"existingSecret": ""}}}),
    ("is from exactly one of translator.tls.existingSecret", {"translator": {"tls": {"plaintext": True}}}),
    (
        "issuerRef needs a name",
        {"translator": {"tls": {"existingSecret": "", "certManager": {"enabled": True}}}},
    ),
    ("translator.image.digest", {"image": {"digest": f"sha256:{'a' * 64}"}}),
    (
        "translator.autoscaling.minReplicas is more",
        {"translator": {"autoscaling": {"enabled": True, "minReplicas": 11}}},
    ),
    (
        "a share of translator.resources.requests.cpu",
        {"translator": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
    ),
    (
        "extraEnv has HOUSESTYLE_TRANSLATOR_TOKEN",
        {"translator": {"extraEnv": [{"name": "HOUSESTYLE_TRANSLATOR_TOKEN", "value": "x"}]}},
    ),
    ("mode", {"translator": {"mode": "sidecar"}}),
    ("issuerRef", {"translator": {"tls": {"certManager": {"issuerRef": {"name": 1}}}}}),
    ("cpuUtilization", {"translator": {"autoscaling": {"cpuUtilization": 0}}}),
    ("minAvailable", {"translator": {"podDisruptionBudget": {"minAvailable": 1}}}),
]


@pytest.mark.parametrize(("words", "values"), REFUSED)
def test_values_that_do_not_fit_are_refused_in_words(words: str, values: dict[str, Any], version: str) -> None:
    with pytest.raises(Refused) as refused:
        render(EVALUATION, OWN, values, version=version)
    assert words in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_an_external_secret_must_have_the_token() -> None:
    with pytest.raises(Refused, match=r"needs secrets\.externalSecret\.translatorToken"):
        render(VALUES["production"], {"secrets": {"externalSecret": {"translatorToken": None}}})
