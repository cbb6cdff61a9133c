"""What is planted: values that occur nowhere else, and every form in which a byte might show them."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote


def make_cpr() -> str:
    """A replacement number (day + 60) of an adult, that no other patron has."""
    number = secrets.randbelow(10**6)
    return f"{61 + number % 28}{1 + number % 12:02}{50 + number % 40}{1000 + secrets.randbelow(3000):04}"


def make_card() -> str:
    return f"9{secrets.randbelow(10**17):017}"


def make_phone() -> str:
    return f"+4528{secrets.randbelow(10**6):06}"


def make_word() -> str:
    return f"{secrets.token_hex(6)}æø"


def make_mail() -> str:
    return f"m{secrets.token_hex(8)}@example.dk"


@dataclass
class Markers:
    """One patron's values. `texts` are sentences of the messages that were sent, known only afterwards."""

    name: str = field(default_factory=lambda: f"Prøve {make_word()}")
    street: str = field(default_factory=lambda: f"Vej {make_word()}")
    cpr: str = field(default_factory=make_cpr)
    card: str = field(default_factory=make_card)
    email: str = field(default_factory=make_mail)
    phone: str = field(default_factory=make_phone)
    new_email: str = field(default_factory=make_mail)
    new_phone: str = field(default_factory=make_phone)
    internal_note: str = field(default_factory=lambda: f"Afleverer altid {make_word()}")
    patron_note: str = field(default_factory=lambda: f"Husk briller {make_word()}")
    title: str = field(default_factory=lambda: f"Titel {make_word()}")
    texts: list[str] = field(default_factory=list)

    def values(self) -> dict[str, str]:
        """Every value by what it is."""
        single = {name: value for name, value in vars(self).items() if isinstance(value, str)}
        return single | {f"text {number}": text for number, text in enumerate(self.texts)}


def forms(value: str) -> list[bytes]:
    """Every way in which `value` may be written: plain, in JSON, in a URL, in base64 at any offset, as hex, in UTF-16."""
    written = [value]
    if len(value) == 10 and value.isdigit():
        written += [f"{value[:6]}-{value[6:]}", f"{value[:6]} {value[6:]}"]
    if value.startswith("+45"):
        written.append(value[3:])
    found: list[bytes] = []
    for text in written:
        raw = text.encode()
        found += [raw, text.encode("utf-16-le"), raw.hex().encode(), raw.hex().upper().encode()]
        found += [json.dumps(text)[1:-1].encode(), quote(text, safe="").encode()]
        found += [_inner(raw, offset) for offset in range(3)]
    return list(dict.fromkeys(found))


def _inner(raw: bytes, offset: int) -> bytes:
    """The base64 digits that `raw` alone decides, when it begins `offset` bytes into a group of three."""
    encoded = base64.b64encode(bytes(offset) + raw)
    first = (0, 2, 3)[offset]
    last = len(encoded) - (0, 4, 4)[(offset + len(raw)) % 3]
    return encoded[first:last]
