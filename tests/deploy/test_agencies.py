"""The four libraries' files: every service takes them, and they stay within what Danish libraries may ask."""

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from glem_contracts.record_classes import RECORD_CLASSES
from glem_retention.agencies import Agencies, AgencyIdentity, RetentionPolicy, load_agencies
from loan_api.agency import FeeStep, GroupRules, Lending, LendingRules
from notifier.agency import MessageRules
from patron_api.agency import PatronRules, read_rules

# Kroner for up to 7 days late, up to 30, and more: the most that Danish price lists ask.
HIGHEST = {"adult": (20, 120, 230), "child": (10, 55, 120)}
ALL = {"DK-725900": "0259", "DK-785100": "0851", "DK-773000": "0730", "DK-767100": "0671"}
UNLIMITED = {"debt-amount", "message-envelope", "homebound-work"}


@pytest.fixture(scope="module")
def agencies() -> Agencies:
    return load_agencies(Path(__file__).parents[2] / "deploy" / "agencies")


@pytest.fixture(scope="module")
def lending(agencies) -> Lending:
    return Lending(agencies)


def price(steps: list[FeeStep], days: int) -> int:
    return next(step.amount for step in steps if step.days is None or days <= step.days)


def test_every_service_takes_the_files(agencies, lending):
    messages = agencies.section("messages", MessageRules)
    patrons = read_rules(agencies)
    assert {isil: agency.identity.municipality for isil, agency in agencies.items()} == ALL
    for isil in agencies:
        assert set(lending[isil].groups) == set(patrons[isil].groups)
        assert lending[isil].child_below in patrons[isil].age_bands
        assert messages[isil].languages == patrons[isil].languages
        assert messages[isil].default_language == patrons[isil].default_language


def test_libraries_differ_as_their_policies_do(agencies, lending):
    patrons = read_rules(agencies)
    assert {isil: rules.languages for isil, rules in patrons.items() if rules.languages == ["da"]} == {
        "DK-725900": ["da"]
    }
    assert patrons["DK-725900"].notice_permission == "opt-in"
    assert [agencies[isil].retention["debt"].action for isil in ALL] == ["redact", "erase", "erase", "erase"]
    assert not lending.uses_age_limits("DK-767100")
    assert {lending[isil].child_below for isil in ALL} == {14, 15, 18}
    assert not any(policy.stated for policy in agencies["DK-785100"].retention.values())


def test_every_class_with_a_clock_has_a_policy(agencies):
    clocked = {name for name, record_class in RECORD_CLASSES.items() if record_class.actions}
    patrons = read_rules(agencies)
    for isil, agency in agencies.items():
        own = {"debt-amount"} if agency.retention["debt"].action == "redact" else set()
        own |= {"homebound-work"} if patrons[isil].homebound.enabled else set()
        assert agency.retention.keys() == (clocked - UNLIMITED) | own, isil
        assert agency.retention["loan"].period == timedelta(days=30)


def test_no_fee_is_above_the_highest_that_libraries_ask(lending):
    for rules in lending.values():
        for age, limits in HIGHEST.items():
            steps = getattr(rules.fees, age)
            assert [price(steps, days) for days in (7, 30, 31)] <= [100 * limit for limit in limits]
            assert all(price(steps, days) <= 100 * limits[(days > 7) + (days > 30)] for days in range(1, 60))
        assert all(price(rules.fees.child, days) <= price(rules.fees.adult, days) for days in range(1, 60))


def test_types_of_works_are_those_of_the_catalogue(lending):
    file = Path(__file__).parents[1] / "proving" / "demo" / "catalogue.jsonl.gz"
    types = {json.loads(line)["type"] for line in gzip.decompress(file.read_bytes()).splitlines()}
    for rules in lending.values():
        assert set(rules.loan_days_by_type) <= types
        for group in rules.groups.values():
            assert set(group.may_borrow) <= types | {"*"}


def test_the_readme_explains_every_key(root: Path):
    text = (root / "deploy" / "agencies" / "README.md").read_text()
    explained = set(re.findall(r"[`.](\w+)`", text)) | set(re.findall(r"\[agency\.(\w+)\]", text))
    for model in (AgencyIdentity, PatronRules, LendingRules, GroupRules, MessageRules, RetentionPolicy):
        assert set(model.model_fields) - explained == set(), model.__name__
