"""Notes over HTTP; written by staff."""

from typing import Annotated

from fastapi import APIRouter, Request

from glem.identity import Principal, requires
from glem.problems import NO_SCOPE, RefusedError, language_of, unwrap
from patron_api.access import whose
from patron_api.cautions import told
from patron_api.context import Api
from patron_api.notes import actions
from patron_api.notes.rules import Kind, note_cautions
from patron_api.notes.schemas import NotesChange, NotesWritten

router = APIRouter(tags=["patrons"])


@router.put("/patrons/{patron_id}/notes")
async def change_notes(
    patron_id: str,
    change: NotesChange,
    request: Request,
    api: Api,
    caller: Annotated[Principal, requires("patrons:write")],
) -> NotesWritten:
    """Write notes; each expires. Warns when one seems to name a work."""
    notes: dict[Kind, str | None] = {}
    if "internal" in change.model_fields_set:
        if not caller.may("notes:read"):
            raise RefusedError(NO_SCOPE(scope="notes:read"))
        notes["internal"] = change.internal
    if "patron" in change.model_fields_set:
        notes["patron"] = change.patron
    expires = unwrap(await actions.change_notes(api, whose(patron_id, caller, "patrons:write"), notes, caller))
    cautions = [caution for text in notes.values() if text for caution in note_cautions(text)]
    return NotesWritten(expires_at=expires, warnings=told(dict.fromkeys(cautions), language_of(request)))
