"""The CPR number as a value: read, dated, and never printed."""

import copy
import pickle
import traceback
from datetime import date

import pytest

from glem.problems import Refusal
from patron_api.cpr import Cpr

TODAY = date(2026, 9, 1)
PLAIN = "7506801123"


def test_it_is_read_with_and_without_a_dash():
    assert Cpr.parse(PLAIN, TODAY) == Cpr.parse(f" {PLAIN[:6]}-{PLAIN[6:]} ", TODAY)


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("6101000123", date(1900, 1, 1)),
        ("6101363123", date(1936, 1, 1)),
        ("6101993123", date(1999, 1, 1)),
        ("6101004123", date(2000, 1, 1)),
        ("6101264123", date(2026, 1, 1)),
        ("6101374123", date(1937, 1, 1)),
        ("6101005123", date(2000, 1, 1)),
        ("6101588123", date(1858, 1, 1)),
        ("6101998123", date(1899, 1, 1)),
        ("6101269123", date(2026, 1, 1)),
        ("6101379123", date(1937, 1, 1)),
        ("9112801123", date(1980, 12, 31)),
    ],
)
def test_the_seventh_digit_tells_the_century(number, born):
    cpr = Cpr.parse(number, TODAY)
    assert cpr.birth_date == born
    assert cpr.is_replacement


@pytest.mark.parametrize(
    "text",
    [
        "", "750680112", "75068011234", "7506801-123", "7506-801123", "9206801123", "7513801123", "6002801123",
        "7506804a23", "٧٥٠٦٨٠١١٢٣", "9002801123", "6101364123", "6109264123x", "0000000000", "6109574123 1",
    ],
)  # fmt: skip
def test_what_names_no_day_so_far_is_refused(text):
    refusal = Cpr.parse(text, TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.problem.name == "malformed-cpr"
    assert not refusal.params


def test_a_number_that_fails_modulus_11_is_valid():
    good = next(c for i in range(1000) if (c := Cpr.parse(f"7506801{i:03}", TODAY)).passes_modulus_11)
    bad = Cpr.parse(good.reveal()[:9] + str((int(good.reveal()[9]) + 1) % 10), TODAY)
    assert isinstance(bad, Cpr)
    assert not bad.passes_modulus_11


def test_it_never_prints_itself():
    cpr = Cpr.parse(PLAIN, TODAY)
    text = "".join(traceback.format_exception(ValueError(cpr)))
    shown = [str(cpr), repr(cpr), f"{cpr}", f"{cpr:>20}", "%s %r" % (cpr, [cpr]), text, str({"a": (cpr,)})]  # noqa: UP031
    assert not any(PLAIN in line or PLAIN[:6] in line or "1980" in line for line in shown)
    with pytest.raises(TypeError):
        pickle.dumps(cpr)
    with pytest.raises(TypeError):
        copy.deepcopy(cpr)
