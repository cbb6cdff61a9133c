"""The rules of patron-api: values only."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glem.problems import Refusal
from glem_retention.agencies import PolicyFileError, load_agencies
from patron_api import free_text
from patron_api.absence.rules import Period
from patron_api.agency import PatronRules, read_rules
from patron_api.contacts.rules import Reach, read_email, read_phone, with_receiver
from patron_api.identity.rules import Attempts, attempt
from patron_api.patrons.rules import age_band, birthday, has_reached, latest_birth, may_change
from patron_api.permissions.rules import permitted, step

AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
NOW = datetime(2026, 9, 1, 10, tzinfo=UTC)


def make_rules(**changes: object) -> PatronRules:
    base = {
        "languages": ["da"],
        "default_language": "da",
        "notice_permission": "opt-in",
        "birthdate_purposes": ["fee"],
        "age_bands": [7, 11, 15],
        "minor_consent": "required",
        "guardian_fields": [],
        "cpr_auto_update": True,
        "groups": ["adult"],
    }
    return PatronRules.model_validate({**base, **changes})


def test_the_age_band_is_the_highest_age_reached():
    born = date(2015, 9, 2)
    assert age_band(born, [7, 11, 15], date(2026, 9, 1)) == 7
    assert age_band(born, [7, 11, 15], date(2026, 9, 2)) == 11
    assert age_band(born, [], date(2026, 9, 2)) == 0


@given(
    born=st.dates(date(1900, 1, 1), date(2030, 1, 1)),
    age=st.integers(0, 60),
    today=st.dates(date(2000, 1, 1), date(2090, 1, 1)),
)
def test_latest_birth_says_the_same_as_has_reached(born, age, today):
    assert (born <= latest_birth(age, today)) == has_reached(born, age, today)


def test_born_on_a_leap_day_the_birthday_is_in_february():
    assert birthday(date(2008, 2, 29), 18) == date(2026, 2, 28)


def test_the_fifth_failure_locks_and_a_right_code_does_not_open():
    rules, before = make_rules(), Attempts(0, None)
    for _ in range(4):
        before, refusal = attempt(before, NOW, rules, fits=False)
        assert refusal.problem.name == "login-refused"
    before, refusal = attempt(before, NOW, rules, fits=False)
    assert refusal.problem.name == "loaner-locked-out"
    assert before.locked_until == NOW + timedelta(minutes=120)
    _, refusal = attempt(before, NOW + timedelta(minutes=119), rules, fits=True)
    assert refusal.problem.name == "loaner-locked-out"
    after, refusal = attempt(before, NOW + timedelta(minutes=120), rules, fits=False)
    assert (after, refusal.problem.name) == (Attempts(1, None), "login-refused")
    after, refusal = attempt(before, NOW + timedelta(minutes=120), rules, fits=True)
    assert (after, refusal) == (Attempts(0, None), None)


def test_permission_differs_by_agency_only_until_the_patron_decides():
    asked, sent = make_rules(), make_rules(notice_permission="default-on")
    found = {state: [permitted(state, rules) for rules in (asked, sent)] for state in (None, True, False)}
    assert found == {None: [False, True], True: [True, True], False: [False, False]}
    assert [step(state, wanted) for wanted in (True, False) for state in (None, True, False)] == [
        "give", None, "give", "deny", "withdraw", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "value"),
    [("20123456", "+4520123456"), ("20 12 34 56", "+4520123456"), ("0045 20123456", "+4520123456"),
     ("+46 70 123 45 67", "+46701234567")],
)  # fmt: skip
def test_phones_become_e164(typed, value):
    assert read_phone(typed, "mobile", receives=True).value == value


@pytest.mark.parametrize("typed", ["", "123", "0", "hello", "+45 1", "20123456 ext. 7", "1" * 40])
def test_a_malformed_phone_is_refused(typed):
    assert read_phone(typed, "mobile", receives=True).problem.name == "malformed-phone"


@pytest.mark.parametrize(
    "typed", ["", "a", "a@b", "a b@c.dk", "a@@c.dk", "a..b@c.dk", "a@-c.dk", "a@c.dk>\n", "x" * 65 + "@c.dk"]
)
def test_a_malformed_email_is_refused(typed):
    assert read_email(typed, receives=True).problem.name == "malformed-email"


def make_reach(value: str, kind: str = "mobile", *, receives: bool = False) -> Reach:
    return Reach("phone", kind, value, receives)


def test_exactly_one_receives():
    one = make_reach("1", receives=True)
    assert with_receiver([make_reach("1")]) == [one]
    assert with_receiver([]) == []
    assert with_receiver([make_reach("1"), make_reach("2", "landline")]) == [one, make_reach("2", "landline")]
    for wrong in (
        [make_reach("1"), make_reach("2")],
        [make_reach("1", receives=True), make_reach("2", receives=True)],
        [make_reach("1"), make_reach("2", "landline", receives=True)],
    ):
        assert isinstance(with_receiver(wrong), Refusal)


@pytest.mark.parametrize(
    "text",
    [
        "mangler Harry Potter 3",
        "ISBN 978-0-306-40615-7",
        "FAUST 29494940",
        "870970-basis:29494940",
        "bad om »Fifty shades«",
    ],
)
def test_a_text_that_names_a_work_is_noticed(text):
    assert free_text.names_a_work(text)


@pytest.mark.parametrize(
    "text", ["Sundhedskort ligger i skranken", "Ring 20 12 34 57 efter kl. 16", "Aftalt med Lis 3/9"]
)
def test_a_text_without_a_work_is_left_alone(text):
    assert not free_text.names_a_work(text)


def test_who_may_change_which_field():
    """R4-R8, R16-R19: the row says by whom."""
    by_patron, by_staff = {"home_branch", "language"}, {"language", "patron_group", "municipality", "co_address"}
    fields = by_patron | by_staff | {"name", "cpr", "birth_date", "address", "protected", "patron_id"}
    for name in fields:
        assert (may_change({name}, "patron") is None) == (name in by_patron), name
        assert (may_change({name}, "staff") is None) == (name in by_staff), name


def test_an_absence_is_due_at_the_end_of_its_last_danish_day():
    assert Period(None, date(2026, 7, 31)).anchor == datetime(2026, 7, 31, 22, tzinfo=UTC)
    assert Period(None, date(2026, 12, 31)).anchor == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert Period(date(2026, 7, 1), None).anchor is None


@pytest.mark.parametrize(
    ("find", "put", "named"),
    [
        ('default_language = "da"', 'default_language = "en"', "default_language"),
        ("age_bands = [7, 11, 15]", "age_bands = [15, 7]", "age_bands"),
        ("note_days = 90", "note_days = 30", "note_days"),
        ("[retention.absence]", "[retention.absences]", "retention.absence"),
    ],
)
def test_a_wrong_agency_file_stops_the_service(tmp_path, find, put, named):
    text = (AGENCIES / "koege.toml").read_text()
    assert find in text
    (tmp_path / "koege.toml").write_text(text.replace(find, put))
    with pytest.raises(PolicyFileError, match=named):
        read_rules(load_agencies(tmp_path))


def test_the_four_libraries_are_read():
    assert len(read_rules(load_agencies(AGENCIES))) == 4
