"""The libraries of the simulation: small files of agencies, each with another way of keeping."""

from datetime import datetime
from pathlib import Path

KEEPS_AMOUNTS, GOES_WHOLE, HOLDS_ALL, REMEMBERS = "DK-900001", "DK-900002", "DK-900003", "DK-900004"
CLASSES_AT = (KEEPS_AMOUNTS, GOES_WHOLE)
"""Where a debt holds its own loans only, so that one patron may be a whole school."""

LENDING = """
[agency]
isil = "{isil}"
name = "{name}"
municipality = "0900"
contact = "nobody"
branches = {{ "{isil}" = "Main" }}

[policy_page]
controller = "nobody"

[lending]
debt_limit = 1000000
fee_scope = "{scope}"
child_below = 15
due_soon_days = 4
reminder_days = [1]
pickup_days = 7
interest_days = 365
max_reservations = 30
fees = {{ adult = [{{ days = 7, amount = 2000 }}, {{ amount = 12000 }}], child = [{{ amount = 0 }}] }}
groups = {{ adult = {{ loan_days = 28, renewals = 4, max_loans = 100000 }} }}
"""
POLICY = """
[retention.{record_class}]
period = "{period}"
action = "{action}"
version = 1
effective = {effective}
wording = "simulated"
rows = ["R34"]
"""
# What every library must have a policy for, though no life here is about it.
BESIDES = (
    ("viewing", "P180D", "erase"),
    ("legal-hold", "P365D", "erase"),
    ("policy-change", "P1096D", "redact"),
    ("breaker-acknowledgement", "P1096D", "redact"),
)
HOUSES = (
    (
        KEEPS_AMOUNTS,
        "Keeps amounts",
        "loan",
        (("loan", "P30D", "erase"), ("debt", "P30D", "redact"), ("debt-amount", "P45D", "erase")),
    ),
    (GOES_WHOLE, "Goes whole", "loan", (("loan", "P30D", "erase"), ("debt", "P30D", "erase"))),
    (HOLDS_ALL, "Holds all", "patron", (("loan", "P28D", "erase"), ("debt", "P35D", "erase"))),
    (
        REMEMBERS,
        "Remembers works",
        "loan",
        (("loan", "P30D", "erase"), ("debt", "P30D", "erase"), ("homebound-work", "P70D", "erase")),
    ),
)


def build(folder: Path, effective: datetime) -> Path:
    """Write the agencies' files, policies in force from `effective` on; return the folder."""
    folder.mkdir(parents=True)
    for isil, name, scope, policies in HOUSES:
        texts = [LENDING.format(isil=isil, name=name, scope=scope)]
        texts += [
            POLICY.format(record_class=record_class, period=period, action=action, effective=effective.isoformat())
            for record_class, period, action in (*policies, *BESIDES)
        ]
        (folder / f"{isil}.toml").write_text("".join(texts), encoding="utf-8")
    return folder
