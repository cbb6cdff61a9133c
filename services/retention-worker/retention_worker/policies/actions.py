"""Changing a policy: proposed by one, previewed, approved by another; and adopting what the agencies' files say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import PolicyAdopted, RetentionDataKept
from glem_retention.agencies import PolicyFileError
from glem_retention.policy_book import read_versions
from glem_retention.runtime import Runtime
from retention_worker.breakers import rules as breaker_rules
from retention_worker.breakers import store as breakers
from retention_worker.policies import rules, store
from retention_worker.policies.rules import Change
from retention_worker.policies.schemas import Preview, Proposal, ProposalWanted, Step
from retention_worker.policies.tables import POLICY_STEPS
from retention_worker.settings import WorkerSettings

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)


async def propose(runtime: Runtime, principal: Principal, wanted: ProposalWanted) -> Proposal | Refusal:
    """Enter a change of a policy of the bearer's agency; it changes nothing yet."""
    agency, now = principal.agency, await runtime.database.now()
    if agency not in runtime.agencies:
        return rules.NO_AGENCY()
    proposal = {**wanted.model_dump(), "proposal_id": new_id(), "agency": agency, "proposed_at": now}
    if no := rules.check(_change(runtime, proposal), now):
        return no
    async with runtime.database.transaction() as tx:
        await store.insert_proposal(tx, proposal)
        await _step(tx, proposal, "proposed", principal.subject, now)
        return _shown(runtime, await store.proposal(tx, proposal["proposal_id"]) or {}, principal, now)


async def preview(runtime: Runtime, principal: Principal, proposal_id: int) -> Preview | Refusal:
    """Say what a proposal that is still open would do at its effective time."""
    proposal = await store.proposal(runtime.database, proposal_id)
    if no := _open_to(principal, proposal):
        return no
    return await _preview(runtime, proposal or {})


async def approve(runtime: Runtime, principal: Principal, proposal_id: int, acknowledged: int) -> Proposal | Refusal:
    """Adopt a proposal that somebody else made, once the number that it hits was seen."""
    now = await runtime.database.now()
    async with runtime.database.transaction() as tx:
        await store.lock_proposal(tx, proposal_id)
        proposal = await store.proposal(tx, proposal_id)
        if no := _open_to(principal, proposal):
            return no
        proposal = proposal or {}
        agency, record_class = proposal["agency"], proposal["record_class"]
        await store.lock(tx, agency, record_class)
        await read_versions(tx, runtime.agencies)
        change = _change(runtime, proposal)
        hit = await _preview(runtime, proposal)
        if no := rules.check(change, now) or rules.check_approval(
            proposal["accounts"][0], principal.subject, hit.records, acknowledged
        ):
            return no
        newest = await _newest_words(runtime, tx, agency, record_class)
        await _step(tx, proposal, "approved", principal.subject, now, hit.records)
        terms = change.terms
        version = {
            **proposal,
            "version": terms.version,
            "action": terms.action,
            "rows": newest["rows"],
            "stated": True,
            "adopted_at": now,
        }
        await store.insert_version(tx, version)
        tx.record(agency, f"{agency}/{record_class}", _told(version))
        day = terms.effective.astimezone(UTC).date()
        seen = await breakers.allow(tx, agency, record_class, day, hit.records, principal.subject, now)
        tx.record(agency, seen.acknowledgement_id, RetentionDataKept(**seen.told(now)))
        shown = _shown(runtime, await store.proposal(tx, proposal_id) or {}, principal, now)
    await read_versions(runtime.database, runtime.agencies)
    log.info("policy_adopted", agency=agency, record_class=record_class, version=terms.version, records=hit.records)
    return shown


async def withdraw(runtime: Runtime, principal: Principal, proposal_id: int) -> Proposal | Refusal:
    """Take back a proposal that is not adopted yet."""
    now = await runtime.database.now()
    async with runtime.database.transaction() as tx:
        await store.lock_proposal(tx, proposal_id)
        proposal = await store.proposal(tx, proposal_id)
        if no := _open_to(principal, proposal):
            return no
        await _step(tx, proposal or {}, "withdrawn", principal.subject, now)
        return _shown(runtime, await store.proposal(tx, proposal_id) or {}, principal, now)


async def page(runtime: Runtime, principal: Principal, limit: int) -> list[Proposal]:
    """Return the newest proposals of the bearer's agency, or of all."""
    agency = None if principal.agency == "*" else principal.agency
    now = await runtime.database.now()
    return [_shown(runtime, row, principal, now) for row in await store.proposals(runtime.database, agency, limit)]


async def adopt_files(runtime: Runtime) -> int:
    """Adopt the versions that are new in the agencies' files; return how many.

    Raises PolicyFileError for one that follows an older version and does not take effect ahead: a longer period would lengthen
    what was promised, a shorter one come unannounced.
    """
    now = await runtime.database.now()
    adopted = 0
    async with runtime.database.transaction() as tx:
        await store.lock(tx, "*", "*")
        await read_versions(tx, runtime.agencies)
        known = {(row["agency"], row["record_class"], row["version"]) for row in await store.versions(tx)}
        classes = {(agency, record_class) for agency, record_class, _ in known}
        for version in rules.new_in_files(runtime.agencies, known, now):
            agency, record_class = version["agency"], version["record_class"]
            if (agency, record_class) in classes and version["effective"] < now + rules.NOTICE:
                message = f"{runtime.agencies[agency].file}: [retention.{record_class}] effective: version {version['version']} must take effect at least 24 hours ahead"
                raise PolicyFileError(message)
            if await store.insert_version(tx, version):
                adopted += 1
                tx.record(agency, f"{agency}/{record_class}", _told(version))
        await read_versions(tx, runtime.agencies)
    return adopted


async def tell_again(runtime: Runtime) -> int:
    """Tell of every version once more, for services that were away for longer than events are kept; return 0."""
    async with runtime.database.transaction() as tx:
        for version in await store.versions(tx):
            tx.record(version["agency"], f"{version['agency']}/{version['record_class']}", _told(version))
    return 0


async def _step(
    tx: Transaction, proposal: Mapping[str, Any], kind: str, account: str, at: datetime, records: int | None = None
) -> None:
    """Enter a step of a proposal and tell the clock of the name in it."""
    step = await store.insert_step(tx, proposal, kind, account, at, records)
    tx.record(proposal["agency"], step, RetentionDataKept(clocks=[POLICY_STEPS.clock(step, at)]))


async def _preview(runtime: Runtime, proposal: Mapping[str, Any]) -> Preview:
    change = _change(runtime, proposal)
    agency, record_class = proposal["agency"], proposal["record_class"]
    after, until = rules.hit(change)
    hit = store.Hit(0, 0, None)
    if after < until:
        hit = await store.anchored(runtime.database, agency, record_class, after, until, change.effective)
    return Preview(
        proposal_id=proposal["proposal_id"],
        agency=agency,
        record_class=record_class,
        records=hit.records,
        held=hit.held,
        oldest_anchor=hit.oldest,
        usual_days=round(hit.records / await _usual(runtime, agency, record_class, change.effective), 1),
    )


async def _usual(runtime: Runtime, agency: str, record_class: str, at: datetime) -> float:
    """Return how many records fall due on a usual day, by the breaker's measure."""
    window = breaker_rules.day_window(runtime.agencies, agency, record_class, at.astimezone(UTC).date())
    settings = runtime.settings
    floor = settings.breaker_floor if isinstance(settings, WorkerSettings) else 1
    if window is None:
        return floor
    [found] = await breakers.counts(runtime.database, [window], 0)
    return max(float(floor), float(found["usual"]))


async def _newest_words(runtime: Runtime, tx: Transaction, agency: str, record_class: str) -> Mapping[str, Any]:
    rows = [row for row in await store.versions(tx) if (row["agency"], row["record_class"]) == (agency, record_class)]
    return rows[-1] if rows else {"rows": runtime.agencies[agency].retention[record_class].rows}


def _change(runtime: Runtime, proposal: Mapping[str, Any]) -> Change:
    known = runtime.agencies.terms(proposal["agency"], proposal["record_class"])
    return Change(proposal["record_class"], proposal["period"], proposal.get("action"), proposal["effective"], known)


def _open_to(principal: Principal, proposal: Mapping[str, Any] | None) -> Refusal | None:
    if proposal is None:
        return rules.NO_SUCH_PROPOSAL()
    principal.at(proposal["agency"])
    return None if rules.state_of(proposal["kinds"]) == "proposed" else rules.ENDED()


def _told(version: Mapping[str, Any]) -> PolicyAdopted:
    return PolicyAdopted(
        record_class=version["record_class"],
        version=version["version"],
        period_seconds=int(version["period"].total_seconds()),
        action=version["action"],
        effective=version["effective"],
    )


def _shown(runtime: Runtime, row: Mapping[str, Any], principal: Principal, now: datetime) -> Proposal:
    may_see = principal.may("retention:write")
    cutoff = runtime.agencies.cutoff(row["agency"], POLICY_STEPS.record_class, now)
    steps = zip(row["kinds"], row["accounts"], row["times"], row["numbers"], strict=True)
    return Proposal(
        proposal_id=row["proposal_id"],
        agency=row["agency"],
        record_class=row["record_class"],
        version=row["version"] or _change(runtime, row).version,
        period_days=row["period"] / DAY,
        wording_da=row["wording_da"],
        wording_en=row["wording_en"],
        effective=row["effective"],
        state=rules.state_of(row["kinds"]),  # type: ignore[arg-type]
        steps=[
            Step(
                kind=kind,
                account=account if may_see and (cutoff is None or at > cutoff) else None,
                at=at,
                records=records,
            )
            for kind, account, at, records in steps
        ],
    )
