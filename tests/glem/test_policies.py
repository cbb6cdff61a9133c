"""Several versions of a policy: never revive, never lengthen, and the cutoff says the same as each record by itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glem_retention import policies
from glem_retention.agencies import Agencies, PolicyFileError, load_agencies
from glem_retention.policies import INSTANT, PolicyTerms

T0 = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
STRUER = "DK-767100"
FILES = Path(__file__).parents[2] / "deploy" / "agencies"

moments = st.integers(0, 200 * 24).map(lambda hours: T0 + timedelta(hours=hours)) | st.integers(
    0, 200 * 86400 * 10**6
).map(lambda instants: T0 + timedelta(microseconds=instants))


@st.composite
def histories(draw: st.DrawFn) -> list[PolicyTerms]:
    periods = draw(st.lists(st.integers(0, 60), min_size=1, max_size=5))
    effective = sorted(draw(st.lists(moments, min_size=len(periods), max_size=len(periods), unique=True)))
    return [
        PolicyTerms(place + 1, days * DAY, "erase", at)
        for place, (days, at) in enumerate(zip(periods, effective, strict=True))
    ]


def due_by_definition(terms: list[PolicyTerms], anchor: datetime) -> datetime:
    """The plain definition: whatever version is in force at the anchor or later may make the record due."""
    found = []
    for place, version in enumerate(terms):
        ends = terms[place + 1].effective if place + 1 < len(terms) else None
        begins = datetime.min.replace(tzinfo=UTC) if place == 0 else version.effective
        if ends is None or ends > anchor:
            found.append(max(begins, anchor + version.period))
    return min(found)


@given(histories(), moments, moments)
def test_the_cutoff_says_what_each_record_says_by_itself(terms, anchor, now):
    assert (anchor <= policies.cutoff(terms, now)) == (due_by_definition(terms, anchor) <= now)
    assert policies.due_at(terms, anchor) == due_by_definition(terms, anchor)


@given(histories(), moments)
def test_a_record_falls_due_at_the_very_instant(terms, anchor):
    due = policies.due_at(terms, anchor)
    assert policies.cutoff(terms, due) >= anchor
    assert policies.cutoff(terms, due - INSTANT) < anchor


@given(histories(), moments, moments)
def test_what_is_due_stays_due(terms, one, other):
    earlier, later = sorted((one, other))
    assert policies.cutoff(terms, earlier) <= policies.cutoff(terms, later)


@given(histories(), moments, moments)
def test_an_older_record_is_never_due_later(terms, one, other):
    older, younger = sorted((one, other))
    assert policies.due_at(terms, older) <= policies.due_at(terms, younger)


@given(histories(), moments)
def test_a_new_version_never_lengthens_what_was_promised(terms, anchor):
    for known in range(1, len(terms)):
        if anchor < terms[known].effective:
            assert policies.due_at(terms[: known + 1], anchor) <= policies.due_at(terms[:known], anchor)


def terms(*versions: tuple[int, int]) -> list[PolicyTerms]:
    return [PolicyTerms(place + 1, days * DAY, "erase", T0 + at * DAY) for place, (days, at) in enumerate(versions)]


def test_a_shorter_period_takes_effect_for_all_at_its_time():
    history = terms((30, -100), (14, 50))
    assert policies.cutoff(history, T0 + 50 * DAY - INSTANT) == T0 + 20 * DAY - INSTANT
    assert policies.cutoff(history, T0 + 50 * DAY) == T0 + 36 * DAY
    assert policies.due_at(history, T0 + 30 * DAY) == T0 + 50 * DAY


def test_a_longer_period_is_for_later_anchors_only():
    history = terms((14, -100), (30, 50))
    assert policies.due_at(history, T0 + 50 * DAY - INSTANT) == T0 + 64 * DAY - INSTANT
    assert policies.due_at(history, T0 + 50 * DAY) == T0 + 80 * DAY


@pytest.mark.parametrize(("days", "version"), [(-1000, 1), (49, 1), (50, 2), (51, 2)])
def test_the_version_in_force(days: int, version: int):
    assert policies.in_force(terms((30, -100), (14, 50)), T0 + days * DAY).version == version


@pytest.fixture
def agencies() -> Agencies:
    return load_agencies(FILES)


def test_an_adopted_version_counts_for_its_agency_alone(agencies: Agencies):
    first = agencies.terms(STRUER, "loan")
    agencies.adopt({(STRUER, "loan"): [*first, PolicyTerms(2, 14 * DAY, "erase", T0)], ("DK-000000", "loan"): first})
    assert agencies.cutoff(STRUER, "loan", T0 + DAY) == T0 - 13 * DAY
    assert agencies.cutoffs("loan", T0 + DAY)["DK-725900"] == T0 - 29 * DAY
    assert agencies.in_force(STRUER, "loan", T0).version == 2
    assert agencies.cutoff(STRUER, "loan", T0 - DAY) == T0 - 31 * DAY
    assert agencies.cutoff(STRUER, "card", T0) is None
    assert agencies.due_at(STRUER, "card", T0) is None
    assert agencies.in_force(STRUER, "card", T0) is None


@pytest.mark.parametrize(
    ("record_class", "adopted", "words"),
    [
        ("loan", [PolicyTerms(1, 29 * DAY, "erase", T0)], "differs from version 1 as adopted; give a change version 2"),
        ("loan", [PolicyTerms(2, 29 * DAY, "erase", T0 - 9999 * DAY)], "each version must take effect after"),
        ("message-envelope", [PolicyTerms(1, 29 * DAY, "erase", T0)], "is missing, though version 1 of it was adopted"),
    ],
)
def test_a_file_that_contradicts_what_was_adopted_is_refused(agencies: Agencies, record_class, adopted, words):
    with pytest.raises(PolicyFileError, match=words):
        agencies.adopt({(STRUER, record_class): adopted})
    assert [version.version for version in agencies.terms(STRUER, "loan")] == [1]
