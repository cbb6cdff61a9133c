"""The whole of it, small: a few days, over real HTTP, with real mail, judged; and the small set of `make run`."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime

import pytest

from tests.proving.demo import run_demo
from tests.proving.demo.calendar import first_of_september
from tests.proving.demo.process import SuiteDiedError, served_suite
from tests.proving.demo.seed import seed_small
from tests.proving.demo.suite_client import SuiteClient, UnexpectedError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


async def test_some_days_are_lived_and_judged_clean(tmp_path, capsys):
    status = await run_demo(days=8, loans=300, seed=3, keep=tmp_path)

    output = capsys.readouterr().out
    assert status == 0, output
    assert "0 erased early, 0 missed, 0 wrongly touched" in " ".join(output.split())
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    acts = [json.loads(line) for line in lines]
    assert {"register", "lend", "return", "step", "mail"} <= {act["act"] for act in acts}
    assert sum(act["act"] == "lend" for act in acts) > 100
    assert not re.search(r"(?<!\d)[6-9]\d(0[1-9]|1[0-2])\d{6}(?!\d)", "\n".join(lines)), (
        "a CPR number is in the history"
    )


async def test_the_small_set_is_there_once_however_often_it_is_seeded(tmp_path):
    async with served_suite(tmp_path, smtp_port=9, frozen=first_of_september(datetime.now(UTC))) as served:
        for _ in range(2):
            logins = await seed_small(served.url, served.administrator)
        async with SuiteClient(served.url) as api:
            at = logins.libraries[0]
            person = at.patrons[0]
            token = {
                "grant_type": "password",
                "username": person.card,
                "password": person.pin,
                "agency": at.library.isil,
            }
            answer = await api.client.post("/patron-api/oauth/token", data=token)
            assert answer.status_code == 200, answer.text

    assert len(logins.libraries) == 4


async def test_a_suite_that_does_not_start_says_why(tmp_path):
    (tmp_path / "postgres").write_text("in the way")

    with pytest.raises(SuiteDiedError, match="did not start"):
        async with served_suite(tmp_path, smtp_port=9, frozen=first_of_september(datetime.now(UTC))):
            pass


async def test_an_answer_that_should_not_be_is_an_error(tmp_path):
    async with (
        served_suite(tmp_path, smtp_port=9, frozen=first_of_september(datetime.now(UTC))) as served,
        SuiteClient(served.url) as api,
    ):
        from tests.proving.demo.accounts import password_login

        with pytest.raises(UnexpectedError, match="log-in"):
            await api.token(password_login("nobody", "wrong-secret", "DK-725900"))
    shutil.rmtree(tmp_path / "postgres", ignore_errors=True)
