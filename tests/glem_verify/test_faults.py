"""`glem verify` finds every planted fault in a log, a head or a receipt."""

import base64
import hashlib
import json
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from embedded.cli import app
from glem_verify import checks as verify
from glem_verify.checks import Head, Key

SECRET = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_SECRET = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
SALT = bytes(range(32))
RECEIPT_AT = 17


def jwk(secret: Ed25519PrivateKey) -> dict[str, str]:
    raw = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")}


KEY, OTHER_KEY = Key(jwk(SECRET)), Key(jwk(OTHER_SECRET))


def make_lines(count: int, seed: int = 1) -> list[bytes]:
    noise = random.Random(seed)
    commitments = [noise.randbytes(32).hex() for _ in range(count)]
    if count > RECEIPT_AT:
        commitments[RECEIPT_AT] = hashlib.sha256(b"glem-receipt-v1" + SALT + b"loan/4711").hexdigest()
    return [
        verify.canonical(
            {"v": 1, "agency": "DK-725900", "class": "loan", "action": "erased", "policy": 1}
            | {"hour": "2026-10-01T12:00Z", "commitment": commitment}
        )
        for commitment in commitments
    ]


def sign(lines: list[bytes], size: int | None = None, secret: Ed25519PrivateKey = SECRET) -> Head:
    size = len(lines) if size is None else size
    root = verify.roots_at([verify.leaf_hash(line) for line in lines], [size])[size]
    unsigned = Head(Key(jwk(secret)).log_id, size, root, "2026-10-01T13:00:00Z", b"")
    return Head(unsigned.log_id, size, root, unsigned.signed_at, secret.sign(unsigned.signed))


def kinds(faults: list[verify.Fault]) -> set[str]:
    return {fault.kind for fault in faults}


LINES = make_lines(100)
HEAD, EARLIER = sign(LINES), sign(LINES, 40)


def test_an_honest_log_has_no_fault():
    assert verify.check_log(LINES, [HEAD], KEY) == []
    assert verify.check_log(LINES, [HEAD, EARLIER], KEY) == []
    assert verify.check_log([], [sign([])], KEY) == []


def test_a_truncated_log_is_found():
    assert "truncated" in kinds(verify.check_log(LINES[:99], [HEAD], KEY))
    assert "truncated" in kinds(verify.check_log(LINES[:40], [HEAD, EARLIER], KEY))
    assert "truncated" in kinds(verify.check_log([], [HEAD], KEY))


def test_leaves_that_nobody_signed_are_found():
    assert kinds(verify.check_log(LINES, [EARLIER], KEY)) == {"unsigned"}
    assert kinds(verify.check_log(LINES, [], KEY)) == {"no-head"}


def test_h78_a_forked_log_is_found_by_a_head_from_before():
    """As after a restore from a backup whose loss nobody admits: other leaves stand where signed ones stood."""
    restored = LINES[:30] + make_lines(100, seed=2)[30:]
    assert kinds(verify.check_log(restored, [sign(restored), EARLIER], KEY)) == {"forked"}
    assert kinds(verify.check_log(restored, [sign(restored), HEAD], KEY)) >= {"forked"}


def test_a_rewritten_log_gives_no_consistency_proof():
    restored = LINES[:30] + make_lines(100, seed=2)[30:]
    for proof in ([], [HEAD.root], [b"\0" * 32] * 6):
        assert kinds(verify.check_heads(EARLIER, sign(restored), proof, KEY)) == {"forked"}


def test_the_fault_is_narrowed_by_the_heads_that_agree():
    edited = [*LINES[:60], LINES[60].replace(b"erased", b"gone"), *LINES[61:]]
    [fault] = verify.check_log(edited, [HEAD, EARLIER], KEY)
    assert fault.kind == "altered"
    assert "40 to 99" in fault.text


@given(st.data())
def test_any_change_to_any_leaf_is_found(data: st.DataObject):
    lines = list(LINES)
    at = data.draw(st.integers(0, 99))
    how = data.draw(st.sampled_from(["edit", "swap", "remove", "insert", "double"]))
    if how == "edit":
        place = data.draw(st.integers(0, len(lines[at]) - 1))
        letter = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[at][place]))
        lines[at] = lines[at][:place] + bytes([letter]) + lines[at][place + 1 :]
    elif how == "swap":
        other = data.draw(st.integers(0, 99).filter(lambda number: number != at))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "remove":
        del lines[at]
    else:
        lines.insert(at, make_lines(1, seed=9)[0] if how == "insert" else lines[at])
    assert kinds(verify.check_log(lines, [HEAD], KEY)) & {"altered", "truncated", "unsigned"}


def test_a_wrong_signature_is_found():
    broken = Head(HEAD.log_id, HEAD.size, HEAD.root, HEAD.signed_at, bytes(64))
    assert kinds(verify.check_log(LINES, [broken], KEY)) == {"bad-signature"}
    later = Head(HEAD.log_id, HEAD.size, HEAD.root, "2026-11-01T13:00:00Z", HEAD.signature)
    assert kinds(verify.check_log(LINES, [later], KEY)) == {"bad-signature"}


def test_a_wrong_key_is_found():
    assert kinds(verify.check_log(LINES, [HEAD], OTHER_KEY)) == {"wrong-key"}
    disguised = Head(KEY.log_id, HEAD.size, HEAD.root, HEAD.signed_at, OTHER_SECRET.sign(HEAD.signed))
    assert kinds(verify.check_log(LINES, [disguised], KEY)) == {"bad-signature"}


def test_a_leaf_in_another_form_a_repeated_one_and_an_impossible_dispute_are_found():
    spaced = [*LINES[:5], json.dumps(json.loads(LINES[5])).encode(), *LINES[6:]]
    assert kinds(verify.check_log(spaced, [sign(spaced)], KEY)) == {"malformed"}
    doubled = [*LINES, LINES[3]]
    assert kinds(verify.check_log(doubled, [sign(doubled)], KEY)) == {"twice"}
    ahead = [*LINES, dispute(100)]
    assert kinds(verify.check_log(ahead, [sign(ahead)], KEY)) == {"malformed"}


def dispute(index: int) -> bytes:
    leaf = {"v": 1, "kind": "dispute", "agency": "DK-725900", "hour": "2026-10-01T13:00Z"}
    return verify.canonical(leaf | {"index": index, "reason": "found-in-backup"})


RECEIPT = {"record_class": "loan", "record_id": 4711, "salt": SALT.hex(), "log_id": KEY.log_id}


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = hashes[:k], hashes[k:]
    if m < k:
        return [*path(m, left), verify.roots_at(right, [len(right)])[len(right)]]
    return [*path(m - k, right), verify.roots_at(left, [k])[k]]


def answer_of(lines: list[bytes], disputes: tuple[int, ...] = ()) -> dict:
    hashes = [verify.leaf_hash(line) for line in lines]

    def shown(index: int) -> dict:
        proof = [step.hex() for step in path(index, hashes)]
        return {"leaf": lines[index].decode(), "index": index, "proof": proof}

    head = sign(lines)
    as_json = {"log_id": head.log_id, "size": head.size, "root": head.root.hex()}
    as_json |= {"signed_at": head.signed_at, "signature": head.signature.hex()}
    return {**shown(RECEIPT_AT), "head": as_json, "key": jwk(SECRET), "disputes": [shown(index) for index in disputes]}


def test_an_honest_receipt_has_no_fault():
    assert verify.check_receipt(RECEIPT, answer_of(LINES), KEY) == []
    assert verify.find_receipt(RECEIPT, LINES) == (RECEIPT_AT, [])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"record_id": 4712}, "not-this-record"),
        ({"salt": "00" * 32}, "not-this-record"),
        ({"record_class": "debt"}, "not-this-record"),
        ({"log_id": "0" * 64}, "wrong-key"),
    ],
)
def test_a_receipt_of_something_else_is_found(change: dict, kind: str):
    assert kind in kinds(verify.check_receipt(RECEIPT | change, answer_of(LINES), KEY))


def test_an_answer_that_was_tampered_with_is_found():
    answer = answer_of(LINES)
    redacted = answer | {"leaf": answer["leaf"].replace("erased", "redacted")}
    assert kinds(verify.check_receipt(RECEIPT, redacted, KEY)) == {"not-included"}
    assert kinds(verify.check_receipt(RECEIPT, answer | {"index": 18}, KEY)) == {"not-included"}
    assert kinds(verify.check_receipt(RECEIPT, answer | {"proof": answer["proof"][:-1]}, KEY)) == {"not-included"}
    for part in ("leaf", "index", "proof", "head"):
        assert kinds(verify.check_receipt(RECEIPT, answer | {part: None}, KEY)) == {"malformed"}
    resized = answer | {"head": answer["head"] | {"size": 99}}
    assert "bad-signature" in kinds(verify.check_receipt(RECEIPT, resized, KEY))


def test_h103_a_disputed_receipt_says_so():
    lines = [*LINES, dispute(RECEIPT_AT)]
    assert kinds(verify.check_receipt(RECEIPT, answer_of(lines, (100,)), KEY)) == {"disputed"}
    assert kinds(verify.find_receipt(RECEIPT, lines)[1]) == {"disputed"}
    assert verify.check_log(lines, [sign(lines)], KEY) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in LINES))
    (tmp_path / "log.key.json").write_text(json.dumps(jwk(SECRET)))
    answer = answer_of(LINES)
    (tmp_path / "log.head.json").write_text(json.dumps(answer["head"]))
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (tmp_path / "receipt.json").write_text(json.dumps(RECEIPT))
    return tmp_path


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *map(str, words)])
    return result.exit_code, " ".join(result.output.split())


def test_the_command_checks_a_log_and_a_receipt_offline(folder: Path):
    code, said = run(folder / "log.jsonl")
    assert (code, said.startswith("All 100 leaves are as they were signed")) == (0, True)
    code, said = run(folder / "log.jsonl", "--receipt", folder / "receipt.json")
    assert (code, f"The record is leaf {RECEIPT_AT}" in said) == (0, True)
    code, said = run("--receipt", folder / "receipt.json", "--proof", folder / "answer.json")
    assert (code, "The record was erased in the hour from 2026-10-01T12:00Z" in said) == (0, True)


def test_the_command_ends_with_1_for_a_fault_and_with_2_when_it_cannot_check(folder: Path):
    (folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in LINES[:-1]))
    code, said = run(folder / "log.jsonl")
    assert (code, "truncated" in said) == (1, True)
    assert run()[0] == 2
    assert run(folder / "nothing.jsonl")[0] == 2
    assert run("--receipt", folder / "log.head.json", "--proof", folder / "answer.json")[0] == 2
