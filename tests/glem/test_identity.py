"""Only tokens that the issuer signed for us, and that have not expired, say who is asking."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt

from glem import identity
from glem.clients import PeerAwayError, PeerError
from glem.identity import Principal, Verifier
from glem.problems import RefusedError

if TYPE_CHECKING:
    from jose.backends.base import Key


@cache
def read_key(pem: str, algorithm: str) -> Key:
    """Return the key in `pem`; read once, for OpenSSL takes 40 ms to check a private one."""
    return jwk.construct(pem, algorithm)


@cache
def make_key(_: str, *, curve: bool) -> tuple[str, str]:
    """Return a private key for this name, and its algorithm; made once, for it takes a while."""
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), "ES256" if curve else "RS256"


class Issuer:
    """An issuer whose keys can be rotated and whose JWKS can be away."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, str]] = {}
        self.published: list[str] = []
        self.fetched = 0
        self.answer: Exception | dict[str, Any] | None = None
        self.add("one")

    def add(self, name: str, *, curve: bool = False) -> None:
        self.keys[name] = make_key(name, curve=curve)
        self.published.append(name)

    def public_pem(self, name: str) -> bytes:
        pem, _ = self.keys[name]
        public = serialization.load_pem_private_key(pem.encode(), None).public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    async def fetch(self) -> dict[str, Any]:
        self.fetched += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        public = [{**read_key(*self.keys[name]).public_key().to_dict(), "kid": name} for name in self.published]
        return {"keys": public}

    def token(self, kid: str = "one", *, key: str | None = None, without: str = "", **claims: object) -> str:
        content = {
            "iss": "glem",
            "aud": "glem",
            "sub": "123",
            "role": "patron",
            "agency": "DK-725900",
            "scope": "self",
            "exp": int(time.time()) + 600,
        } | claims
        content.pop(without, None)
        pem, algorithm = self.keys[key or kid]
        return jwt.encode(content, read_key(pem, algorithm), algorithm=algorithm, headers={"kid": kid})


def forged(header: dict[str, object], claims: str, secret: bytes = b"") -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{claims}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{part(signature)}"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    return Verifier(issuer.fetch, "glem")


async def refusal(verifier: Verifier, token: str) -> str:
    with pytest.raises(RefusedError) as caught:
        await verifier.verify(token)
    return caught.value.refusal.problem.name


async def test_a_good_token_says_who_it_is(issuer: Issuer, verifier: Verifier):
    principal = await verifier.verify(issuer.token(role="guardian", scope="self debts:read", wards=[7, 8]))
    assert principal.patron_id == 123
    assert principal.agency == "DK-725900"
    assert principal.wards == {7, 8}
    assert principal.may("debts:read")
    assert not principal.may("debts:write")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_700_000_000},
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"nbf": 4_000_000_000},
        {"without": "aud"},
        {"without": "iss"},
        {"without": "sub"},
        {"without": "exp"},
        {"without": "role"},
        {"without": "agency"},
        {"without": "scope"},
        {"scope": None},
        {"wards": 7},
        {"exp": "tomorrow"},
    ],
    ids=str,
)
async def test_a_token_that_is_wrong_or_incomplete_is_refused(issuer: Issuer, verifier: Verifier, claims):
    assert await refusal(verifier, issuer.token(**claims)) == "bad-token"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "å.å.å", "e30.e30.", "bnVsbA.bnVsbA.", "W10.W10.x"])
async def test_what_is_no_token_is_refused(verifier: Verifier, token: str):
    assert await refusal(verifier, token) == "bad-token"


async def test_another_keys_signature_is_refused(issuer: Issuer, verifier: Verifier):
    issuer.add("two")
    assert await refusal(verifier, issuer.token("one", key="two")) == "bad-token"


async def test_a_changed_token_is_refused(issuer: Issuer, verifier: Verifier):
    header, _, signature = issuer.token().split(".")
    other = issuer.token(sub="124").split(".")[1]
    assert await refusal(verifier, f"{header}.{other}.{signature}") == "bad-token"


@pytest.mark.parametrize("algorithm", ["none", "None", "", None, "HS256"])
async def test_an_unsigned_token_is_refused(issuer: Issuer, verifier: Verifier, algorithm: object):
    claims = issuer.token().split(".")[1]
    header = {"alg": algorithm, "typ": "JWT", "kid": "one"}
    assert await refusal(verifier, forged(header, claims)) == "bad-token"


async def test_the_public_key_is_no_secret_to_sign_with(issuer: Issuer, verifier: Verifier):
    claims = issuer.token().split(".")[1]
    header = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    assert await refusal(verifier, forged(header, claims, issuer.public_pem("one"))) == "bad-token"
    modulus = (await issuer.fetch())["keys"][0]["n"]
    assert await refusal(verifier, forged(header, claims, str(modulus).encode())) == "bad-token"


async def test_a_key_of_another_kind_is_refused(issuer: Issuer, verifier: Verifier):
    issuer.add("curve", curve=True)
    assert await refusal(verifier, issuer.token("one", key="curve")) == "bad-token"
    assert await refusal(verifier, issuer.token("curve", key="one")) == "bad-token"
    assert (await verifier.verify(issuer.token("curve"))).subject == "123"


async def test_a_remembered_token_is_refused_once_it_has_expired(
    issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
):
    token = issuer.token()
    await verifier.verify(token)
    monkeypatch.setattr(identity.time, "time", lambda: 4_000_000_000.0)
    assert await refusal(verifier, token) == "bad-token"
    assert not verifier._verified


async def test_a_verified_token_is_not_verified_again(issuer: Issuer, verifier: Verifier):
    token = issuer.token()
    assert await verifier.verify(token) is await verifier.verify(token)
    assert issuer.fetched == 1


async def test_the_memory_of_tokens_is_bounded(issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(identity, "CACHE_LIMIT", 5)
    for number in range(20):
        await verifier.verify(issuer.token(sub=str(number)))
        assert len(verifier._verified) <= 5


async def test_refused_tokens_are_not_remembered(issuer: Issuer, verifier: Verifier):
    await refusal(verifier, issuer.token(aud="somebody"))
    assert not verifier._verified


async def test_a_new_key_is_fetched_when_it_is_met(issuer: Issuer, verifier: Verifier):
    await verifier.verify(issuer.token())
    issuer.add("two")
    verifier._fetched_at -= 2
    assert (await verifier.verify(issuer.token("two"))).subject == "123"
    assert issuer.fetched == 2


async def test_a_withdrawn_key_ends_after_a_while(issuer: Issuer, verifier: Verifier):
    await verifier.verify(issuer.token())
    issuer.add("two")
    issuer.published = ["two"]
    verifier._fetched_at -= identity.KEYS_FRESH_SECONDS + 1
    assert await refusal(verifier, issuer.token(sub="9")) == "bad-token"


async def test_unknown_keys_do_not_flood_the_issuer(issuer: Issuer, verifier: Verifier):
    claims = issuer.token().split(".")[1]
    for number in range(20):
        assert await refusal(verifier, forged({"alg": "RS256", "kid": f"unknown-{number}"}, claims)) == "bad-token"
    assert issuer.fetched == 1


@pytest.mark.parametrize(
    "answer",
    [
        PeerAwayError("patron-api", "ConnectError"),
        PeerError("patron-api", "not JSON"),
        {},
        {"keys": [{}]},
        {"keys": None},
    ],
    ids=str,
)
async def test_without_the_issuers_keys_the_answer_is_later(issuer: Issuer, verifier: Verifier, answer):
    issuer.answer = answer
    assert await refusal(verifier, issuer.token()) == "unavailable"
    issuer.answer = None
    assert (await verifier.verify(issuer.token())).subject == "123"


def make_principal(**options) -> Principal:
    options = {"subject": "5", "role": "patron", "agency": "DK-725900", "scopes": frozenset(), "expires": 0.0} | options
    return Principal(**options)


def test_a_token_of_another_agency_is_refused():
    make_principal().at("DK-725900")
    make_principal(agency="*", role="service", subject="notifier").at("DK-767100")
    with pytest.raises(RefusedError, match="wrong-agency"):
        make_principal().at("DK-767100")


def test_one_asks_about_oneself_ones_wards_or_by_a_scope():
    make_principal().about(5, "circulation:read")
    make_principal(role="guardian", wards=frozenset({6})).about(6, "circulation:read")
    make_principal(role="librarian", subject="karin", scopes=frozenset({"circulation:read"})).about(
        6, "circulation:read"
    )
    for stranger in (make_principal(), make_principal(role="automat", subject="5")):
        with pytest.raises(RefusedError, match="missing-scope"):
            stranger.about(6 if stranger.role == "patron" else 5, "circulation:read")
