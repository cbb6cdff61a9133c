"""From the wish to be erased to the proof that nothing is left.

loan-api decides under the borrower's lock whether anything is open, and lets go of the patron in that very transaction (H39).
From then on there is no way back: the patron goes here, the others follow the event, and each is asked until nothing remains.
Whatever dies on the way, the request is taken up again where it stood.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus

import structlog

from glem.clients import PeerError
from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import WRONG_AGENCY, Refusal
from glem_contracts.closing import CLOSE, READ_CLOSING, UNKNOWN_TO_LENDING, Closing
from glem_contracts.events import PatronDataErased, PatronDataKept, PatronErased
from glem_contracts.events.envelope import Erasure
from glem_contracts.remains import READ_REMAINS
from glem_retention.records import of_patron
from patron_api.access import UNKNOWN_PATRON, is_own
from patron_api.context import PatronApi
from patron_api.erasure import rules, store
from patron_api.erasure.rules import Request
from patron_api.erasure.schemas import ErasureView, RequestView, ShownDebt, ShownLoan
from patron_api.erasure.tables import ERASURE_REQUESTS
from patron_api.patrons import store as patrons_store
from patron_api.patrons.changes import lock_patron
from patron_api.records import DECLARED

log = structlog.get_logger(__name__)


async def ask(api: PatronApi, patron_id: int, caller: Principal, *, when_clear: bool) -> ErasureView | Refusal:
    """Take a wish to be erased, and carry it out at once where nothing is open. Refuses unknown-patron, patron-erased."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return await _gone(api, patron_id, caller) or row
        due = await store.drop_due(tx, patron_id, _cutoff(api, row.agency, tx.now))
        request, fresh = await store.ask(tx, new_id(), row.agency, patron_id, rules.LEASE, when_clear=when_clear)
        if fresh:
            _keep(tx, request, None, request.clock_version, gone=due)
    if fresh:
        await go_on(api, request)
    now = await store.find(api.database, request.request_id, await _cutoffs(api))
    return await _shown(api, now or request, patron_id, caller)


async def show(api: PatronApi, patron_id: int, caller: Principal) -> ErasureView | Refusal:
    """Say how far a patron's request has come; refuses no-erasure-request, and patron-erased when all is done."""
    request = await store.of_patron(api.database, patron_id, await _cutoffs(api))
    if request is None:
        known = await patrons_store.agency_of(api.database, patron_id)
        if known is None:
            return await _gone(api, patron_id, caller) or UNKNOWN_PATRON()
        return rules.NO_REQUEST() if caller.agency in {known, "*"} else WRONG_AGENCY()
    if caller.agency not in {request.agency, "*"}:
        return WRONG_AGENCY()
    return await _shown(api, request, patron_id, caller)


async def show_request(api: PatronApi, request_id: int) -> RequestView | Refusal:
    """Say how far a request has come, to whoever holds its random id; nothing tells whose it is."""
    request = await store.find(api.database, request_id, await _cutoffs(api))
    return rules.NO_REQUEST() if request is None else RequestView.model_validate(asdict(request))


async def withdraw(api: PatronApi, patron_id: int, caller: Principal) -> Refusal | None:
    """Take back a wish that waits. Refuses no-erasure-request, erasure-under-way."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return await _gone(api, patron_id, caller) or row
        cutoff = _cutoff(api, row.agency, tx.now)
        gone = await store.withdraw(tx, patron_id, cutoff)
        if gone is not None:
            tx.record(row.agency, gone, PatronDataErased(erased=[ERASURE_REQUESTS.erasure([gone])]))
            return None
        known = await store.of_patron(tx, patron_id, {row.agency: cutoff})
        return rules.UNDER_WAY() if known is not None else rules.NO_REQUEST()


async def follow_clearing(tx: Transaction, patron_ids: Collection[int]) -> None:
    """Try waiting requests of these patrons again: a loan came back, or a debt was settled."""
    await store.nudge(tx, patron_ids)


async def pass_once(api: PatronApi) -> int:
    """Go on with one request whose time has come; return 1 when there was one. A pass of the background work."""
    request = await store.take(api.database, rules.LEASE)
    if request is None:
        return 0
    await go_on(api, request)
    return 1


async def go_on(api: PatronApi, request: Request) -> None:
    """Bring a request that is in hand as far as it goes now."""
    if request.patron_id is None:
        return
    try:
        if request.state == "asked" and not await _let_go(api, request, request.patron_id):
            return
        await _watch(api, request, request.patron_id)
    except PeerError as error:
        log.warning("erasure_waits_for_peer", kind=type(error).__name__)
        await store.postpone(api.database, request.request_id, rules.AGAIN)


async def is_erased(api: PatronApi, patron_id: int) -> bool:
    """Say whether a patron of this service was erased."""
    return await store.erased_at_agency(api.database, patron_id) is not None


async def _let_go(api: PatronApi, request: Request, patron_id: int) -> bool:
    """Have lending let go of the patron, then erase here; False where something stands against it."""
    try:
        found = await api.runtime.clients.call("loan-api", CLOSE, patron_id=patron_id)
    except PeerError as error:
        # Lending itself must say that it knows nobody of that number, and not a gateway on the way to it.
        if (error.status, error.problem) != (HTTPStatus.NOT_FOUND, UNKNOWN_TO_LENDING):
            raise
        found = Closing(closed=True)
    if not found.closed:
        await _stand_back(api, request)
        return False
    async with api.database.transaction() as tx:
        await _erase(tx, request.request_id, patron_id)
    return True


async def _erase(tx: Transaction, request_id: int, patron_id: int) -> None:
    row = await patrons_store.lock(tx, patron_id)
    await store.mark_erased(tx, request_id)
    if row is None:
        return
    records = await of_patron(DECLARED, tx, patron_id)
    await store.delete_patron(tx, patron_id, row.agency)
    erased = [Erasure(record_class=record_class, record_ids=ids) for record_class, ids in records.items()]
    tx.record(row.agency, patron_id, PatronErased(patron_id=patron_id, erased=erased))


async def _stand_back(api: PatronApi, request: Request) -> None:
    """Refuse a request that something open stands against, or let it wait until nothing does."""
    if request.when_clear:
        await store.wait(api.database, request.request_id, rules.SAFETY_NET)
        return
    async with api.database.transaction() as tx:
        version = await store.refuse(tx, request.request_id)
        if version is not None:
            _keep(tx, request, tx.now, version)


async def _watch(api: PatronApi, request: Request, patron_id: int) -> None:
    lending = await _nothing_left(api, "loan-api", patron_id)
    messages = await _nothing_left(api, "notifier", patron_id)
    async with api.database.transaction() as tx:
        await store.note_progress(tx, request.request_id, lending=lending, messages=messages)
        version = await store.finish(tx, request.request_id)
        if version is not None:
            _keep(tx, request, tx.now, version)
    await store.postpone(api.database, request.request_id, rules.WATCH)


async def _nothing_left(api: PatronApi, service: str, patron_id: int) -> bool:
    return (await api.runtime.clients.call(service, READ_REMAINS, patron_id=patron_id)).nothing


def _keep(
    tx: Transaction, request: Request, anchor: datetime | None, version: int, *, gone: Sequence[int] = ()
) -> None:
    """Tell the clock of a request, and which one it took the place of."""
    erased = [ERASURE_REQUESTS.erasure(gone)] if gone else []
    clocks = [ERASURE_REQUESTS.clock(request.request_id, anchor, version)]
    tx.record(request.agency, request.request_id, PatronDataKept(clocks=clocks, erased=erased))


def _cutoff(api: PatronApi, agency: str, now: datetime) -> datetime:
    return api.cutoff(agency, ERASURE_REQUESTS.record_class, now)


async def _cutoffs(api: PatronApi) -> dict[str, datetime]:
    return api.runtime.agencies.cutoffs(ERASURE_REQUESTS.record_class, await api.database.now())


async def _gone(api: PatronApi, patron_id: int, caller: Principal) -> Refusal | None:
    agency = await store.erased_at_agency(api.database, patron_id)
    if agency is None:
        return None
    return rules.PATRON_ERASED() if caller.agency in {agency, "*"} else WRONG_AGENCY()


async def _shown(api: PatronApi, request: Request, patron_id: int, caller: Principal) -> ErasureView:
    against = Closing(closed=False)
    if request.state in {"refused", "waiting"}:
        against = await api.runtime.clients.call("loan-api", READ_CLOSING, patron_id=patron_id)
    own = is_own(caller, patron_id)
    return ErasureView(
        **RequestView.model_validate(asdict(request)).model_dump(),
        when_clear=request.when_clear,
        services=rules.progress(request),
        open_loans=[
            ShownLoan(loan_id=loan.loan_id, due_on=loan.due_on, title=loan.title if own else None)
            for loan in against.loans
        ],
        open_debts=[
            ShownDebt(debt_id=debt.debt_id, kind=debt.kind, balance=debt.balance, titles=debt.titles if own else None)
            for debt in against.debts
        ],
        held=against.held,
    )
