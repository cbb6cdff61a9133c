"""Gathering what the public page says: from the policies that run, and from every service what its fields are for."""

import asyncio
from datetime import datetime, timedelta

import structlog

from glem.clients import PeerError
from glem.problems import UNKNOWN_AGENCY, Refusal
from glem_contracts.purposes import READ_PURPOSES, Purpose
from glem_retention.policies import PolicyTerms
from glem_retention.purposes import purposes_of
from glem_retention.runtime import Runtime
from retention_worker.base import metadata
from retention_worker.policies import page, store
from retention_worker.policies.schemas import PolicyInForce, PolicyPages, PolicyVersion

log = structlog.get_logger(__name__)

OTHERS = ("patron-api", "loan-api", "notifier")
DAY = timedelta(days=1)


class Publisher:
    """Keeps what the services say of their fields, and builds the page."""

    def __init__(self, runtime: Runtime) -> None:
        """Read every agency's section; raises PolicyFileError when one is wrong."""
        self._runtime = runtime
        self._sections = runtime.agencies.section("policy_page", page.PolicyPage)
        self._purposes: dict[str, list[Purpose]] = {runtime.service: purposes_of(metadata)}

    async def ask_services(self) -> int:
        """Ask every service what its fields are for; one that is away keeps what it said last. Return 0."""
        await asyncio.gather(*(self._ask(service) for service in OTHERS))
        return 0

    async def _ask(self, service: str) -> None:
        try:
            self._purposes[service] = await self._runtime.clients.call(service, READ_PURPOSES)
        except PeerError as error:
            log.warning("purposes_unknown", peer=service, kind=type(error).__name__)

    async def pages(self, agency: str | None) -> PolicyPages | Refusal:
        """Return the page of `agency`, or of all."""
        if agency is not None and agency not in self._runtime.agencies:
            return UNKNOWN_AGENCY(agency=agency)
        if len(self._purposes) <= len(OTHERS):
            await self.ask_services()
        now = await self._runtime.database.now()
        words = {
            (row["agency"], row["record_class"], row["version"]): row
            for row in await store.versions(self._runtime.database)
        }
        purposes = [each for found in self._purposes.values() for each in found]
        return PolicyPages(
            generated_at=now,
            complete=len(self._purposes) > len(OTHERS),
            agencies=[
                page.described(known, self._sections[isil], self._policies(isil, now, words), purposes)
                for isil, known in self._runtime.agencies.items()
                if agency in {None, isil}
            ],
        )

    def _policies(
        self, isil: str, now: datetime, words: dict[tuple[str, str, int], dict[str, object]]
    ) -> list[PolicyInForce]:
        agencies = self._runtime.agencies
        found = []
        for record_class, filed in agencies[isil].retention.items():
            terms = agencies.terms(isil, record_class)
            running = agencies.in_force(isil, record_class, now) or filed.terms

            def version(each: PolicyTerms, record_class: str = record_class) -> PolicyVersion:
                policy = agencies[isil].retention[record_class]
                row = words.get((isil, record_class, each.version), {})
                if each.version == policy.version:
                    row = {"wording_da": policy.wording, "wording_en": policy.wording_en, "stated": policy.stated}
                return PolicyVersion(
                    version=each.version,
                    period_days=each.period / DAY,
                    effective=each.effective,
                    wording=str(row.get("wording_da", "")),
                    wording_en=str(row.get("wording_en", "")),
                    stated=bool(row.get("stated", False)),
                )

            found.append(
                PolicyInForce(
                    **version(running).model_dump(),
                    agency=isil,
                    record_class=record_class,
                    action=filed.action,
                    rows=list(filed.rows),
                    coming=[version(each) for each in terms if each.version > running.version],
                )
            )
        return found
