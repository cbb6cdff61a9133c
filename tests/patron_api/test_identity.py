"""Log-in: lock-out, refresh, log-out, machines, the key that survives a restart."""

import asyncio

from jose import jwt

from patron_api.identity.actions import forget_expired


def problem_of(answer):
    return answer.json()["type"].rpartition(":")[2]


async def test_a_wrong_pin_and_an_unknown_card_are_refused_alike(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    wrong, unknown = await suite.log_in(cpr, "0000"), await suite.log_in(suite.cpr(), "0000")
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_grant"


async def test_five_failures_lock_for_two_hours(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    answers = await asyncio.gather(*(suite.log_in(cpr, "0000") for _ in range(9)))
    assert sorted(problem_of(a) for a in answers) == ["loaner-locked-out"] * 5 + ["login-refused"] * 4
    locked = await suite.log_in(cpr, "2468")
    assert (locked.status_code, problem_of(locked)) == (403, "loaner-locked-out")
    assert (await suite.log_in(cpr, "2468", "DK-773000")).status_code == 400
    suite.travel(minutes=119)
    assert problem_of(await suite.log_in(cpr, "2468")) == "loaner-locked-out"
    suite.travel(minutes=1)
    assert (await suite.log_in(cpr, "2468")).status_code == 200


async def test_a_success_forgets_failures(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    for _ in range(3):
        for _ in range(4):
            await suite.log_in(cpr, "0000")
        assert (await suite.log_in(cpr, "2468")).status_code == 200


async def test_staff_accounts_lock_too(suite):
    await suite.bearer("librarian")
    for _ in range(5):
        answer = await suite.log_in("librarian.DK-725900", "wrong secret")
    assert problem_of(answer) == "loaner-locked-out"


async def test_a_refresh_token_works_once_and_its_theft_ends_the_log_in(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    first = (await suite.log_in(cpr, "2468")).json()["refresh_token"]

    async def refresh(token):
        return await suite.http.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})

    second = (await refresh(first)).json()["refresh_token"]
    third = (await refresh(second)).json()["refresh_token"]
    assert len({first, second, third}) == 3
    assert problem_of(await refresh(first)) == "login-ended"
    assert problem_of(await refresh(third)) == "login-ended"
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM refresh_token WHERE is_patron") == 0


async def test_parallel_use_of_one_refresh_token_gives_one_answer(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    token = (await suite.log_in(cpr, "2468")).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answers = await asyncio.gather(*(suite.http.post("/oauth/token", data=form) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 400, 400, 400]


async def test_log_out_ends_the_refresh_token(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    token = (await suite.log_in(cpr, "2468")).json()["refresh_token"]
    for _ in range(2):
        assert (await suite.http.post("/oauth/revoke", data={"token": token})).status_code == 200
    answer = await suite.http.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})
    assert problem_of(answer) == "login-ended"


async def test_refresh_tokens_are_kept_as_hashes_and_go_when_they_expire(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    token = (await suite.log_in(cpr, "2468")).json()["refresh_token"]
    rows = await suite.runtime.database.fetch("SELECT * FROM refresh_token")
    assert token not in str(rows)
    assert await forget_expired(suite.app.state.patron_api) == 0
    await suite.runtime.database.execute("UPDATE refresh_token SET expires_at = now() - interval '1 second'")
    assert await forget_expired(suite.app.state.patron_api) == len(rows)


async def test_a_new_pin_ends_all_log_ins(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    token = (await suite.log_in(cpr, "2468")).json()["refresh_token"]
    headers = await suite.patron_bearer(cpr)
    wrong = await suite.http.put("/patrons/me/pin", json={"pin": "1357", "current_pin": "0000"}, headers=headers)
    assert problem_of(wrong) == "wrong-pin"
    missing = await suite.http.put("/patrons/me/pin", json={"pin": "1357"}, headers=headers)
    assert problem_of(missing) == "wrong-pin"
    changed = await suite.http.put("/patrons/me/pin", json={"pin": "1357", "current_pin": "2468"}, headers=headers)
    assert changed.status_code == 204
    answer = await suite.http.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})
    assert problem_of(answer) == "login-ended"
    assert (await suite.log_in(cpr, "2468")).status_code == 400
    assert (await suite.log_in(cpr, "1357")).status_code == 200


async def test_guessing_the_present_pin_locks(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    headers = await suite.patron_bearer(cpr)
    for _ in range(5):
        answer = await suite.http.put("/patrons/me/pin", json={"pin": "1357", "current_pin": "0000"}, headers=headers)
    assert problem_of(answer) == "loaner-locked-out"


async def test_services_and_machines_log_in_by_their_secret(suite):
    form = {"grant_type": "client_credentials", "client_id": "loan-api", "client_secret": "services-secret"}
    answer = (await suite.http.post("/oauth/token", data=form)).json()
    claims = jwt.get_unverified_claims(answer["access_token"])
    assert (claims["sub"], claims["role"], claims["agency"]) == ("loan-api", "service", "*")
    assert answer["refresh_token"] is None
    for changed in ({"client_secret": "wrong"}, {"client_id": "nobody"}):
        refused = await suite.http.post("/oauth/token", data={**form, **changed})
        assert (refused.status_code, problem_of(refused)) == (401, "client-refused")
    assert (await suite.bearer("automat"))["authorization"]


async def test_the_runtimes_own_client_is_let_in(suite):
    made = await suite.make_patron()
    answer = await suite.runtime.clients._clients["patron-api"].get(f"/patrons/{made['patron_id']}/snapshot")
    assert answer.json()["version"] == 1


async def test_accounts_are_made_once_and_end(suite):
    headers = await suite.admin()
    body = {"username": "Lis.Bibliotekar", "secret": "a long secret", "role": "librarian"}
    made = await suite.http.post("/accounts", json=body, headers=headers)
    assert made.status_code == 201
    assert problem_of(await suite.http.post("/accounts", json=body, headers=headers)) == "account-exists"
    assert (await suite.log_in("lis.bibliotekar", "a long secret")).status_code == 200
    other = await suite.admin("DK-773000")
    url = f"/accounts/{made.json()['account_id']}"
    assert problem_of(await suite.http.delete(url, headers=other)) == "unknown-account"
    assert (await suite.http.delete(url, headers=headers)).status_code == 204
    assert (await suite.log_in("lis.bibliotekar", "a long secret")).status_code == 400


async def test_a_client_may_not_take_a_services_name(suite):
    body = {"role": "automat", "client_id": "loan-api"}
    assert problem_of(await suite.http.post("/clients", json=body, headers=await suite.admin())) == "account-exists"


async def test_malformed_log_ins_have_their_own_problem(suite):
    for form, error in (
        ({"grant_type": "password", "username": "x"}, "invalid_request"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
    ):
        answer = await suite.http.post("/oauth/token", data=form)
        assert (answer.json()["error"], problem_of(answer)) == (error, "unknown-grant")
    unknown = await suite.log_in("x", "y", "DK-999999")
    assert problem_of(unknown) == "unknown-agency"
