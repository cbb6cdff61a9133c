"""docker-compose.yml against the schema of the Compose specification, and against what it starts.

There is no Docker engine in the tests; so what the file names is looked up where it really is: modules, settings, ports,
routes, files.
"""

import importlib.resources
import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from pydantic import AliasChoices

from embedded.services import SERVICES
from glem_local import sms_gateway
from tests.deploy.conftest import REQUIRED, Started

SCHEMA = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
NAMES = [service.name for service in SERVICES]
URL = re.compile(r"http://127\.0\.0\.1:(\d+)(/[\w/-]+)")


def variables(settings: type) -> set[str]:
    names: set[str] = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names |= {str(choice).upper() for choice in alias.choices}
        else:
            names.add(f"GLEM_{name}".upper())
    return names


def test_the_file_obeys_the_schema_of_the_compose_specification(compose):
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(compose)


def test_the_schema_would_notice_a_slip(compose):
    schema = json.loads(SCHEMA.read_text())
    broken = {**compose, "services": {"x": {"image": "x", "helthcheck": {}}}}
    assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(broken))


def test_no_secret_has_a_default(root: Path):
    text = (root / "docker-compose.yml").read_text()
    assert "${" in text
    assert not re.search(r"\$\{(?!\w+:\?)|\$[A-Za-z]", text)
    for line in text.splitlines():
        if re.match(r"\s+\w*(SECRET|PASSWORD|TOKEN)\w*: ", line):
            assert REQUIRED.search(line), line


def test_make_env_makes_what_is_required_and_nothing_twice(root: Path, made: Path):
    lines = (made / ".env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    required = set(REQUIRED.findall((root / "docker-compose.yml").read_text()))
    assert values.keys() == required
    assert len(set(values.values())) == len(values)
    assert all(len(value) >= 22 for value in values.values())
    assert (made / ".env").stat().st_mode & 0o077 == 0
    assert (made / "deploy" / "secrets").stat().st_mode & 0o077 == 0


def test_secrets_are_never_in_the_repository(root: Path):
    ignored = (root / ".gitignore").read_text().splitlines()
    assert {".env", "/deploy/secrets/"} <= set(ignored)


def test_files_that_are_mounted_exist(root: Path, compose: dict[str, Any], made: Path):
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (root / source).exists(), source
            else:
                assert source in compose["volumes"]
        for secret in service.get("secrets", []):
            assert secret in compose["secrets"]
        assert set(service["networks"]) <= set(compose["networks"])
    for secret in compose["secrets"].values():
        assert (made / secret["file"]).is_file()


def test_secrets_are_looked_for_where_they_are_mounted(compose: dict[str, Any], root: Path):
    gateway = (root / "deploy" / "gateway" / "Caddyfile").read_text()
    start = (root / "deploy" / "postgres" / "start.sh").read_text()
    texts = {"gateway": gateway, "postgres": start}
    for name, service in compose["services"].items():
        used = set(re.findall(r"/run/secrets/(\w+)", json.dumps(service) + texts.get(name, "")))
        assert used == set(service.get("secrets", [])), name


def test_commands_name_modules_that_can_be_run(compose: dict[str, Any]):
    commands = {name: service["command"] for name, service in compose["services"].items() if service["image"] == "glem"}
    assert commands.pop("sms-gateway") == ["python", "/etc/glem/sms_gateway.py"]
    assert commands.keys() == set(NAMES)
    for command in commands.values():
        assert command[:2] == ["python", "-m"]
        spec = importlib.util.find_spec(command[2])
        assert spec is not None, command
        if spec.submodule_search_locations is not None:
            assert importlib.util.find_spec(f"{command[2]}.__main__") is not None


def test_commands_are_those_of_the_services(compose: dict[str, Any]):
    for service in SERVICES:
        assert compose["services"][service.name]["command"] == ["python", "-m", service.module]


@pytest.mark.parametrize("service", SERVICES, ids=NAMES)
def test_variables_are_settings_of_the_service(service, compose: dict[str, Any]):
    environment = compose["services"][service.name]["environment"]
    given = {name for name in environment if name.startswith("GLEM_")}
    assert given <= variables(service.settings)
    assert set(environment) - given == {"PGSSLMODE", "PGSSLROOTCERT"}
    assert all(isinstance(value, str) for value in environment.values())


async def test_every_service_starts_on_its_variables(started: list[Started]):
    assert [one.service.name for one in started] == NAMES
    for one in started:
        settings = one.runtime.settings
        assert settings.host == "0.0.0.0"
        assert settings.root_path == f"/{one.service.name}"
        assert settings.clock_file is None


async def test_peers_are_called_where_they_listen(started: list[Started]):
    addresses = {one.service.name: f"http://{one.service.name}:{one.runtime.settings.port}" for one in started}
    assert len({one.runtime.settings.port for one in started}) == len(NAMES)
    for one in started:
        assert one.runtime.settings.peers() == addresses


async def test_health_is_asked_on_a_real_route_at_the_right_port(started: list[Started], compose: dict[str, Any]):
    for one in started:
        port, path = URL.search(" ".join(compose["services"][one.service.name]["healthcheck"]["test"])).groups()
        assert int(port) == one.runtime.settings.port
        assert path in {getattr(route, "path", None) for route in one.app.routes} | set(one.app.openapi()["paths"])


def test_the_sms_gateway_is_told_what_it_asks_for(compose: dict[str, Any]):
    service = compose["services"]["sms-gateway"]
    for name in service["environment"]:
        assert f'"{name}"' in Path(sms_gateway.__file__).read_text()
    port, path = URL.search(" ".join(service["healthcheck"]["test"])).groups()
    paths = set(sms_gateway.create_app().openapi()["paths"])
    assert port == service["environment"]["SMS_GATEWAY_PORT"]
    assert {path, urlsplit(compose["services"]["notifier"]["environment"]["GLEM_SMS_URL"]).path} <= paths


def test_everything_has_a_health_check_a_restart_policy_and_a_limit(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert "memory" in service["deploy"]["resources"]["limits"], name


def test_only_the_gateway_is_reached_from_outside(compose: dict[str, Any]):
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["gateway"]
    assert [name for name, service in compose["services"].items() if "outside" in service["networks"]] == ["gateway"]
    assert compose["networks"]["inside"] == {"internal": True}


def test_each_database_belongs_to_one_service(interpolated: dict[str, Any], root: Path):
    script = (root / "deploy" / "postgres" / "10-databases.sh").read_text()
    made = dict(re.findall(r"(\w+):(glem_\w+)", script))
    for service in SERVICES:
        url = interpolated["services"][service.name]["environment"]["GLEM_DATABASE_URL"]
        assert url == f"postgresql://{service.module}:sample@postgres:5432/{service.database}"
        assert made.pop(service.module) == service.database
        assert f"{service.module.upper()}_DB_PASSWORD" in interpolated["services"]["postgres"]["environment"]
    assert made == {}


def test_kafka_keeps_nothing_longer_than_the_suite_allows(compose: dict[str, Any]):
    from glem.transport.kafka import RETENTION_MS

    kafka = compose["services"]["kafka"]["environment"]
    assert int(kafka["KAFKA_LOG_RETENTION_MS"]) <= RETENTION_MS
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_every_line_between_containers_that_carries_a_copy_is_encrypted(started_environments):
    for environment in started_environments.values():
        assert environment["PGSSLMODE"] == "verify-full"
        assert environment["GLEM_KAFKA_CA"]
    notifier = started_environments["notifier"]
    assert notifier["GLEM_SMTP_TLS"] == "starttls"
    assert notifier["GLEM_SMS_URL"].startswith("https://")


@pytest.fixture
def started_environments(compose) -> dict[str, dict[str, str]]:
    return {name: compose["services"][name]["environment"] for name in NAMES}


def test_the_gateway_leads_to_the_services_and_keeps_what_is_inward_inside(root: Path, compose: dict[str, Any]):
    text = (root / "deploy" / "gateway" / "Caddyfile").read_text()
    services = compose["services"]
    for service in SERVICES:
        port = services[service.name]["environment"]["GLEM_PORT"]
        assert re.search(rf"handle_path /{service.name}/\* {{\s+reverse_proxy {service.name}:{port}\s+}}", text), (
            service.name
        )
        assert services[service.name]["environment"]["GLEM_ROOT_PATH"] == f"/{service.name}"
    targets = {"sms-gateway": services["sms-gateway"]["environment"]["SMS_GATEWAY_PORT"], "mail": "8025"}
    for name, port in targets.items():
        assert f"reverse_proxy {name}:{port}" in text
    for host in re.findall(r"reverse_proxy ([\w-]+):", text):
        assert host in services
    sites = set(re.findall(r"^https://:(\d+)", text, re.MULTILINE))
    assert {port.rsplit(":", 1)[-1] for port in services["gateway"]["ports"]} <= sites
    assert "8446" in sites
    assert "8446" in services["notifier"]["environment"]["GLEM_SMS_URL"]
    assert "metrics|disposals" in text
    assert "log" not in re.sub(r"#.*", "", text)


def test_yaml_files_of_the_deployment_parse(root: Path):
    for file in (root / "deploy").rglob("*.yml"):
        assert yaml.safe_load(file.read_text()), file
