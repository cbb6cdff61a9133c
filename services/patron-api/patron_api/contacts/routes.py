"""Phones and e-mail addresses over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from patron_api.access import whose
from patron_api.contacts import actions
from patron_api.contacts.schemas import ContactsChange, ContactsView, Email, Phone
from patron_api.context import Api

router = APIRouter(tags=["patrons"])


@router.put("/patrons/{patron_id}/contacts")
async def change_contacts(
    patron_id: str,
    change: ContactsChange,
    api: Api,
    caller: Annotated[Principal, requires_any("self", "patrons:write")],
) -> ContactsView:
    """Replace phones and e-mail addresses; exactly one mobile and one e-mail address receive messages."""
    reaches = unwrap(await actions.change_contacts(api, whose(patron_id, caller, "patrons:write"), change, caller))
    return ContactsView(
        phones=[
            Phone(number=r.value, kind="landline" if r.kind == "landline" else "mobile", receives=r.receives)
            for r in reaches
            if r.channel == "phone"
        ],
        emails=[Email(address=r.value, receives=r.receives) for r in reaches if r.channel == "email"],
    )
