"""Prometheus and Grafana: what they ask for is what the services export."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from tests.deploy.conftest import Started

METRIC = re.compile(r"\b(glem_\w+)\b")
LABELS = re.compile(r"\bby \(([^)]*)\)|\{(?!\{)([^}]*)\}")
FROM_PROMETHEUS = {"job", "instance", "le"}


def dashboards(root: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in (root / "deploy" / "grafana" / "dashboards").glob("*.json")]


def questions(root: Path) -> list[str]:
    asked = [target["expr"] for board in dashboards(root) for panel in board["panels"] for target in panel["targets"]]
    alarms = yaml.safe_load((root / "deploy" / "prometheus" / "alarms.yml").read_text())
    return asked + [rule["expr"] for group in alarms["groups"] for rule in group["rules"]]


def exported(registry: CollectorRegistry) -> dict[str, set[str]]:
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for metric in collector.collect():
            for suffix in suffixes[metric.type]:
                found[metric.name + suffix] = set(collector._labelnames)
    return found


@pytest.fixture
def metrics(started: list[Started]) -> dict[str, set[str]]:
    return {name: labels for one in started for name, labels in exported(one.runtime.metrics.registry).items()}


def test_every_figure_that_is_asked_for_is_exported(root: Path, metrics: dict[str, set[str]]):
    for question in questions(root):
        for name in METRIC.findall(question):
            assert name in metrics, question


def test_every_label_that_is_asked_for_is_there(root: Path, metrics: dict[str, set[str]]):
    for question in questions(root):
        known = FROM_PROMETHEUS.union(*(metrics[name] for name in METRIC.findall(question)))
        for grouped, matched in LABELS.findall(question):
            labels = grouped.split(",") if grouped else re.findall(r"(\w+)\s*[=!]", matched)
            assert {label.strip() for label in labels} <= known, question


def test_the_one_dashboard_shows_what_an_operator_must_see(root: Path):
    (board,) = dashboards(root)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    text = json.dumps(board)
    for name in (
        "glem_overdue_erasures",
        "glem_oldest_overdue_seconds",
        "glem_sweep_heartbeat_seconds",
        "glem_outbox_unsent",
        "glem_consumer_lag",
        "glem_dead_letters_total",
        "glem_records_disposed_total",
        "glem_messages_total",
    ):
        assert name in text


def test_the_dashboard_is_provisioned_with_its_source(root: Path, compose: dict[str, Any]):
    provisioning = root / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "glem.yml").read_text())["providers"]
    (board,) = dashboards(root)
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"


async def test_prometheus_asks_every_service_where_it_listens(root: Path, started: list[Started]):
    config = yaml.safe_load((root / "deploy" / "prometheus" / "prometheus.yml").read_text())
    asked = {
        job["job_name"]: (tuple(found["names"]), found["port"], job.get("metrics_path", "/metrics"))
        for job in config["scrape_configs"]
        for found in job["dns_sd_configs"]
    }
    assert asked == {one.service.name: ((one.service.name,), one.runtime.settings.port, "/metrics") for one in started}


def test_prometheus_finds_its_files(root: Path, compose: dict[str, Any]):
    service = compose["services"]["prometheus"]
    mounts = dict(volume.split(":")[:2][::-1] for volume in service["volumes"])
    config = yaml.safe_load((root / mounts["/etc/prometheus/prometheus.yml"]).read_text())
    assert "--config.file=/etc/prometheus/prometheus.yml" in service["command"]
    for file in config["rule_files"]:
        assert (root / mounts[file]).is_file()
