"""What services do by themselves. Nothing personal may go in a job beside the clock, an act, or its parent."""

from __future__ import annotations

import ast

from tests.house.tree import ROOT

# Every background task and why it is none of the housekeeping that the list of record classes forbids. A task that deletes or
# redacts what is personal needs a policy, a preview, a breaker, an audit and a line in the register: declare a record class
# with a clock instead (docs/adding-a-record-class.md).
CLOCK = "carries out what the clocks say, or checks it"
ACT = "an act whose time has come; what goes in it is listed in its event"
WORDS = "tells or counts; deletes nothing"
STILL = "housekeeping beside the clock, to be replaced"
ROWS = "deletes rows that say nothing about a person"
TASKS = {
    "glem": {
        "tidy-outbox": (ROWS, "events that were sent: random ids, codes, dates and amounts"),
        "server-log": (WORDS, "looks at the settings of the database server"),
        "lost-events": (WORDS, "sends events again that the broker lost"),
    },
    "glem_retention": {
        "policies": (WORDS, "reads the versions of policies again"),
    },
    "patron_api": {
        "age-bands": (ACT, "a patron reaches an age limit: the band in the row is replaced"),
        "consents": (ACT, "a consent lapses: it is written as withdrawn, and stays as the proof until the patron goes"),
        "erasures": (ACT, "carries out the wishes to be erased"),
        "refresh-tokens": (STILL, "becomes a record class with a clock"),
    },
    "loan_api": {
        "calendar": (ACT, "reservations expire, and notices of due dates are told"),
    },
    "notifier": {
        "send-messages": (WORDS, "hands messages over"),
        "watch-queue": (WORDS, "counts what waits"),
        "forget-events": (ROWS, "random ids of events that were handled"),
        "destroy-keys": (CLOCK, "overwrites the keys of texts that a disposal has erased"),
        "tidy-keys": (ROWS, "keys that no text has: left by a crash between key and text"),
    },
    "retention_worker": {
        "sweep": (CLOCK, "orders the disposal of what is due"),
        "audit": (CLOCK, "asks the owners what they hold past its period"),
        "figures": (WORDS, "brings gauges up to date"),
        "sign": (WORDS, "signs the head of the log"),
        "purposes": (WORDS, "asks the services what their columns are for"),
        "tell-policies": (WORDS, "tells of every policy version again"),
        "breakers": (WORDS, "brings gauges up to date"),
        "canary": (CLOCK, "lets a record of nobody fall due, to see that it goes"),
    },
}


def declared() -> dict[str, dict[str, list[str]]]:
    """The names that are given to `runtime.every`, by package."""
    found: dict[str, dict[str, list[str]]] = {}
    for file in sorted([*ROOT.glob("services/*/*/**/*.py"), *ROOT.glob("shared/*/*/**/*.py")]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "every":
                name = node.args[1]
                assert isinstance(name, ast.Constant), f"{file}:{node.lineno}: name the task by a constant"
                package = file.relative_to(ROOT).parts[2]
                found.setdefault(package, {}).setdefault(str(name.value), []).append(f"{file.name}:{node.lineno}")
    return found


def test_every_background_task_says_why_it_is_no_housekeeping_beside_the_clock():
    found = {package: set(tasks) for package, tasks in declared().items()}
    listed = {package: set(tasks) for package, tasks in TASKS.items()}
    new = {package: sorted(names - listed.get(package, set())) for package, names in found.items()}
    gone = {package: sorted(names - found.get(package, set())) for package, names in listed.items()}
    assert not any(new.values()), f"say in TASKS what these are for: {new}"
    assert not any(gone.values()), f"take these out of TASKS: {gone}"


def test_every_reason_is_said():
    for tasks in TASKS.values():
        for kind, reason in tasks.values():
            assert kind in {CLOCK, ACT, WORDS, ROWS, STILL}
            assert len(reason) > 15
