"""What every action of patron-api works with: the runtime, the agencies' rules, the issuer of tokens, the hasher."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from glem.database import Database
from glem.problems import UNKNOWN_AGENCY, RefusedError
from glem_retention.runtime import Runtime
from patron_api.agency import PatronRules, read_rules
from patron_api.identity.hashing import Hasher
from patron_api.identity.issuer import Issuer
from patron_api.settings import PatronSettings


@dataclass(frozen=True)
class PatronApi:
    """One service instance's own things."""

    runtime: Runtime
    settings: PatronSettings
    rules: dict[str, PatronRules]
    issuer: Issuer
    hasher: Hasher

    @classmethod
    def of(cls, runtime: Runtime) -> "PatronApi":
        """Read the agencies' rules; raises PolicyFileError when one is wrong."""
        settings = runtime.settings
        if not isinstance(settings, PatronSettings):
            settings = PatronSettings.model_validate(settings.model_dump())
        return cls(
            runtime=runtime,
            settings=settings,
            rules=read_rules(runtime.agencies),
            issuer=Issuer(settings.issuer, settings.token_seconds),
            hasher=Hasher(settings.argon2_memory_kib, settings.argon2_passes, settings.hashing_threads),
        )

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.runtime.database

    def rules_of(self, agency: str) -> PatronRules:
        """Return the rules of `agency`; raises RefusedError (unknown-agency), for a token of an issuer that knows others."""
        if agency not in self.rules:
            raise RefusedError(UNKNOWN_AGENCY(agency=agency))
        return self.rules[agency]

    def cutoff(self, agency: str, record_class: str, now: datetime) -> datetime:
        """Return the anchor at and before which records of a class that must expire are due, and so invisible."""
        cutoff = self.runtime.agencies.cutoff(agency, record_class, now)
        if cutoff is None:
            raise KeyError(record_class)
        return cutoff

    def due_at(self, agency: str, record_class: str, anchor: datetime) -> datetime:
        """Return when a record of a class that must expire is due."""
        due = self.runtime.agencies.due_at(agency, record_class, anchor)
        if due is None:
            raise KeyError(record_class)
        return due


async def _api_of(request: Request) -> PatronApi:
    api: PatronApi = request.app.state.patron_api
    return api


Api = Annotated[PatronApi, Depends(_api_of)]
