"""The log: every outcome a leaf, provable to anyone, linkable by nobody who was not given the salt."""

import base64
import json
import re
import secrets
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from glem_contracts.events import ReservationCancelled
from glem_contracts.events.envelope import Erasure
from glem_verify import checks as verify
from retention_worker.log import rules, tree
from retention_worker.log.actions import Log

from .conftest import KOEGE, START, STRUER, Worker, token

ISSUE = {"authorization": f"Bearer {token('service', 'receipts:issue')}"}
WRITE = {"authorization": f"Bearer {token('dpo', 'retention:write', KOEGE)}"}
RANDOM_ORDER = 60


async def issue(worker: Worker, *record_ids: int) -> list[dict]:
    body = {"record_class": "loan", "record_ids": list(record_ids)}
    return (await worker.client.post("/receipts", json=body, headers=ISSUE)).json()


async def get(worker: Worker, path: str, **params: int) -> dict:
    answer = await worker.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def erase(worker: Worker, *record_ids: int) -> None:
    start = worker.clock.now()
    await worker.send(*(worker.returned(record_id, start) for record_id in record_ids))
    await worker.travel(days=31)
    await worker.sweep()
    await worker.task("sign")


async def check(worker: Worker) -> list[bytes]:
    """Download the whole log and check it with the code that shares nothing with the worker's."""
    head = await get(worker, "/log/head")
    leaves = (await get(worker, "/log/leaves", limit=10_000))["leaves"]
    lines = [leaf.encode() for leaf in leaves]
    key = verify.Key(await get(worker, "/log/key"))
    assert verify.check_log(lines, [verify.Head.read(head)], key) == []
    return lines


async def test_a_patron_who_fetched_the_receipt_before_can_check_the_erasure_after(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()), worker.returned(2, worker.clock.now()))
    [receipt] = await issue(worker, 1)
    commitment = verify.commitment_of(receipt)
    assert (await worker.client.get(f"/log/receipts/{commitment}")).status_code == 503
    await worker.task("sign")
    early = await worker.client.get(f"/log/receipts/{commitment}")
    assert (early.status_code, early.json()["type"]) == (404, "urn:glem:problem:not-erased")

    await worker.travel(days=31)
    await worker.sweep()
    await worker.task("sign")
    answer = await get(worker, f"/log/receipts/{commitment}")
    key = verify.Key(answer["key"])
    assert verify.check_receipt(receipt, answer, key) == []
    leaf = json.loads(answer["leaf"])
    assert (leaf["agency"], leaf["class"], leaf["action"], leaf["policy"]) == (KOEGE, "loan", "erased", 1)
    assert len(await check(worker)) == 2


async def test_the_salt_stays_the_same_while_the_clock_moves_and_goes_with_it(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start))
    before = await issue(worker, 1)
    await worker.send(worker.returned(1, None, version=2), worker.returned(1, start, version=3))
    assert await issue(worker, 1) == before
    await worker.travel(days=31)
    await worker.sweep()
    assert await issue(worker, 1) == []


async def test_h101_nothing_in_the_log_identifies_a_loan(worker: Worker):
    """Leaf = commitment with a salt that is gone: no id, no patron, no time within the hour, no order."""
    ids = [secrets.randbelow(2**53) for _ in range(RANDOM_ORDER)]
    await erase(worker, *ids)
    lines = await check(worker)
    for line in lines:
        leaf = json.loads(line)
        assert set(leaf) == {"v", "agency", "class", "action", "policy", "hour", "commitment"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00Z", leaf["hour"])
    text = b"\n".join(lines).decode()
    assert not any(str(record_id) in text for record_id in ids)
    columns = await worker.runtime.database.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name IN ('leaf', 'tile', 'tree_head')"
    )
    assert not {"record_id", "patron_id", "salt", "done_at"} & {row["column_name"] for row in columns}
    assert await worker.runtime.database.fetchval("SELECT count(*) FROM clock") == 0
    register = await worker.runtime.database.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'register'"
    )
    assert not {"leaf_index", "commitment", "salt"} & {row["column_name"] for row in register}


async def test_leaves_of_a_batch_stand_in_an_order_that_says_nothing(worker: Worker):
    ids = list(range(1, RANDOM_ORDER + 1))
    start = worker.clock.now()
    await worker.send(*(worker.returned(record_id, start) for record_id in ids))
    place = {verify.commitment_of(receipt): receipt["record_id"] for receipt in await issue(worker, *ids)}
    await worker.travel(days=31)
    await worker.sweep()
    await worker.task("sign")
    in_log = [place[json.loads(line)["commitment"]] for line in await check(worker)]
    assert sorted(in_log) == ids
    assert in_log != ids
    assert in_log != [
        row["record_id"] for row in await worker.runtime.database.fetch("SELECT * FROM register ORDER BY entry")
    ]


async def test_h100_who_knows_every_possible_id_still_cannot_find_a_record_in_the_log(worker: Worker):
    """Ids of a small space are tried in seconds; without the salt none of them gives a commitment of the log."""
    await erase(worker, 1, 2, 3)
    known = {json.loads(line)["commitment"] for line in await check(worker)}
    guesses = [b"loan/%d" % record_id for record_id in range(1000)]
    zero = bytes(32)
    for guess in guesses:
        for attempt in (guess, b"glem-receipt-v1" + guess, b"glem-receipt-v1" + zero + guess):
            assert rules.sha256(attempt).hexdigest() not in known
    salts = await worker.runtime.database.fetch("SELECT salt FROM clock")
    assert salts == []


async def test_what_went_at_once_is_in_the_log_with_a_salt_that_nobody_knew(worker: Worker):
    erased = [Erasure(record_class="reservation", record_ids=[7, 8])]
    event = worker.event(ReservationCancelled(patron_id=1, erased=erased), 7)
    await worker.send(event)
    await worker.send(event)
    await worker.task("sign")
    lines = await check(worker)
    assert [json.loads(line)["class"] for line in lines] == ["reservation", "reservation"]
    assert len(set(lines)) == 2


async def test_one_record_has_one_leaf_however_often_it_is_told_of(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    worker.owner.lose_answer = True
    await worker.sweep()
    worker.owner.lose_answer = False
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    await worker.sweep()
    erased = [Erasure(record_class="loan", record_ids=[1])]
    await worker.send(worker.event(ReservationCancelled(patron_id=1, erased=erased), 1))
    await worker.task("sign")
    [line] = await check(worker)
    assert json.loads(line)["action"] == "gone"


async def test_the_log_only_grows_and_proves_it(worker: Worker):
    await erase(worker, *range(1, 4))
    heads = [await get(worker, "/log/head")]
    for count in (1, 250, 30, 300):
        first = 1000 * len(heads)
        await erase(worker, *range(first, first + count))
        heads.append(await get(worker, "/log/head"))
    key = verify.Key(await get(worker, "/log/key"))
    for old in heads:
        for new in heads[heads.index(old) :]:
            sizes = {"first": old["size"], "second": new["size"]}
            proof = (await get(worker, "/log/proof/consistency", **sizes))["proof"]
            steps = [bytes.fromhex(step) for step in proof]
            assert verify.check_heads(verify.Head.read(old), verify.Head.read(new), steps, key) == []
    lines = await check(worker)
    assert len(lines) == 584
    root = bytes.fromhex(heads[-1]["root"])
    for index in (0, 3, 255, 256, 511, 512, 583):
        proof = (await get(worker, "/log/proof/inclusion", index=index, size=584))["proof"]
        leaf = verify.leaf_hash(lines[index])
        assert verify.included(leaf, index, 584, [bytes.fromhex(step) for step in proof], root)


async def test_proofs_are_given_of_what_is_signed_only(worker: Worker):
    await erase(worker, 1, 2)
    await worker.send(worker.returned(3, worker.clock.now()))
    await worker.travel(days=31)
    await worker.sweep()
    for path, params in (
        ("inclusion", {"index": 2, "size": 3}),
        ("inclusion", {"index": 2, "size": 2}),
        ("consistency", {"first": 0, "second": 2}),
        ("consistency", {"first": 2, "second": 3}),
        ("consistency", {"first": 2, "second": 1}),
    ):
        answer = await worker.client.get(f"/log/proof/{path}", params=params)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:glem:problem:no-such-tree")
    assert len((await get(worker, "/log/leaves"))["leaves"]) == 2


async def test_the_log_is_open_to_everyone_and_bounded(worker: Worker):
    await erase(worker, 1)
    for path in ("/log/head", "/log/key", "/log/leaves", "/log/proof/inclusion?index=0&size=1"):
        answer = await worker.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("public")
    assert (await worker.client.get("/log/leaves", params={"limit": 10_001})).status_code == 422
    assert (await worker.client.get("/log/receipts/abc")).status_code == 422
    assert (await worker.client.post("/receipts", json={})).status_code == 401
    assert (await worker.client.post("/receipts", json={}, headers=WRITE)).status_code == 403
    assert (await worker.client.post("/log/disputes", json={}, headers=ISSUE)).status_code == 403


async def test_receipts_are_issued_for_ones_own_agency_only(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now(), agency=STRUER))
    own = {"authorization": f"Bearer {token('service', 'receipts:issue', KOEGE)}"}
    body = {"record_class": "loan", "record_ids": [1]}
    assert (await worker.client.post("/receipts", json=body, headers=own)).json() == []
    assert len(await issue(worker, 1)) == 1


async def test_the_tree_is_signed_when_it_grows_and_once_an_hour(worker: Worker):
    await worker.task("sign")
    await worker.task("sign")
    heads = await worker.runtime.database.fetch("SELECT * FROM tree_head")
    assert [head["size"] for head in heads] == [0]
    await worker.travel(hours=1)
    await worker.task("sign")
    await erase(worker, 1)
    sizes = await worker.runtime.database.fetch("SELECT size FROM tree_head ORDER BY signed_at")
    assert [row["size"] for row in sizes] == [0, 0, 1]


async def test_of_old_heads_the_last_of_each_hour_is_kept(worker: Worker):
    worker.clock.freeze((worker.clock.now() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0))
    hour = worker.clock.now()
    async with worker.runtime.database.transaction() as tx:
        for minute in (0, 20, 40, 70):
            at = hour + timedelta(minutes=minute)
            await tx.execute("INSERT INTO tree_head VALUES (0, $1, 'x', $2, $2)", at, tree.hash_of((0, 0), {}))
    await worker.travel(days=3)
    await worker.task("sign")
    kept = await worker.runtime.database.fetch("SELECT signed_at FROM tree_head ORDER BY signed_at")
    assert [row["signed_at"] - hour for row in kept][:2] == [timedelta(minutes=40), timedelta(minutes=70)]


async def test_h103_a_receipt_whose_record_was_found_again_is_disputed_and_stays(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    [receipt] = await issue(worker, 1)
    await worker.travel(days=31)
    await worker.sweep()
    await worker.task("sign")
    body = {"index": 0, "reason": "found-in-backup"}
    disputed = (await worker.client.post("/log/disputes", json=body, headers=WRITE)).json()
    assert (disputed["index"], disputed["disputes"]) == (1, 0)
    again = (await worker.client.post("/log/disputes", json=body, headers=WRITE)).json()
    assert again["index"] == 1
    await worker.task("sign")
    answer = await get(worker, f"/log/receipts/{verify.commitment_of(receipt)}")
    assert answer["index"] == 0
    [fault] = verify.check_receipt(receipt, answer, verify.Key(answer["key"]))
    assert fault.kind == "disputed"
    assert len(await check(worker)) == 2


async def test_only_a_receipt_of_ones_own_agency_can_be_disputed(worker: Worker):
    await erase(worker, 1)
    away = {"authorization": f"Bearer {token('dpo', 'retention:write', STRUER)}"}
    body = {"index": 0, "reason": "found-in-database"}
    assert (await worker.client.post("/log/disputes", json=body, headers=away)).status_code == 403
    await worker.client.post("/log/disputes", json=body, headers=WRITE)
    for index in (1, 2):
        answer = await worker.client.post("/log/disputes", json=body | {"index": index}, headers=WRITE)
        assert answer.json()["type"] == "urn:glem:problem:not-a-receipt"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM leaf",
        "UPDATE leaf SET agency = 'x'",
        "TRUNCATE leaf",
        "DELETE FROM tile",
        "UPDATE tile SET hashes = substring(hashes FOR 32)",
        "UPDATE tile SET hashes = '\\x00'::bytea || hashes",
        "UPDATE tree_head SET size = 5",
    ],
)
async def test_the_log_cannot_be_changed(worker: Worker, statement: str):
    await erase(worker, 1, 2)
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await worker.runtime.database.execute(statement)


async def test_h78_a_log_that_lost_signed_leaves_is_signed_no_more(worker: Worker):
    """As after a restore of one table: the next head would be a fork, so there is none, and it is said."""
    await erase(worker, 1, 2, 3)
    database = worker.runtime.database
    await database.execute("ALTER TABLE leaf DISABLE TRIGGER USER; ALTER TABLE tile DISABLE TRIGGER USER")
    await database.execute("DELETE FROM leaf WHERE leaf_index = 2; UPDATE tile SET hashes = substring(hashes FOR 64)")
    with pytest.raises(tree.BrokenTreeError, match="no longer gives"):
        await worker.task("sign")
    await worker.task("figures")
    assert "glem_log_unsigned -1.0" in (await worker.client.get("/metrics")).text
    await database.execute("UPDATE leaf SET leaf_index = leaf_index + 5")
    await worker.send(worker.returned(9, worker.clock.now()))
    await worker.travel(days=31)
    with pytest.raises(tree.BrokenTreeError):
        await worker.sweep()
    assert 9 in await worker.clocks()


async def test_concurrent_sweeps_append_to_one_tree(worker: Worker):
    import asyncio

    from retention_worker.figures import Figures
    from retention_worker.sweeps.actions import Sweeper

    class Metrics:
        registry = None

    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start) for number in range(1, 701)))
    await worker.send(*(worker.returned(number, start, agency=STRUER) for number in range(1001, 1701)))
    await worker.travel(days=31)
    sweepers = [Sweeper(worker.runtime, worker.runtime.settings, Figures(Metrics())) for _ in range(3)]
    await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    await worker.task("sign")
    assert len(await check(worker)) == 1400


async def test_a_key_from_the_environment_signs_and_a_bad_one_is_refused(worker: Worker):
    seed = base64.b64encode(bytes(range(32))).decode()
    first, second = Log(worker.runtime.database, seed), Log(worker.runtime.database, "")
    assert (await first.signer()).log_id == rules.Signer(bytes(range(32))).log_id
    kept = Log(worker.runtime.database, "")
    assert (await second.signer()).log_id == (await kept.signer()).log_id
    await second.sign()
    await worker.travel(seconds=2)
    await first.sign()
    head = await first.head()
    assert head.log_id == (await first.signer()).log_id
    for bad in ("no base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(rules.BadKeyError, match="GLEM_LOG_KEY"):
            Log(worker.runtime.database, bad)


async def test_the_downloaded_log_is_what_the_command_checks(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import asyncio

    import httpx
    from typer.testing import CliRunner

    from embedded.cli import app
    from glem_verify import commands as log_commands

    await worker.send(worker.returned(1, worker.clock.now()))
    [receipt] = await issue(worker, 1)
    await worker.travel(days=31)
    await worker.sweep()
    await worker.task("sign")
    loop = asyncio.get_running_loop()

    def pass_on(request: httpx.Request) -> httpx.Response:
        answer = asyncio.run_coroutine_threadsafe(worker.client.get(str(request.url)), loop).result(10)
        return httpx.Response(answer.status_code, content=answer.content)

    def client(url: str) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(pass_on))

    monkeypatch.setattr(log_commands, "_client", client)

    async def run(*words: object) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])
        return result.exit_code, " ".join(result.output.split())

    url = ("--url", "http://worker.test")
    log, kept = tmp_path / "log.jsonl", tmp_path / "receipt.json"
    kept.write_text(json.dumps(receipt))
    assert (await run("download-log", log, *url))[0] == 0
    head = tmp_path / "log.head.json"
    assert (await run("verify", log, "--receipt", kept))[0] == 0
    assert (await run("verify", "--receipt", kept, *url))[0] == 0
    await erase(worker, 2, 3)
    assert await run("verify", "--head", head, *url) == (0, "The log has only grown, to 3 leaves.")
    kept.write_text(json.dumps(receipt | {"record_id": 5}))
    assert "not-found" in (await run("verify", "--receipt", kept, *url))[1]


def test_the_text_built_for_a_batch_is_the_text_of_each_leaf():
    kind = rules.LeafKind(KOEGE, "loan", "erased", 1, START)
    commitments = [secrets.token_bytes(32) for _ in range(5)]
    [batch] = rules.merged([rules.Receipts(kind, commitments[:2]), rules.Receipts(kind, commitments[2:])])
    assert list(rules.contents(batch)) == [rules.receipt_content(kind, each) for each in sorted(commitments)]
    assert all(verify.read_leaf(content) is not None for content in rules.contents(batch))
