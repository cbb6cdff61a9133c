"""HTTP of reservations: for the patron, and for staff."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.borrowers.access import about
from loan_api.borrowers.actions import meet
from loan_api.fields import PatronId
from loan_api.reservations import actions
from loan_api.reservations.schemas import Change, Placement, ReservationView

router = APIRouter(tags=["reservations"])
Writer = Annotated[Principal, requires_any("self", "circulation:write")]
Reader = Annotated[Principal, requires_any("self", "circulation:read")]


@router.post("/reservations", status_code=201)
async def place(wish: Placement, context: Context, lending: LendingContext, principal: Writer) -> ReservationView:
    """Reserve a work for a patron."""
    borrower = unwrap(await meet(context, about(principal, wish.patron_id, others="circulation:write")))
    principal.at(borrower.agency)
    placed = await actions.place(
        context,
        lending,
        patron_id=borrower.patron_id,
        work_id=wish.work_id,
        pickup_branch=wish.pickup_branch,
        expires_on=wish.expires_on,
        again=wish.again,
    )
    return unwrap(placed)


@router.delete("/reservations/{reservation_id}", status_code=204)
async def cancel(reservation_id: RecordId, context: Context, lending: LendingContext, principal: Writer) -> None:
    """Cancel a reservation; it is gone at once (R47)."""
    unwrap(await actions.cancel(context, lending, principal, reservation_id))


@router.patch("/reservations/{reservation_id}")
async def change(
    reservation_id: RecordId, wish: Change, context: Context, lending: LendingContext, principal: Writer
) -> ReservationView:
    """Change where a reservation is fetched, or until when it is wanted."""
    return unwrap(await actions.change(context, lending, principal, reservation_id, wish))


@router.get("/patrons/{patron_id}/reservations")
async def of_patron(patron_id: PatronId, context: Context, principal: Reader) -> list[ReservationView]:
    """Give a patron's reservations (R48)."""
    borrower = unwrap(await meet(context, about(principal, patron_id, others="circulation:read")))
    principal.at(borrower.agency)
    return await actions.of_patron(context, borrower.patron_id)
