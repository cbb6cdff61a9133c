"""The agencies: one TOML file each, with a section for every service that needs one.

This module reads the identity of an agency and its retention policies. Every other section is read by its service, with a
model of its own.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from glem_contracts.record_classes import RECORD_CLASSES, complaint
from glem_retention import policies
from glem_retention.policies import PolicyTerms

Isil = Annotated[str, StringConstraints(pattern=r"^DK-\d{6}$")]
Model = TypeVar("Model", bound=BaseModel)


SECTIONS = frozenset({"patrons", "lending", "messages", "policy_page"})


class PolicyFileError(ValueError):
    """An agency's file is wrong; the text names the file, the field and what it should be."""


class Section(BaseModel):
    """A section of an agency's file: an unknown key is an error, because it would be a promise that nobody keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AgencyIdentity(Section):
    """The identity of an agency. `contact` is where patrons can ask about their data (R111)."""

    isil: Isil
    name: str
    municipality: str = Field(pattern=r"^\d{4}$", description="Municipality code, four digits.")
    branches: dict[str, str] = Field(description="ISIL-like branch id to name.", min_length=1)
    contact: str


class RetentionPolicy(Section):
    """How long records of one class are kept after their anchor, and what happens then.

    `period` is ISO 8601 with days of 24 hours, hours, minutes (P30D, PT24H). `wording` is the library's own promise, `rows` the
    rows of the checklist; `stated` is false where the library leaves it open and this is a default. A change in a file must have
    a higher `version` than any adopted one.
    """

    period: timedelta
    action: Literal["erase", "redact"] = "erase"
    version: int = Field(default=1, ge=1)
    effective: AwareDatetime
    wording: str
    wording_en: str = ""
    rows: list[Annotated[str, StringConstraints(pattern=r"^R\d{1,3}$")]] = Field(min_length=1)
    stated: bool = True

    @property
    def terms(self) -> PolicyTerms:
        """The terms, which decide when a record is due."""
        return PolicyTerms(self.version, self.period, self.action, self.effective)


@dataclass(frozen=True)
class Agency:
    """One agency as in its file, without the policy versions adopted since.

    `sections` are raw; their services read them.
    """

    identity: AgencyIdentity
    retention: Mapping[str, RetentionPolicy]
    sections: Mapping[str, Mapping[str, object]]
    file: Path

    @property
    def isil(self) -> str:
        """The agency's id."""
        return self.identity.isil


class Agencies(Mapping[str, Agency]):
    """All agencies of the suite, by ISIL, and every version of their policies that this service knows."""

    def __init__(self, agencies: Mapping[str, Agency]) -> None:
        """Hold `agencies` with the policies of their files."""
        self._agencies = dict(agencies)
        self._terms = self._of_files()

    def __getitem__(self, isil: str) -> Agency:
        return self._agencies[isil]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agencies)

    def __len__(self) -> int:
        return len(self._agencies)

    def require(self, owner: str) -> None:
        """Raise PolicyFileError when an agency has no policy for a class of `owner`: its records would be kept for ever."""
        wanted = {
            item.name for item in RECORD_CLASSES.values() if item.owner == owner and item.actions and not item.optional
        }
        for agency in self._agencies.values():
            if missing := sorted(wanted - set(agency.retention)):
                message = f"{agency.file}: no policy for {', '.join(f'[retention.{name}]' for name in missing)}"
                raise PolicyFileError(message)

    def section(self, name: str, model: type[Model]) -> dict[str, Model]:
        """Read section `name` of every agency; raises PolicyFileError naming file and field."""
        return {
            isil: _validate(agency.file, name, model, agency.sections.get(name, {}))
            for isil, agency in self._agencies.items()
        }

    def adopt(self, adopted: Mapping[tuple[str, str], Sequence[PolicyTerms]]) -> None:
        """Store the versions adopted so far, by agency and record class; ignore agencies without a file.

        Raises PolicyFileError, and changes nothing, where a file contradicts them: it changes a policy without a higher version,
        or has left it out.
        """
        terms = self._of_files()
        for key, versions in adopted.items():
            if key[0] in self._agencies:
                terms[key] = _merged(self._agencies[key[0]], key[1], versions)
        self._terms = terms

    def _of_files(self) -> dict[tuple[str, str], tuple[PolicyTerms, ...]]:
        return {
            (isil, record_class): (policy.terms,)
            for isil, agency in self._agencies.items()
            for record_class, policy in agency.retention.items()
        }

    def terms(self, isil: str, record_class: str) -> tuple[PolicyTerms, ...]:
        """Return all versions of a policy, oldest first, with those that take effect later; none when the agency has no such policy."""
        return self._terms.get((isil, record_class), ())

    def in_force(self, isil: str, record_class: str, now: datetime) -> PolicyTerms | None:
        """Return the version in force at `now`, or None when the agency has no policy for the class."""
        terms = self.terms(isil, record_class)
        return policies.in_force(terms, now) if terms else None

    def due_at(self, isil: str, record_class: str, anchor: datetime) -> datetime | None:
        """Return when a record with this anchor is due, or None when the agency has no policy for the class."""
        terms = self.terms(isil, record_class)
        return policies.due_at(terms, anchor) if terms else None

    def cutoff(self, isil: str, record_class: str, now: datetime) -> datetime | None:
        """Return the latest anchor that is due at `now`, or None when the agency has no policy for the class."""
        terms = self.terms(isil, record_class)
        return policies.cutoff(terms, now) if terms else None

    def cutoffs(self, record_class: str, now: datetime) -> dict[str, datetime]:
        """Return every agency's cutoff for `record_class`; agencies without a policy for it are left out."""
        found = {isil: self.cutoff(isil, record_class, now) for isil in self._agencies}
        return {isil: moment for isil, moment in found.items() if moment is not None}


def load_agencies(folder: Path) -> Agencies:
    """Read every `*.toml` in `folder`; raises PolicyFileError for a wrong file, for two of one agency, or when there is none."""
    agencies: dict[str, Agency] = {}
    for file in sorted(folder.glob("*.toml")):
        agency = _load(file)
        if agency.isil in agencies:
            message = f"{file}: agency {agency.isil} is already in {agencies[agency.isil].file}"
            raise PolicyFileError(message)
        agencies[agency.isil] = agency
    if not agencies:
        message = f"{folder}: no agency file (*.toml) in this folder"
        raise PolicyFileError(message)
    return Agencies(agencies)


def _load(file: Path) -> Agency:
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}: not valid TOML: {error}"
        raise PolicyFileError(message) from error
    identity = _validate(file, "agency", AgencyIdentity, content.pop("agency", {}))
    policies = content.pop("retention", {})
    if not isinstance(policies, dict):
        raise PolicyFileError(f"{file}: [retention] must hold a table for each record class")
    # A misspelt section would be a promise that nobody keeps.
    if unknown := sorted(content.keys() - SECTIONS):
        known = ", ".join(sorted(SECTIONS | {"agency", "retention"}))
        raise PolicyFileError(f"{file}: [{unknown[0]}] unknown section; known: {known}")
    retention = {
        name: _validate(file, f"retention.{name}", RetentionPolicy, policy) for name, policy in policies.items()
    }
    for name, policy in retention.items():
        if wrong := complaint(name, policy.action, policy.period):
            message = f"{file}: [retention.{name}] {wrong}"
            raise PolicyFileError(message)
    return Agency(identity, retention, content, file)


def _merged(agency: Agency, record_class: str, versions: Sequence[PolicyTerms]) -> tuple[PolicyTerms, ...]:
    """Return the versions of a policy, including the file's."""
    place, newest = f"{agency.file}: [retention.{record_class}]", max(terms.version for terms in versions)
    if record_class not in agency.retention:
        raise PolicyFileError(
            f"{place} is missing, though version {newest} of it was adopted; records would stay for ever"
        )
    own = agency.retention[record_class].terms
    known = {terms.version: terms for terms in versions}
    if known.get(own.version, own) != own:
        raise PolicyFileError(
            f"{place} differs from version {own.version} as adopted; give a change version {newest + 1}"
        )
    merged = tuple(sorted((known | {own.version: own}).values(), key=lambda terms: terms.version))
    if any(later.effective <= earlier.effective for earlier, later in pairwise(merged)):
        raise PolicyFileError(
            f"{place} effective: each version must take effect after the one before; {newest} was adopted"
        )
    return merged


def _validate(file: Path, section: str, model: type[Model], content: Mapping[str, object]) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{file}: [{section}] {'.'.join(str(part) for part in problem['loc']) or '(section)'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise PolicyFileError("\n".join(lines)) from error
