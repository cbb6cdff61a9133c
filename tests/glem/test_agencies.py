"""A wrong agency file is refused with its name, the place in it, and what should be there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glem_contracts.record_classes import RECORD_CLASSES
from glem_retention.agencies import Agencies, PolicyFileError, Section, load_agencies

SHIPPED = Path(__file__).parents[2] / "deploy" / "agencies"
NOW = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
AGENCY = """
[agency]
isil = "DK-725900"
name = "KøgeBibliotekerne"
municipality = "0259"
contact = "www.koege.dk"
[agency.branches]
DK-725900 = "Køge"
"""
POLICY = """
[retention.{name}]
period = "{period}"
action = "{action}"
effective = 2018-05-25T00:00:00+02:00
wording = "Vi glemmer."
rows = ["R34"]
"""


def make_policy(name: str = "loan", period: str = "P30D", action: str = "erase") -> str:
    return POLICY.format(name=name, period=period, action=action)


def load(folder: Path, *texts: str) -> Agencies:
    for number, text in enumerate(texts):
        (folder / f"library-{number}.toml").write_text(text, encoding="utf-8")
    return load_agencies(folder)


def complaint(folder: Path, *texts: str) -> str:
    with pytest.raises(PolicyFileError) as caught:
        load(folder, *texts)
    return str(caught.value)


def test_a_right_file_is_read(tmp_path: Path):
    agencies = load(tmp_path, AGENCY + make_policy())
    agency = agencies["DK-725900"]
    assert agency.identity.name == "KøgeBibliotekerne"
    assert agency.retention["loan"].period == timedelta(days=30)
    assert agency.retention["loan"].stated
    assert list(agencies) == ["DK-725900"]


def test_the_shipped_files_are_right():
    agencies = load_agencies(SHIPPED)
    assert set(agencies) == {"DK-725900", "DK-785100", "DK-773000", "DK-767100"}
    for agency in agencies.values():
        clocked = {item.name for item in RECORD_CLASSES.values() if item.actions and not item.optional}
        if agency.retention["debt"].action == "redact":
            clocked |= {"debt-amount"}
        assert clocked <= set(agency.retention), agency.isil


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (make_policy(period="P0D"), ["[retention.loan]", "period", "1 to 365 days"]),
        (make_policy(period="PT23H59M"), ["[retention.loan]", "period", "1 to 365 days"]),
        (make_policy(period="P3000D"), ["[retention.loan]", "period", "1 to 365 days"]),
        (make_policy(period="-P30D"), ["[retention.loan]", "period", "1 to 365 days"]),
        (make_policy(period="30 dage"), ["[retention.loan]", "period"]),
        (make_policy("absence", "-P1D"), ["[retention.absence]", "period", "0 to 365 days"]),
        (make_policy("debt-amount", "P2197D"), ["[retention.debt-amount]", "period", "1 to 2196 days"]),
        (make_policy("loans"), ["[retention.loans]", "unknown record class", "loan, message-body"]),
        (make_policy("reservation"), ["[retention.reservation]", "at once"]),
        (make_policy(action="redact"), ["[retention.loan]", "action", "erase"]),
        (make_policy("message-body"), ["[retention.message-body]", "action", "redact"]),
        (make_policy(action="burn"), ["[retention.loan]", "action", "'erase' or 'redact'"]),
        (make_policy().replace("P30D", 'P30D"\nperoid = "P1D'), ["[retention.loan]", "peroid"]),
        (make_policy().replace("+02:00", ""), ["[retention.loan]", "effective", "timezone"]),
        (make_policy().replace('"R34"', '"34"'), ["[retention.loan]", "rows.0"]),
        (make_policy().replace('"R34"', ""), ["[retention.loan]", "rows"]),
        ("[retention]\nloan = 30", ["[retention.loan]"]),
    ],
)
def test_a_wrong_policy_names_file_and_field(tmp_path: Path, policy: str, words: list[str]):
    text = complaint(tmp_path, AGENCY + policy)
    for word in ["library-0.toml", *words]:
        assert word in text


@pytest.mark.parametrize(
    ("agency", "words"),
    [
        (AGENCY.replace("DK-725900", "725900", 1), ["[agency]", "isil"]),
        (AGENCY.replace("DK-725900", "DK-72590", 1), ["[agency]", "isil"]),
        (AGENCY.replace("DK-725900", "SE-725900", 1), ["[agency]", "isil"]),
        (AGENCY.replace('"0259"', "259"), ["[agency]", "municipality"]),
        (AGENCY.replace("contact", "contract"), ["[agency]", "contact", "contract"]),
        (AGENCY.replace('DK-725900 = "Køge"', ""), ["[agency]", "branches"]),
        ("", ["[agency]", "isil"]),
        ("agency = 3", ["[agency]"]),
        ("retention = 3\n" + AGENCY, ["[retention]", "table"]),
        (AGENCY + "[lendnig]\nx = 1", ["[lendnig]", "unknown section", "lending"]),
        (AGENCY + "[retenton.loan]\nperiod = 'P30D'", ["[retenton]", "unknown section", "retention"]),
        ("this is not TOML", ["not valid TOML", "line 1"]),
        (AGENCY + AGENCY, ["not valid TOML"]),
    ],
)
def test_a_wrong_agency_names_file_and_field(tmp_path: Path, agency: str, words: list[str]):
    text = complaint(tmp_path, agency)
    for word in ["library-0.toml", *words]:
        assert word in text


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "library.toml").write_bytes(AGENCY.encode("latin-1"))
    with pytest.raises(PolicyFileError, match=r"library\.toml: not valid TOML"):
        load_agencies(tmp_path)


def test_one_agency_has_one_file(tmp_path: Path):
    text = complaint(tmp_path, AGENCY, AGENCY)
    assert "library-1.toml" in text
    assert "DK-725900 is already in" in text
    assert "library-0.toml" in text


def test_a_folder_without_files_is_refused(tmp_path: Path):
    assert "no agency file" in complaint(tmp_path)


def test_all_mistakes_of_a_section_are_named_at_once(tmp_path: Path):
    text = complaint(tmp_path, AGENCY.replace("DK-725900", "x", 1).replace('"0259"', '"x"'))
    assert "isil" in text
    assert "municipality" in text


class Lending(Section):
    debt_limit: int
    groups: dict[str, int]


def test_a_service_reads_its_own_section(tmp_path: Path):
    agencies = load(tmp_path, AGENCY + "[lending]\ndebt_limit = 5\n[lending.groups]\nadult = 28")
    assert agencies.section("lending", Lending)["DK-725900"].groups == {"adult": 28}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("", ["debt_limit", "groups"]),
        ("[lending]\ndebt_limit = 'high'\n[lending.groups]\nadult = 28", ["debt_limit", "integer"]),
        ("[lending]\ndebt_limit = 5\n[lending.groups]\nadult = 'x'", ["groups.adult", "integer"]),
        ("[lending]\ndebt_limit = 5\nlimit = 7\n[lending.groups]\nadult = 28", ["limit", "not permitted"]),
    ],
)
def test_a_wrong_section_names_file_and_field(tmp_path: Path, section: str, words: list[str]):
    agencies = load(tmp_path, AGENCY + section)
    with pytest.raises(PolicyFileError) as caught:
        agencies.section("lending", Lending)
    for word in ["library-0.toml", "[lending]", *words]:
        assert word in str(caught.value)


def test_due_is_what_was_anchored_a_period_ago(tmp_path: Path):
    other = AGENCY.replace("DK-725900", "DK-767100")
    agencies = load(tmp_path, AGENCY + make_policy(), other + make_policy(period="P14D"))
    assert agencies.cutoff("DK-725900", "loan", NOW) == datetime(2026, 9, 25, 0, 30, tzinfo=UTC)
    assert agencies.cutoff("DK-725900", "debt", NOW) is None
    assert agencies.cutoffs("loan", NOW) == {
        "DK-725900": NOW - timedelta(days=30),
        "DK-767100": NOW - timedelta(days=14),
    }
    assert agencies.cutoffs("debt", NOW) == {}


def test_a_library_that_leaves_out_a_class_is_told_so_by_its_owner(tmp_path: Path):
    (tmp_path / "koege.toml").write_text(
        (SHIPPED / "koege.toml").read_text().replace("[retention.loan]", "[retention.message-envelope]")
    )
    agencies = load_agencies(tmp_path)
    agencies.require("notifier")
    with pytest.raises(PolicyFileError, match=r"koege\.toml: no policy for \[retention\.loan\]"):
        agencies.require("loan-api")
