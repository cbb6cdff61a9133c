"""Signs access tokens (JWT, RS256) and publishes the keys that verify them (JWKS)."""

import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt

from glem.identity import AUDIENCE

if TYPE_CHECKING:
    from jose.backends.base import Key

ALGORITHM = "RS256"
KEY_BITS = 2048


class Issuer:
    """Issues tokens under the name `name`; `use_keys` must have been called."""

    def __init__(self, name: str, token_seconds: int) -> None:
        """Issue tokens that are valid for `token_seconds`, by the real clock."""
        self._name = name
        self.token_seconds = token_seconds
        self._key_id = ""
        self._private: Key | None = None
        self.jwks: dict[str, object] = {"keys": []}

    def use_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Sign with the first of `keys` (key id, private PEM) and publish all."""
        # Made once: OpenSSL takes tens of milliseconds to read and check a private key.
        private = [(key_id, jwk.construct(pem, ALGORITHM)) for key_id, pem in keys]
        self._key_id, self._private = private[0]
        self.jwks = {"keys": [_public(key_id, key) for key_id, key in private]}

    def sign(self, *, subject: str, role: str, agency: str, scopes: Iterable[str], wards: Iterable[int]) -> str:
        """Return an access token; it holds random ids and codes only (R5, R21)."""
        if self._private is None:
            message = "the issuer has no key yet"
            raise RuntimeError(message)
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self._name,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role,
            "agency": agency,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + self.token_seconds,
            "jti": secrets.token_hex(8),
        }
        if children := sorted(wards):
            claims["wards"] = children
        return str(jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._key_id}))


def make_private_pem() -> str:
    """Return a new private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(key_id: str, private: "Key") -> dict[str, object]:
    document = private.public_key().to_dict()
    text = {name: value.decode() if isinstance(value, bytes) else value for name, value in document.items()}
    return {**text, "kid": key_id, "use": "sig", "alg": ALGORITHM}
