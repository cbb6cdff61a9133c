"""docs/operations.md says what is so: settings with their defaults, alarms, files, commands."""

import re
from pathlib import Path

import yaml
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from embedded.services import SERVICES
from glem.settings import Settings


def page(root: Path) -> str:
    return (root / "docs" / "operations.md").read_text()


def variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return next(str(choice) for choice in alias.choices if str(choice).startswith("GLEM_"))
    return f"GLEM_{name}".upper()


def default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return "none" if value in {None, ""} else f"`{value}`"


def documented(root: Path, heading: str) -> dict[str, str]:
    section = page(root).split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    return dict(re.findall(r"^\| `(GLEM_\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE))


def test_every_setting_is_there_with_its_default(root: Path):
    common = set(Settings.model_fields)
    sections = {"Every service": dict(Settings.model_fields)}
    for service in SERVICES:
        fields = service.settings.model_fields
        sections[service.name] = {name: field for name, field in fields.items() if name not in common}
    for heading, fields in sections.items():
        assert documented(root, heading) == {variable(name, field): default(field) for name, field in fields.items()}


def test_every_alarm_has_its_line(root: Path):
    alarms = yaml.safe_load((root / "deploy" / "prometheus" / "alarms.yml").read_text())
    names = {rule["alert"] for group in alarms["groups"] for rule in group["rules"]}
    assert set(re.findall(r"^\| `(Glem\w+)` \|", page(root), re.MULTILINE)) == names


def test_links_and_files_are_there(root: Path):
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", page(root)):
        assert (root / "docs" / link).exists(), link
    for file in re.findall(r"`((?:deploy|docker-compose)[\w./-]*)`", page(root)):
        if not file.startswith("deploy/secrets"):
            assert (root / file).exists(), file


def test_databases_in_the_commands_are_those_of_the_services(root: Path):
    for line in re.findall(r"^for database in (.+); do$", page(root), re.MULTILINE):
        assert line.split() == [service.database for service in SERVICES]
