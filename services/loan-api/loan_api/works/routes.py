"""HTTP of works and items. The catalogue is open to every token; only its keepers write it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from glem.identity import Principal, requires, requires_any
from glem.problems import UNKNOWN_AGENCY, RefusedError, unwrap
from glem_retention.runtime import Context, Runtime
from loan_api.fields import Code, Text
from loan_api.works import actions
from loan_api.works.schemas import ImportReport, ItemView, WorkDetails, WorkView

router = APIRouter(tags=["works"])
Keeper = Annotated[Principal, requires("catalogue:write")]
Reader = Annotated[Principal, requires_any()]
AgencyName = Annotated[str | None, Query(description="ISIL; needed by callers that serve every agency.")]


def _agency(runtime: Runtime, principal: Principal, named: str | None) -> str:
    agency = named or principal.agency
    principal.at(agency)
    if agency not in runtime.agencies:
        raise RefusedError(UNKNOWN_AGENCY(agency=agency))
    return agency


@router.put("/works")
async def import_works(
    request: Request, context: Context, principal: Keeper, agency: AgencyName = None
) -> ImportReport:
    """Import works from JSON Lines: record_id, title, creator, type, language, popularity_rank, age_limit."""
    return await actions.import_works(context, _agency(context, principal, agency), request.stream())


@router.put("/items")
async def import_items(
    request: Request, context: Context, principal: Keeper, agency: AgencyName = None
) -> ImportReport:
    """Import items from JSON Lines: barcode, record_id, branch, price, withdrawn."""
    isil = _agency(context, principal, agency)
    branches = context.agencies[isil].identity.branches
    return await actions.import_items(context, isil, branches, request.stream())


@router.get("/works")
async def search(
    context: Context,
    principal: Reader,
    agency: AgencyName = None,
    query: Annotated[Text, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[WorkView]:
    """Find works by words of title or creator, the most popular first."""
    return await actions.search(context, _agency(context, principal, agency), query, limit)


@router.get("/works/{work_id}")
async def show_work(work_id: Code, context: Context, principal: Reader, agency: AgencyName = None) -> WorkDetails:
    """Give a work, its items, and the length of its queue."""
    return unwrap(await actions.show_work(context, _agency(context, principal, agency), work_id))


@router.get("/items/{barcode}")
async def show_item(barcode: Code, context: Context, principal: Reader, agency: AgencyName = None) -> ItemView:
    """Give an item and its state; never who has it."""
    return unwrap(await actions.show_item(context, _agency(context, principal, agency), barcode))
