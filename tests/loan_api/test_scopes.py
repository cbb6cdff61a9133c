"""Every route of loan-api, as every role: who gets in, and who is told which scope is missing."""

KOEGE = "DK-725900"
DESK = {"librarian", "administrator", "automat"}
STAFF = {"librarian", "administrator"}
OWN = {"patron", "guardian"}
EVERYBODY = STAFF | OWN | {"automat", "service", "dpo", "dashboard"}
WHO = {
    ("PUT", "/works"): {"administrator"},
    ("PUT", "/items"): {"administrator"},
    ("GET", "/works"): EVERYBODY,
    ("GET", "/works/{work_id}"): EVERYBODY,
    ("GET", "/items/{barcode}"): EVERYBODY,
    ("POST", "/loans"): DESK,
    ("POST", "/loans/{loan_id}/renewal"): DESK | OWN,
    ("GET", "/loans/{loan_id}"): STAFF | OWN,
    ("GET", "/loans/{loan_id}/receipt"): STAFF | OWN,
    ("GET", "/patrons/{patron_id}/loans"): STAFF | OWN,
    ("POST", "/returns"): DESK,
    ("POST", "/loans/{loan_id}/undo-return"): STAFF,
    ("POST", "/loans/{loan_id}/lost"): STAFF,
    ("POST", "/loans/{loan_id}/claim"): STAFF,
    ("POST", "/loans/{loan_id}/claim/acceptance"): STAFF,
    ("POST", "/loans/{loan_id}/claim/rejection"): STAFF,
    ("POST", "/reservations"): DESK | OWN,
    ("DELETE", "/reservations/{reservation_id}"): DESK | OWN,
    ("PATCH", "/reservations/{reservation_id}"): DESK | OWN,
    ("GET", "/patrons/{patron_id}/reservations"): STAFF | OWN,
    ("GET", "/patrons/{patron_id}/debts"): STAFF | OWN,
    ("GET", "/debts/{debt_id}"): STAFF | OWN,
    ("GET", "/debts/{debt_id}/receipts"): STAFF | OWN,
    ("POST", "/debts"): STAFF,
    ("POST", "/payments"): STAFF | OWN,
    ("POST", "/payments/{order_id}/reversal"): STAFF,
    ("POST", "/debts/{debt_id}/waiver"): STAFF,
    ("GET", "/debts/in-collection"): STAFF,
    ("POST", "/debts/{debt_id}/collection"): STAFF,
    ("POST", "/debts/{debt_id}/collection/closure"): STAFF,
    ("GET", "/viewings"): {"dpo"},
    ("POST", "/titles/resolve"): {"service"},
    ("GET", "/patrons/{patron_id}/standing"): {"service"},
    ("GET", "/patrons/{patron_id}/homebound-works"): STAFF | OWN,
    ("GET", "/agencies/{agency}/homebound-works/preview"): {"dpo", "dashboard", "service"},
    ("POST", "/patrons/{patron_id}/closing"): {"service"},
    ("GET", "/patrons/{patron_id}/closing"): {"service"},
    ("GET", "/patrons/{patron_id}/remains"): {"service"},
    ("GET", "/patrons/{patron_id}/data"): {"service"},
    ("POST", "/disposals"): {"service"},
    ("GET", "/disposals/overdue"): {"service"},
}
OPEN = {"/health/live", "/health/ready", "/metrics", "/asyncapi.json", "/purposes"}


def paths_of(app):
    operations = app.openapi()["paths"].items()
    return {(method.upper(), path) for path, methods in operations for method in methods if path not in OPEN}


async def test_every_route_is_in_the_table(library):
    assert paths_of(library.app) == set(WHO)


async def test_each_role_gets_in_where_the_table_says_and_nowhere_else(library):
    for (method, path), who in WHO.items():
        for role in EVERYBODY:
            own = str(library.make_patron())
            filled = path.replace("{patron_id}", own).replace("{agency}", KOEGE)
            for name in ("loan_id", "reservation_id", "debt_id", "order_id", "barcode"):
                filled = filled.replace(f"{{{name}}}", "4711")
            answer = await library.call(method, filled.replace("{work_id}", "x:1"), role, subject=own, json={})
            missing = answer.status_code == 403 and answer.json()["type"].endswith("missing-scope")
            assert missing == (role not in who), (method, path, role, answer.text)


async def test_nobody_gets_in_without_a_token(library, problem):
    for method, path in WHO:
        answer = await library.client.request(method, path.replace("{", "").replace("}", ""))
        assert problem(answer) == (401, "no-token")
        assert answer.headers["www-authenticate"] == "Bearer"
