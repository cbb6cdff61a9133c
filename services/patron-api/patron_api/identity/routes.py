"""Log-in by OAuth 2.0, the keys, and the accounts of staff and machines."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from glem.gate import RESTORING
from glem.identity import Principal, requires
from glem.problems import RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_retention.agencies import Isil
from patron_api.context import Api
from patron_api.identity import accounts, actions, rules
from patron_api.identity.schemas import AccountMade, ClientMade, NewAccount, NewClient, TokenAnswer
from patron_api.text import Raw

router = APIRouter(tags=["identity"])
ClientsWriter = Annotated[Principal, requires("clients:write")]


@router.post("/oauth/token")
async def token(  # noqa: PLR0913, PLR0917  the fields of the OAuth form
    api: Api,
    response: Response,
    grant_type: Annotated[Raw, Form()],
    username: Annotated[Raw | None, Form()] = None,
    password: Annotated[Raw | None, Form()] = None,
    agency: Annotated[Isil | None, Form()] = None,
    client_id: Annotated[Raw | None, Form()] = None,
    client_secret: Annotated[Raw | None, Form()] = None,
    refresh_token: Annotated[Raw | None, Form()] = None,
) -> TokenAnswer:
    """Log in: `password` (card, CPR number or staff name), `client_credentials` or `refresh_token`; shut, for services alone."""
    if api.runtime.guard.closed and grant_type != "client_credentials":
        raise RefusedError(RESTORING())
    match grant_type:
        case "password" if username and password and agency:
            result = await actions.log_in(api, agency, username, password)
        case "client_credentials" if client_id and client_secret:
            result = await actions.log_in_client(api, client_id, client_secret)
        case "refresh_token" if refresh_token:
            result = await actions.refresh(api, refresh_token)
        case "password" | "client_credentials" | "refresh_token":
            result = rules.UNKNOWN_GRANT(error="invalid_request")
        case _:
            result = rules.UNKNOWN_GRANT(error="unsupported_grant_type")
    tokens = unwrap(result)
    response.headers["cache-control"] = "no-store"
    return TokenAnswer(
        access_token=tokens.access,
        expires_in=tokens.seconds,
        refresh_token=tokens.refresh,
        scope=" ".join(tokens.scopes),
    )


@router.post("/oauth/revoke")
async def revoke(api: Api, token: Annotated[Raw, Form()]) -> dict[str, bool]:
    """Log out: end the log-in of a refresh token (RFC 7009). Access tokens run out within minutes."""
    await actions.log_out(api, token)
    return {"revoked": True}


@router.get("/.well-known/jwks.json")
async def jwks(api: Api) -> dict[str, object]:
    """Give the public keys that verify tokens."""
    return api.issuer.jwks


@router.post("/accounts", status_code=201)
async def create_account(new: NewAccount, api: Api, caller: ClientsWriter) -> AccountMade:
    """Make an account for a librarian, an administrator or a data protection officer."""
    made = unwrap(await accounts.create_account(api, caller.agency, new.username, new.role, new.secret))
    return AccountMade(account_id=made)


@router.delete("/accounts/{account_id}", status_code=204)
async def remove_account(account_id: RecordId, api: Api, caller: ClientsWriter) -> None:
    """Delete an account; its log-ins end."""
    unwrap(await accounts.remove_account(api, caller.agency, account_id))


@router.post("/clients", status_code=201)
async def create_client(new: NewClient, api: Api, caller: ClientsWriter) -> ClientMade:
    """Make a client for an automat or a dashboard."""
    client_id, secret = unwrap(await accounts.create_client(api, caller.agency, new.client_id, new.role, new.secret))
    return ClientMade(client_id=client_id, secret=secret)


@router.delete("/clients/{client_id}", status_code=204)
async def remove_client(client_id: Raw, api: Api, caller: ClientsWriter) -> None:
    """Delete a client."""
    unwrap(await accounts.remove_client(api, caller.agency, client_id))
