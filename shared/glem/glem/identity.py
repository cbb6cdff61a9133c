"""The caller: JWTs verified through the issuer's JWKS, and the scope that each route needs.

Which role has which scope is decided by the issuer: patron-api, or an outside OpenID Connect issuer.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.params import Depends
from jose import jwt
from jose.exceptions import JOSEError

from glem.clients import PeerError
from glem.problems import BAD_TOKEN, NO_SCOPE, NO_TOKEN, UNAVAILABLE, WRONG_AGENCY, RefusedError

ALGORITHMS = ["RS256", "ES256"]
# Without this the library accepts a token without an audience.
CLAIMS = {f"require_{claim}": True for claim in ("aud", "iss", "sub", "exp")}
AUDIENCE = "glem"
CACHE_LIMIT = 20_000
KEYS_FRESH_SECONDS = 300.0

FetchKeys = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a verified token. `subject` is a patron's id for patrons and guardians, else a name of the account.

    `agency` is "*" for services, which serve all agencies. `wards` are the children whose guardian the bearer is.
    """

    subject: str
    role: str
    agency: str
    scopes: frozenset[str]
    expires: float
    wards: frozenset[int] = field(default_factory=frozenset)

    @property
    def patron_id(self) -> int | None:
        """The patron's id, when the bearer is one."""
        return int(self.subject) if self.role in {"patron", "guardian"} else None

    def may(self, scope: str) -> bool:
        """Say whether the token holds `scope`."""
        return scope in self.scopes

    def at(self, agency: str) -> None:
        """Raise RefusedError (wrong-agency) when the token belongs to another agency."""
        if self.agency not in {agency, "*"}:
            raise RefusedError(WRONG_AGENCY())

    def about(self, patron_id: int, others: str) -> None:
        """Raise RefusedError unless the bearer is that patron, a guardian of theirs, or has the scope `others`."""
        if self.patron_id != patron_id and patron_id not in self.wards and others not in self.scopes:
            raise RefusedError(NO_SCOPE(scope=others))


class Verifier:
    """Verifies tokens; a verified token is cached until it expires."""

    def __init__(self, fetch_keys: FetchKeys, issuer: str) -> None:
        """Trust tokens of `issuer`, signed with a key of its JWKS, which `fetch_keys` returns."""
        self._fetch_keys = fetch_keys
        self._issuer = issuer
        self._keys: Mapping[str, Any] = {}
        self._fetched_at = float("-inf")
        self._verified: dict[str, Principal] = {}

    async def verify(self, token: str) -> Principal:
        """Return the bearer; raises RefusedError (bad-token, unavailable)."""
        principal = self._verified.get(token)
        if principal is None:
            principal = await self._read(token)
            if len(self._verified) >= CACHE_LIMIT:
                self._verified.clear()
            self._verified[token] = principal
        if principal.expires <= time.time():
            self._verified.pop(token, None)
            raise RefusedError(BAD_TOKEN())
        return principal

    async def _read(self, token: str) -> Principal:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self._key(str(key_id))
            claims = jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=AUDIENCE, issuer=self._issuer, options=CLAIMS
            )
            return Principal(
                subject=claims["sub"],
                role=claims["role"],
                agency=claims["agency"],
                expires=float(claims["exp"]),
                scopes=frozenset(claims["scope"].split()),
                wards=frozenset(claims.get("wards", ())),
            )
        except (JOSEError, KeyError, AttributeError, TypeError, ValueError) as error:
            raise RefusedError(BAD_TOKEN()) from error

    async def _key(self, key_id: str) -> Any:  # noqa: ANN401  a JSON Web Key
        if key_id not in self._keys or time.monotonic() - self._fetched_at > KEYS_FRESH_SECONDS:
            if key_id not in self._keys and time.monotonic() - self._fetched_at < 1:
                raise KeyError(key_id)
            try:
                document = await self._fetch_keys()
                self._keys = {key["kid"]: key for key in document["keys"]}
            except (PeerError, KeyError, TypeError) as error:
                raise RefusedError(UNAVAILABLE()) from error
            self._fetched_at = time.monotonic()
        return self._keys[key_id]


async def bearer_of(request: Request, *scopes: str) -> Principal:
    """Return the bearer of the request's token, which must have one of `scopes`; with none given, any token.

    Raises RefusedError: no-token, bad-token, or missing-scope (which names the last of `scopes`).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(NO_TOKEN())
    principal: Principal = await request.app.state.runtime.verifier.verify(token)
    if scopes and principal.scopes.isdisjoint(scopes):
        raise RefusedError(NO_SCOPE(scope=scopes[-1]))
    return principal


def requires(scope: str) -> Depends:
    """Return the dependency of a route that needs `scope`; it gives the Principal."""
    return requires_any(scope)


def requires_any(*scopes: str) -> Depends:
    """Return the dependency of a route that needs one of `scopes` (with none given: any token); it gives the Principal.

    Refuses as `bearer_of` does.
    """

    async def bearer(request: Request) -> Principal:
        return await bearer_of(request, *scopes)

    bearer.scopes = scopes  # type: ignore[attr-defined]
    return Depends(bearer)
