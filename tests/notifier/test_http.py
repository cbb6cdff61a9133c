"""Who may see what over HTTP; settings and sections that are refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from glem_retention.agencies import PolicyFileError, load_agencies
from notifier.agency import MessageRules
from notifier.settings import NotifierSettings
from tests.notifier.conftest import KOEGE, STRUER, Notifier, token

ROLES = {
    "patron": "self",
    "librarian": "patrons:read patrons:write circulation:read circulation:write debts:write messages:read notes:read catalogue:read",
    "automat": "patrons:identify circulation:write",
    "service": "patrons:resolve titles:resolve retention:dispose retention:read patrons:export patrons:close",
    "dpo": "retention:read retention:write patrons:read",
    "dashboard": "events:read retention:read",
}
MAY = {
    "/patrons/{patron_id}/messages": {"patron", "librarian"},
    "/patrons/{patron_id}/messages/{message_id}/receipts": {"patron", "librarian"},
    "/patrons/{patron_id}/data": {"service"},
    "/patrons/{patron_id}/remains": {"service"},
    "/disposals": {"service"},
    "/disposals/overdue": {"service"},
}


async def test_every_route_asks_for_its_scope(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    paths = notifier.app.openapi()["paths"].items()
    public = {"operations", "policies"}
    assert {path for path, verbs in paths if public.isdisjoint(next(iter(verbs.values()))["tags"])} == set(MAY)
    for path, roles in MAY.items():
        url = path.replace("{patron_id}", str(patron)).replace("{message_id}", "4711")
        # There is no such message; but whoever may ask is told so.
        good = 404 if "{message_id}" in path else 200
        method = "POST" if path == "/disposals" else "GET"
        body = {"disposal_id": 1, "agency": KOEGE, "record_class": "message-body", "record_ids": [1]}
        options = {"json": body} if method == "POST" else {"params": {"agency": KOEGE, "record_class": "message-body"}}
        assert (await notifier.client.request(method, url, **options)).status_code == 401
        for role, scopes in ROLES.items():
            agency = "*" if role == "service" else KOEGE
            headers = token(role, scopes, subject=str(patron), agency=agency)
            status = (await notifier.client.request(method, url, headers=headers, **options)).status_code
            assert status == (good if role in roles else 403), (path, role)


async def test_a_patron_sees_the_own_messages_and_no_other_s(notifier: Notifier) -> None:
    patron, other = notifier.peers.patron(), notifier.peers.patron()
    await notifier.tell(*[notifier.opened(who, notifier.peers.loan(who)) for who in (patron, other)])
    headers = token("patron", "self", subject=str(patron))
    mine = await notifier.client.get("/patrons/me/messages", headers=headers)
    assert [line["body"][:4] for line in mine.json()] == ["Kære"]
    assert (await notifier.client.get(f"/patrons/{patron}/messages", headers=headers)).json() == mine.json()
    answer = await notifier.client.get(f"/patrons/{other}/messages", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:glem:problem:missing-scope")
    staff = token("librarian", "messages:read")
    assert (await notifier.client.get("/patrons/me/messages", headers=staff)).status_code == 403


async def test_staff_of_another_library_see_nothing(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    headers = token("librarian", "messages:read", agency=STRUER)
    answer = await notifier.client.get(f"/patrons/{patron}/messages", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:glem:problem:wrong-agency")


async def test_the_overview_is_shown_in_pages_newest_first(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    for _ in range(5):
        await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
        notifier.clock.travel(timedelta(minutes=1))
    whole = await notifier.overview(patron)
    assert [line["created_at"] for line in whole] == sorted((line["created_at"] for line in whole), reverse=True)
    answer = await notifier.client.get(
        f"/patrons/{patron}/messages", params={"limit": 2, "offset": 1}, headers=token("librarian", "messages:read")
    )
    assert answer.json() == whole[1:3]
    bad = await notifier.client.get("/patrons/x/messages", headers=token("librarian", "messages:read"))
    assert (bad.status_code, bad.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_host": "mail.example.org", "smtp_tls": "none"},
        {"sms_url": "http://sms.example.org/messages"},
        {"smtp_port": 0},
    ],
)
def test_text_goes_over_encrypted_lines_to_other_machines(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {
        "database_url": "postgresql://x",
        "agencies": Path(),
        "service_secret": "s",
        "key_folder": Path(),
        "smtp_host": "mail.example.org",
        "sms_url": "https://sms.example.org/messages",
    }
    NotifierSettings.model_validate(right)
    NotifierSettings.model_validate(
        right | {"smtp_host": "127.0.0.1", "smtp_tls": "none", "sms_url": "http://localhost/"}
    )
    with pytest.raises(ValidationError):
        NotifierSettings.model_validate(right | wrong)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('languages = ["da"]', 'languages = ["da", "de"]', "languages"),
        ('default_language = "da"', 'default_language = "en"', "default_language"),
        ('mail_from = "', 'mail_from = "x <', "mail_from"),
        ('kinds = ["receipt"', 'kinds = ["invoice"', "kinds"),
        ('sms_from = "', 'sms_from = "FarTooLong', "sms_from"),
        ("title_free_for_protected", "titel_free", "titel_free"),
    ],
)
def test_a_wrong_section_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    content = (Path(__file__).parents[2] / "deploy" / "agencies" / "koege.toml").read_text()
    before, section, after = content.partition("[messages]")
    assert old in after
    (tmp_path / "koege.toml").write_text(before + section + after.replace(old, new, 1))
    with pytest.raises(PolicyFileError, match=named):
        load_agencies(tmp_path).section("messages", MessageRules)
