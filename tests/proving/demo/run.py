"""The main job from its first second to its exit status."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from embedded.development import default_agencies
from glem_local.broker import free_port
from glem_local.mail import MailCatcher
from glem_local.postgres_programs import remove_below
from glem_retention.agencies import load_agencies
from tests.proving.demo.calendar import Step, first_of_september, make_calendar
from tests.proving.demo.catalogue import shipped_works
from tests.proving.demo.history import History
from tests.proving.demo.houses import read_libraries
from tests.proving.demo.life import found_town, live, tell_of_patrons, write_agenda
from tests.proving.demo.process import Served, SuiteDiedError, served_suite
from tests.proving.demo.progress import Progress
from tests.proving.demo.report import show_report
from tests.proving.demo.scene import Scene
from tests.proving.demo.suite_client import SuiteClient, UnexpectedError
from tests.proving.oracle import Judgement, Observation, judge, read_promises
from tests.proving.oracle.life import Life
from tests.proving.oracle.looking import Looker, read_register

PATRONS = 200
MAILS_KEPT = 100_000
PLAIN_WIDTH = 120


async def run_demo(*, days: int, loans: int, seed: int, keep: Path | None) -> int:
    """Live `days` with about `loans` loans and return the exit status: 0 when the oracle finds nothing.

    The data goes to `keep`, or to a temporary folder that is gone at the end.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    began = time.monotonic()
    with _home(keep) as home:
        try:
            judgement = await _demo(console, home, days, loans, seed)
        except (UnexpectedError, SuiteDiedError) as error:
            console.print(str(error), style="red", highlight=False, markup=False)
            return 1
    console.print(f"{time.monotonic() - began:.0f} seconds in all.", highlight=False)
    return 0 if judgement.is_clean else 1


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="glem-demo-") as folder:
        try:
            yield Path(folder)
        finally:
            remove_below(Path(folder))


async def _demo(console: Console, home: Path, days: int, loans: int, seed: int) -> Judgement:
    start = first_of_september(datetime.now(UTC))
    steps = make_calendar(start, days, seed)
    mails = MailCatcher(free_port(), MAILS_KEPT)
    async with AsyncExitStack() as stack:
        progress = stack.enter_context(Progress(console, days))
        progress.say("starting the suite: four services, PostgreSQL, a clock that travels")
        mails.start()
        stack.callback(mails.stop)
        served = await stack.enter_async_context(served_suite(home, smtp_port=mails.port, frozen=start))
        api = await stack.enter_async_context(SuiteClient(served.url))
        looker = await stack.enter_async_context(Looker.open(served.postgres))
        history = stack.enter_context(History(home / "history.jsonl"))
        scene = await _set_stage(progress, served, api, history, looker, steps, start, seed)
        write_agenda(scene, loans)
        progress.say(
            f"living from {start:%-d %B %Y} on, in {len(steps):,} steps of two and a half hours, longer by night"
        )
        pace = await live(scene, mails, progress)
        progress.say("asking the oracle")
        seen = await _look(scene, mails)
        judgement = judge(history, read_promises(default_agencies()), seen)
        progress.say("judged")
    show_report(console, scene, seen, judgement, pace)
    return judgement


async def _set_stage(
    progress: Progress,
    served: Served,
    api: SuiteClient,
    history: History,
    looker: Looker,
    steps: list[Step],
    start: datetime,
    seed: int,
) -> Scene:
    libraries = read_libraries(load_agencies(default_agencies()))
    works = shipped_works()
    progress.say(
        f"importing {len(works):,} works and registering {PATRONS} patrons at each of {len(libraries)} libraries"
    )
    towns = await asyncio.gather(
        *(
            found_town(api, served, number, library, works, PATRONS, start, seed)
            for number, library in enumerate(libraries)
        )
    )
    for town in towns:
        tell_of_patrons(history, town, start)
    return Scene(api, history, looker, steps, works, towns, seed)


async def _look(scene: Scene, mails: MailCatcher) -> Observation:
    now = scene.step.at
    for mail in mails.newest:
        message_id = int(mail.message_id.strip("<>").partition("@")[0])
        scene.history.note("mail", now, "*", message_id=message_id)
    lines = []
    for town in scene.towns:
        token = await scene.api.token(town.staff.dpo)
        lines += await read_register(scene.api.client, "/retention-worker/register", token)
    promises = read_promises(default_agencies())
    old_values = Life(promises).read(scene.history).old_values
    return await scene.looker.look(now, lines, old_values)
