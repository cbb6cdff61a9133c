"""Cards over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from patron_api.access import whose
from patron_api.cards import actions
from patron_api.cards.rules import Because
from patron_api.cards.schemas import CardMade, Identified, Identify, NewCard
from patron_api.context import Api

router = APIRouter(tags=["patrons"])
Writer = Annotated[Principal, requires("patrons:write")]


@router.post("/patrons/identify")
async def identify(body: Identify, api: Api, caller: Annotated[Principal, requires("patrons:identify")]) -> Identified:
    """Say who stands at a machine, by card or CPR number (R5); with a PIN, failures lock."""
    api.rules_of(caller.agency)
    pin = body.pin.get_secret_value() if body.pin is not None else None
    patron_id, language = unwrap(await actions.identify(api, caller.agency, body.card.get_secret_value(), pin))
    return Identified(patron_id=patron_id, language=language)


@router.post("/patrons/{patron_id}/cards", status_code=201)
async def add_card(patron_id: str, new: NewCard, api: Api, caller: Writer) -> CardMade:
    """Give a patron a card."""
    made = await actions.add_card(api, whose(patron_id, caller, "patrons:write"), new.kind, new.number, caller)
    return CardMade(card_id=unwrap(made))


@router.delete("/patrons/{patron_id}/cards/{card_id}", status_code=204)
async def remove_card(
    patron_id: str, card_id: RecordId, api: Api, caller: Writer, because: Because = "returned"
) -> None:
    """Take a card away; one that was stolen also blocks the patron."""
    unwrap(await actions.remove_card(api, whose(patron_id, caller, "patrons:write"), card_id, because, caller))
