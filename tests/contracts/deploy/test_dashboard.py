"""The Grafana dashboard against the service's metrics, and what Prometheus and Grafana are given in the composition."""

import json
import re
from typing import Any

import yaml
from prometheus_client import REGISTRY

from serving.metrics import metrics
from settings import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "reach.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

# BentoML's own; tests/serving/test_http.py sees them on a real service's /metrics.
BENTOML = {"bentoml_service_request_total", "bentoml_service_request_duration_seconds_bucket"}
ENDINGS = ("_bucket", "_sum", "_count")
# Words of PromQL and the labels that the expressions use.
LABELS = {"endpoint", "status", "stage", "outcome", "fallback", "version", "le", "experiment_id", "variant", "served"}


def own_metrics() -> dict[str, set[str]]:
    """Names of samples the service can show, and the labels of each."""
    metrics()
    found: dict[str, set[str]] = {}
    for family, collector in REGISTRY._names_to_collectors.items():
        labels = set(getattr(collector, "_labelnames", ()))
        found |= dict.fromkeys((family, *(family + ending for ending in ENDINGS)), labels)
    return found


def test_every_metric_of_the_dashboard_is_one_the_service_has() -> None:
    named = {name for expression in EXPRESSIONS for name in re.findall(r"\b(?:reach|bentoml)_\w+", expression)}
    assert len(named) > 10
    assert named - set(own_metrics()) - BENTOML == set()


def test_every_label_it_groups_by_is_one_of_the_metrics() -> None:
    known = own_metrics()
    for expression in EXPRESSIONS:
        labels = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
        assert labels <= LABELS
        for name in re.findall(r"\breach_\w+", expression):
            assert labels - {"le"} <= known[name], expression


def test_every_metric_of_the_service_is_on_the_dashboard() -> None:
    names = {name for name in own_metrics() if name.startswith("reach_")}
    shown = " ".join(EXPRESSIONS)
    families = {re.sub(r"(_total|_created|_bucket|_sum|_count)+$", "", name) for name in names}
    assert {family for family in families if not re.search(rf"\b{family}(_\w+)?\b", shown)} == set()


def test_panels_do_not_overlap_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["description"].endswith((".", "?"))
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_panel_asks_the_data_source_that_is_provisioned() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    assert source["url"].removeprefix("http://").split(":")[0] in SERVICES


def test_grafana_finds_the_dashboard_where_it_is_mounted() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "reach.yml").read_text())["providers"]
    mounts = {target: source for source, target, _ in (m.split(":") for m in SERVICES["grafana"]["volumes"][:2])}
    assert (ROOT / mounts[provider["options"]["path"]] / "reach.json").is_file()
    assert "/etc/grafana/provisioning" in mounts


def test_prometheus_asks_the_service_with_the_key_it_is_given() -> None:
    configuration = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    (job,) = configuration["scrape_configs"]
    host, port = job["static_configs"][0]["targets"][0].split(":")
    assert port == SERVICES[host]["environment"]["REACH_SERVICE_PORT"]
    secret = job["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert SERVICES["prometheus"]["secrets"] == [secret]
    secrets = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"]
    assert f"{secrets[secret]['environment']}=" in (ROOT / ".env.example").read_text().splitlines()
