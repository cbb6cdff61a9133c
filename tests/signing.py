"""The key that signs the tokens of tests which stand for patron-api. OpenSSL takes 40 ms to read a private key: it is read once."""

from __future__ import annotations

import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt

_PEM = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
_KEY = jwk.construct(_PEM.decode(), "RS256")
JWKS = {"keys": [{**_KEY.public_key().to_dict(), "kid": "test"}]}
"""What such a patron-api publishes."""


def sign(subject: str, role: str, agency: str, scopes: str, **claims: object) -> str:
    """A token that is good for an hour; `claims` are further ones."""
    content = {"iss": "glem", "aud": "glem", "sub": subject, "role": role, "agency": agency, "scope": scopes}
    headers = {"kid": "test"}
    return jwt.encode({**content, "exp": time.time() + 3600, **claims}, _KEY, algorithm="RS256", headers=headers)
