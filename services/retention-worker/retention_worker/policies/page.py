"""The public page: what runs, kind by kind, with what each field is for and what the libraries leave open (R110, R113, R114)."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from glem.clock import local_date
from glem.dates import in_words
from glem_contracts.purposes import Purpose
from glem_contracts.record_classes import RECORD_CLASSES, Words
from glem_retention.agencies import Agency, Section
from glem_retention.purposes import in_danish, rows_of, without_rows
from retention_worker.policies.schemas import AgencyPage, Kind, OpenMatter, PolicyInForce, Text, Use

WORDS: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "page.toml").read_text("utf-8"))


class PolicyPage(Section):
    """The section `[policy_page]`: the controller, and its data protection officer where the library names one (R111)."""

    controller: str
    dpo: str | None = None


def described(
    agency: Agency, section: PolicyPage, policies: Sequence[PolicyInForce], purposes: Sequence[Purpose]
) -> AgencyPage:
    """Return the page of one library; `purposes` are those of all services."""
    by_class = {policy.record_class: policy for policy in policies}
    return AgencyPage(
        agency=agency.isil,
        name=agency.identity.name,
        municipality=agency.identity.municipality,
        controller=section.controller,
        contact=agency.identity.contact,
        dpo=section.dpo,
        policies=list(policies),
        kinds=[
            _kind(name, by_class.get(name), [each for each in purposes if each.record_class == name])
            for name in RECORD_CLASSES
        ],
        open=[
            OpenMatter(matter=_text(matter), done=_text(matter, "done_"), rows=matter["rows"])
            for matter in WORDS["open"]
            if not ((policy := by_class.get(matter.get("kind", ""))) and policy.stated)
            and matter.get("only_with", next(iter(by_class))) in by_class
        ],
    )


def _kind(name: str, policy: PolicyInForce | None, purposes: Sequence[Purpose]) -> Kind:
    record_class = RECORD_CLASSES[name]
    until = _in_both(record_class.until) if policy is None and record_class.until else None
    uses: dict[str, list[str]] = {}
    rows = [*(policy.rows if policy else record_class.rows)]
    for each in purposes:
        rows += rows_of(each.purpose)
        uses.setdefault(without_rows(each.purpose), []).extend(each.columns)
    return Kind(
        record_class=name,
        name=_in_both(record_class.title),
        begins=_in_both(record_class.begins) if policy and record_class.begins else None,
        until=until,
        rows=sorted(set(rows), key=lambda row: int(row[1:])),
        uses=[
            Use(purpose=Text(da=in_danish(purpose), en=purpose), fields=columns) for purpose, columns in uses.items()
        ],
    )


def _in_both(words: Words) -> Text:
    return Text(da=words.da, en=words.en)


def _text(words: Mapping[str, str], prefix: str = "") -> Text:
    return Text(da=words[f"{prefix}da"], en=words[f"{prefix}en"])


LABELS = {
    "da": {
        "title": "Hvad vi husker, og hvornår vi glemmer det",
        "lead": "Siden er lavet af de regler, der kører lige nu.",
        "choose": "Vælg bibliotek",
        "controller": "Dataansvarlig",
        "contact": "Spørg om dine oplysninger",
        "dpo": "Databeskyttelsesrådgiver",
        "unnamed": "ikke oplyst af biblioteket",
        "periods": "Hvor længe",
        "kind": "Hvad",
        "period": "Periode",
        "counted": "regnet fra",
        "erase": "slettes",
        "redact": "indholdet fjernes",
        "promise": "Bibliotekets løfte",
        "version": "version",
        "since": "gælder fra",
        "coming": "Fra",
        "unstated": "ikke oplyst af biblioteket",
        "explain": "»Ikke oplyst af biblioteket« betyder, at biblioteket ikke selv har sagt, hvor længe; så gælder det, der står her.",
        "other": "Uden egen periode",
        "until": "Indtil",
        "uses": "Hvad oplysningerne bruges til",
        "fields": "felter",
        "open": "Hvad bibliotekerne lader stå åbent",
        "matter": "Spørgsmål",
        "done": "Sådan gør vi",
        "rows": "Rækker",
        "generated": "Lavet",
        "missing": "Formålene kan ikke hentes fra alle tjenester lige nu.",
        "language": "English",
    },
    "en": {
        "title": "What we remember, and when we forget it",
        "lead": "This page is made from the rules that run right now.",
        "choose": "Choose a library",
        "controller": "Data controller",
        "contact": "Ask about your data",
        "dpo": "Data protection officer",
        "unnamed": "not stated by the library",
        "periods": "How long",
        "kind": "What",
        "period": "Period",
        "counted": "counted from",
        "erase": "erased",
        "redact": "content removed",
        "promise": "The library's promise",
        "version": "version",
        "since": "in force since",
        "coming": "From",
        "unstated": "not stated by the library",
        "explain": "“Not stated by the library” means that the library itself has not said how long; then what stands here holds.",
        "other": "Without a period of their own",
        "until": "Until",
        "uses": "What the data are used for",
        "fields": "fields",
        "open": "What the libraries leave open",
        "matter": "Question",
        "done": "What we do",
        "rows": "Rows",
        "generated": "Made",
        "missing": "The purposes cannot be had from all services right now.",
        "language": "Dansk",
    },
}
STYLE = """
:root{color-scheme:light dark;--line:#8886;--soft:#8881;--mark:#b45309}
body{font:1rem/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}
h1{line-height:1.2;margin:.2em 0}h2{margin:2.2em 0 .5em;border-bottom:2px solid var(--line)}h3{margin:1.2em 0 .2em;font-size:1rem}
header nav{float:right}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.4em 0}
th,td{text-align:left;vertical-align:top;padding:.55em .8em .55em 0;border-bottom:1px solid var(--line)}
small{opacity:.75}th small{font-weight:400}.mark{color:var(--mark);font-weight:600}q{font-style:italic;quotes:"»" "«"}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{font-weight:600}dd{margin:0}ul{margin:.2em 0;padding-left:1.2em}
code{font-size:.85em;overflow-wrap:anywhere}footer{margin-top:3em;opacity:.75}
@media (prefers-color-scheme:dark){:root{--mark:#fbbf24}}
@media (max-width:40rem){thead{position:absolute;clip-path:inset(50%)}tr,td,th{display:block;border:0;padding:.1em 0}
tr{border-bottom:1px solid var(--line);padding:.6em 0}dl{display:block}}
@media print{body{max-width:none;padding:0;font-size:10pt}header nav{display:none}tr,li{break-inside:avoid}h2,h3{break-after:avoid}
details>*{display:block}}
"""


def html(pages: Sequence[AgencyPage], language: str, now: datetime, *, complete: bool) -> str:
    """Return the page of one library, or the list of several, in `language` ("da" or "en"); readable without scripts."""
    label, other = LABELS[language], "en" if language == "da" else "da"
    single = pages[0] if len(pages) == 1 else None
    title = f"{single.name}: {label['title']}" if single else label["title"]
    query = f"agency={single.agency}&amp;" if single else ""
    body = _library(single, language) if single else _list(pages, language)
    warning = "" if complete else f'<p class="mark" role="status">{label["missing"]}</p>'
    made = f"{_date(now, language)} {now:%H:%M} UTC"
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n"
        f'<header><nav><a href="?{query}language={other}" hreflang="{other}" lang="{other}">{label["language"]}</a></nav>'
        f"<h1>{escape(title)}</h1><p>{label['lead']}</p>{warning}</header>\n<main>{body}</main>\n"
        f'<footer><p>{label["generated"]} <time datetime="{now.isoformat(timespec="seconds")}">{made}</time></p></footer>\n'
        "</body></html>\n"
    )


def _list(pages: Iterable[AgencyPage], language: str) -> str:
    links = "".join(
        f'<li><a href="?agency={page.agency}&amp;language={language}">{escape(page.name)}</a></li>' for page in pages
    )
    return f"<h2>{LABELS[language]['choose']}</h2><ul>{links}</ul>"


def _library(page: AgencyPage, language: str) -> str:
    label = LABELS[language]
    kinds = {kind.record_class: kind for kind in page.kinds}
    others = [kind for kind in page.kinds if kind.until is not None]
    used = [kind for kind in page.kinds if kind.uses]
    head = f'<thead><tr><th scope="col">{label["kind"]}</th><th scope="col">{label["period"]}</th><th scope="col">{label["promise"]}</th></tr></thead>'
    return "".join(
        [
            f"<dl><dt>{label['controller']}</dt><dd>{escape(page.controller)}</dd><dt>{label['contact']}</dt>",
            f"<dd>{escape(page.contact)}</dd><dt>{label['dpo']}</dt>",
            f"<dd>{escape(page.dpo) if page.dpo else _marked(label['unnamed'])}</dd></dl>\n",
            f'<h2 id="periods">{label["periods"]}</h2><table><caption><small>{label["explain"]}</small></caption>{head}<tbody>\n',
            *(_policy(kinds[policy.record_class], policy, language) for policy in page.policies),
            "</tbody></table>\n",
            f'<h2 id="other">{label["other"]}</h2><table><thead><tr><th scope="col">{label["kind"]}</th>',
            f'<th scope="col">{label["until"]}</th></tr></thead><tbody>\n',
            *(
                f'<tr><th scope="row">{escape(kind.name.of(language))}{_row_list(kind.rows)}</th>'
                f"<td>{escape(kind.until.of(language)) if kind.until else ''}</td></tr>\n"
                for kind in others
            ),
            f'</tbody></table>\n<h2 id="uses">{label["uses"]}</h2>\n',
            *(_uses(kind, language) for kind in used),
            f'<h2 id="open">{label["open"]}</h2><table><thead><tr><th scope="col">{label["matter"]}</th>',
            f'<th scope="col">{label["done"]}</th></tr></thead><tbody>\n',
            *(
                f'<tr><th scope="row">{escape(each.matter.of(language))}{_row_list(each.rows)}</th>'
                f"<td>{escape(each.done.of(language))}<br>{_marked(label['unstated'])}</td></tr>\n"
                for each in page.open
            ),
            "</tbody></table>",
        ]
    )


def _policy(kind: Kind, policy: PolicyInForce, language: str) -> str:
    label = LABELS[language]
    period = f"<strong>{_period(policy.period_days, language)}</strong>, {label[policy.action]}"
    begins = f"<br><small>{label['counted']} {escape(kind.begins.of(language))}</small>" if kind.begins else ""
    coming = "".join(
        f'<p class="mark">{label["coming"]} {_date(each.effective, language)}: {_period(each.period_days, language)}'
        f" ({label['version']} {each.version}). <q>{escape(each.words(language))}</q></p>"
        for each in policy.coming
    )
    stated = "" if policy.stated else f"<br>{_marked(label['unstated'])}"
    words = policy.words(language)
    tongue = ' lang="da"' if language == "en" and not policy.wording_en else ""
    return (
        f'<tr id="{policy.record_class}"><th scope="row">{escape(kind.name.of(language))}{_row_list(kind.rows)}</th>'
        f"<td>{period}{begins}{coming}</td><td><q{tongue}>{escape(words)}</q>{stated}<br>"
        f"<small>{label['version']} {policy.version}, {label['since']} {_date(policy.effective, language)}</small></td></tr>\n"
    )


def _uses(kind: Kind, language: str) -> str:
    lines = "".join(
        f"<li>{escape(use.purpose.of(language))} <small><code>{escape(', '.join(use.fields))}</code></small></li>"
        for use in kind.uses
    )
    return f"<section><h3>{escape(kind.name.of(language))}</h3><ul>{lines}</ul></section>\n"


def _row_list(rows: Sequence[str]) -> str:
    return f"<br><small>{', '.join(rows)}</small>" if rows else ""


def _marked(text: str) -> str:
    return f'<em class="mark">{text}</em>'


def _period(days: float, language: str) -> str:
    period = timedelta(days=days)
    if period == timedelta():
        return "med det samme" if language == "da" else "at once"
    if period % timedelta(days=1):
        hours = period // timedelta(hours=1)
        return f"{hours} timer" if language == "da" else f"{hours} hours"
    word = ("dag", "day") if days == 1 else ("dage", "days")
    return f"{period.days:,} {word[language == 'en']}".replace(",", "." if language == "da" else ",")


def _date(moment: datetime, language: str) -> str:
    return in_words(local_date(moment), language)
