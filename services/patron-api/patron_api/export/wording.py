"""Writes an export in the patron's language: labels, purposes and the page."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from glem.clock import COPENHAGEN
from glem_contracts.holdings import DataSection
from glem_contracts.record_classes import RECORD_CLASSES, Words
from glem_retention.agencies import AgencyIdentity
from glem_retention.purposes import in_danish
from patron_api.export.schemas import ExportView, FieldView, SectionView

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
YES_NO = {"da": ("ja", "nej"), "en": ("yes", "no")}


@dataclass(frozen=True)
class Labels:
    """What the export calls sections and fields: Danish and English, in this order."""

    sections: Mapping[str, tuple[str, str]]
    fields: Mapping[str, tuple[str, str]]


def _read(file: Path) -> Labels:
    content = tomllib.loads(file.read_text("utf-8"))
    return Labels(
        {name: (danish, english) for name, (danish, english) in content["sections"].items()},
        {name: (danish, english) for name, (danish, english) in content["fields"].items()},
    )


LABELS = _read(Path(__file__).parent / "labels.toml")


def view(
    identity: AgencyIdentity, language: str, built_at: datetime, sections: Mapping[str, list[DataSection]]
) -> ExportView:
    """Put an export into words; parts of one name (of debts, whose material may be due) become one."""
    return ExportView(
        agency=identity.isil,
        library=identity.name,
        contact=identity.contact,
        language=language,
        built_at=built_at,
        sections=[
            _section(service, merged, language)
            for service, parts in sections.items()
            for merged in _merged(parts)
            if merged.rows
        ],
    )


def section_title(name: str) -> tuple[str, str]:
    """Return a section's Danish and English title: its own, or that of the record class of its name."""
    if name in LABELS.sections:
        return LABELS.sections[name]
    words = RECORD_CLASSES[name].title if name in RECORD_CLASSES else Words(name, name)
    return words.da, words.en


def page(export: ExportView) -> str:
    """Write the export as an HTML page without scripts."""
    return _environment.get_template("export.html.j2").render(export=export, danish=export.language == "da")


def _merged(parts: list[DataSection]) -> list[DataSection]:
    found: dict[str, DataSection] = {}
    for part in parts:
        known = found.get(part.name)
        found[part.name] = (
            part
            if known is None
            else DataSection(name=part.name, fields=known.fields | part.fields, rows=known.rows + part.rows)
        )
    return list(found.values())


def _section(service: str, section: DataSection, language: str) -> SectionView:
    fields = [
        FieldView(name=name, label=_label(name, language), purpose=purpose if language == "en" else in_danish(purpose))
        for name, purpose in section.fields.items()
    ]
    extra = dict.fromkeys(name for row in section.rows for name in row if name not in section.fields)
    fields += [FieldView(name=name, label=_label(name, language), purpose="") for name in extra]
    title = section_title(section.name)[language == "en"]
    return SectionView(service=service, name=section.name, title=title, fields=fields, rows=section.rows)


def _label(name: str, language: str) -> str:
    return LABELS.fields.get(name, (name, name))[language == "en"]


def _shown(value: object, language: str) -> str:
    """Write a value for people: times in Danish local time, lists with commas, nothing as a dash."""
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, bool):
        return YES_NO[language][not value]
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, str) and INSTANT.fullmatch(value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(COPENHAGEN).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


_environment = Environment(
    loader=PackageLoader("patron_api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters["shown"] = _shown
