"""Every route, as every role: what the explicit table says is let through, all else is refused."""

import pytest
from fastapi.routing import APIRoute

from patron_api.identity.rules import SCOPES

OPEN = None
ROUTES = {
    ("POST", "/oauth/token"): OPEN,
    ("POST", "/oauth/revoke"): OPEN,
    ("GET", "/.well-known/jwks.json"): OPEN,
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/asyncapi.json"): OPEN,
    ("GET", "/purposes"): OPEN,
    ("POST", "/accounts"): {"clients:write"},
    ("DELETE", "/accounts/{account_id}"): {"clients:write"},
    ("POST", "/clients"): {"clients:write"},
    ("DELETE", "/clients/{client_id}"): {"clients:write"},
    ("POST", "/patrons"): {"patrons:write"},
    ("POST", "/patrons/search"): {"patrons:read"},
    ("POST", "/patrons/identify"): {"patrons:identify"},
    ("GET", "/patrons/{patron_id}"): {"self", "patrons:read"},
    ("PATCH", "/patrons/{patron_id}"): {"self", "patrons:write"},
    ("POST", "/patrons/{patron_id}/cpr-update"): {"patrons:write"},
    ("PUT", "/patrons/{patron_id}/pin"): {"self", "patrons:write"},
    ("PUT", "/patrons/{patron_id}/contacts"): {"self", "patrons:write"},
    ("PUT", "/patrons/{patron_id}/permissions"): {"self"},
    ("PUT", "/patrons/{patron_id}/absence"): {"self", "patrons:write"},
    ("POST", "/patrons/{patron_id}/blocks"): {"patrons:write"},
    ("DELETE", "/patrons/{patron_id}/blocks/{code}"): {"patrons:write"},
    ("POST", "/patrons/{patron_id}/cards"): {"patrons:write"},
    ("DELETE", "/patrons/{patron_id}/cards/{card_id}"): {"patrons:write"},
    ("PUT", "/patrons/{patron_id}/notes"): {"patrons:write"},
    ("PUT", "/patrons/{patron_id}/guardian"): {"patrons:write"},
    ("PUT", "/patrons/{patron_id}/homebound-consent"): {"self", "patrons:write"},
    ("DELETE", "/patrons/{patron_id}/homebound-consent"): {"self", "patrons:write"},
    ("GET", "/patrons/{patron_id}/homebound-consent"): {"self", "patrons:read"},
    ("POST", "/patrons/{patron_id}/erasure"): {"self", "patrons:write"},
    ("GET", "/patrons/{patron_id}/erasure"): {"self", "patrons:write"},
    ("DELETE", "/patrons/{patron_id}/erasure"): {"self", "patrons:write"},
    ("GET", "/erasures/{request_id}"): OPEN,
    ("POST", "/patrons/{patron_id}/export"): {"self", "patrons:read"},
    ("GET", "/patrons/{patron_id}/exports/{export_id}"): {"self", "patrons:read"},
    ("POST", "/contacts/resolve"): {"patrons:resolve"},
    ("GET", "/patrons/{patron_id}/snapshot"): {"patrons:resolve"},
    ("POST", "/disposals"): {"retention:dispose"},
    ("GET", "/disposals/overdue"): {"retention:dispose"},
}
ROLES = {
    "patron": {"self"},
    "librarian": {
        "patrons:read", "patrons:write", "circulation:read", "circulation:write", "debts:write", "messages:read",
        "notes:read", "catalogue:read",
    },
    "automat": {"patrons:identify", "circulation:write"},
    "service": {"patrons:resolve", "patrons:close", "patrons:export", "titles:resolve", "retention:dispose", "retention:read", "receipts:issue"},
    "dpo": {"retention:read", "retention:write", "patrons:read"},
    "dashboard": {"events:read", "retention:read"},
}  # fmt: skip
ROLES["guardian"] = ROLES["patron"]
ROLES["administrator"] = ROLES["librarian"] | {"catalogue:write", "clients:write", "patrons:protected"}


def routes_of(router):
    for route in router.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield from ((method, route.path) for method in route.methods)
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


def test_the_roles_hold_the_scopes_that_the_suite_agreed_on():
    assert {role: set(scopes) for role, scopes in SCOPES.items()} == ROLES


async def test_the_table_names_every_route(suite):
    assert set(routes_of(suite.app)) == set(ROUTES)


async def headers_of(suite, role):
    if role == "nobody":
        return {}
    if role == "patron":
        cpr = suite.cpr()
        await suite.make_patron(cpr=cpr)
        return await suite.patron_bearer(cpr)
    if role == "guardian":
        cpr = suite.cpr()
        await suite.make_patron(cpr=cpr)
        guardian = {"consent_on": "2026-08-31", "cpr": cpr, "name": "Værge", "phone": "20123456"}
        await suite.make_patron(cpr=suite.cpr("010115"), patron_group="child", guardian=guardian)
        return await suite.patron_bearer(cpr)
    return await suite.bearer(role)


@pytest.mark.parametrize("role", ["nobody", *ROLES])
async def test_every_route_as_every_role(suite, role):
    headers = await headers_of(suite, role)
    for (method, path), scopes in ROUTES.items():
        url = path.format(
            patron_id=4711,
            account_id=4711,
            client_id="nothing",
            code="U",
            card_id=4711,
            request_id=4711,
            export_id=4711,
        )
        answer = await suite.http.request(method, url, headers=headers, json={})
        problem = answer.json()["type"] if "problem+json" in answer.headers.get("content-type", "") else ""
        if scopes is OPEN:
            assert answer.status_code not in {401, 403}, (role, method, path)
        elif role == "nobody":
            assert problem.endswith("no-token"), (method, path, answer.text)
        elif not scopes & ROLES[role]:
            assert problem.endswith("missing-scope"), (role, method, path, answer.text)
        elif role in {"patron", "guardian"}:
            # Somebody else's things: the scope fits, the patron does not.
            assert answer.status_code == 422 or problem.endswith("missing-scope"), (role, method, path, answer.text)
        else:
            assert answer.status_code not in {401, 403, 500}, (role, method, path, answer.text)
        assert answer.status_code != 500


async def test_a_token_of_another_agency_changes_nothing(suite):
    patron_id = (await suite.make_patron())["patron_id"]
    before = await suite.runtime.database.fetch("SELECT * FROM patron")
    headers = await suite.bearer("librarian", "DK-773000")
    calls = [
        ("GET", "", None), ("PATCH", "", {"patron_group": "child"}), ("PUT", "/contacts", {"phones": []}),
        ("PUT", "/absence", {"until": "2030-01-01"}), ("PUT", "/pin", {"pin": "1357"}),
        ("POST", "/blocks", {"code": "U"}), ("DELETE", "/blocks/U", None),
        ("POST", "/cards", {"kind": "library", "number": "123456"}), ("DELETE", "/cards/1", None),
        ("PUT", "/notes", {"internal": "x"}), ("PUT", "/guardian", {"consent_on": "2020-01-01"}),
        ("POST", "/cpr-update", {"name": "En Anden"}),
    ]  # fmt: skip
    for method, tail, body in calls:
        answer = await suite.http.request(method, f"/patrons/{patron_id}{tail}", json=body, headers=headers)
        assert answer.json()["type"] == "urn:glem:problem:wrong-agency", (method, tail, answer.text)
        assert answer.status_code == 403
    assert await suite.runtime.database.fetch("SELECT * FROM patron") == before
    found = await suite.http.post("/patrons/search", json={"name": "Karen"}, headers=headers)
    assert found.json() == []
