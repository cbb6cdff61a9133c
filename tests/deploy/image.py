"""deploy/Dockerfile without a container engine: its first stage, step by step, in a folder that stands for the container's root."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from string import Template

from tests.house.tree import ROOT, files

ABSOLUTE = re.compile(r"(?<![\w.*/-])/(?=\w)")
FROM = re.compile(r"(?P<base>\S+)(?: AS (?P<name>\S+))?")
# pip's cache holds what `make setup` has fetched: the replay takes the same files from there.
NOT_HERE = {"PIP_NO_CACHE_DIR"}
# Saves a third of the time: Python compiles what the tests import.
ONLY_HERE = {"PIP_NO_COMPILE": "1"}
SECONDS = 600


@dataclass
class Stage:
    """What stands between one FROM and the next: pairs of a word and the rest of its line."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, word: str) -> list[str]:
        return [rest for found, rest in self.steps if found == word]


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = FROM.fullmatch(rest)
            found.append(Stage(stage["base"], stage["name"] or ""))
        else:
            found[-1].steps.append((word, rest.strip()))
    return found


def is_sent(path: PurePosixPath, ignored: list[str]) -> bool:
    """Whether the build sees `path`, by the lines of a .dockerignore: the last that names it or a folder of it decides."""
    sent = True
    for line in ignored:
        pattern = PurePosixPath(line.removeprefix("!"))
        for part in (path, *path.parents[:-1]):
            if pattern.parts[0] == "**":
                hit = part.match(str(pattern.relative_to("**")))
            else:
                hit = len(part.parts) == len(pattern.parts) and fnmatchcase(str(part), str(pattern))
            if hit:
                sent = line.startswith("!")
    return sent


@cache
def context() -> list[PurePosixPath]:
    """The files of the repository that the build sees."""
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    paths = (PurePosixPath(path.relative_to(ROOT).as_posix()) for path in files())
    return [path for path in paths if is_sent(path, ignored)]


class Replay:
    """The steps of one stage, done in `place` as if that were the root of the container's files."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._folder = place
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        self._environment = {**kept, **ONLY_HERE, "PATH": f"{self._python()}:{os.environ['PATH']}"}

    def _python(self) -> Path:
        """A folder whose `python` is the one that this environment was made with, as the base image has it."""
        programs = self._place / "base"
        programs.mkdir(parents=True)
        program = programs / "python"
        base = getattr(sys, "_base_executable", sys.executable)
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(base)} "$@"\n')
        program.chmod(0o755)
        return programs

    def _here(self, text: str) -> str:
        return ABSOLUTE.sub(lambda _: f"{self._place}/", text)

    def run(self, stage: Stage) -> None:
        """Do every step; raises ValueError for a word that is unknown here, AssertionError when a step fails."""
        for word, rest in stage.steps:
            match word:
                case "ENV":
                    for name, value in re.findall(r"(\w+)=(\S+)", rest):
                        if name not in NOT_HERE:
                            self._environment[name] = Template(self._here(value)).substitute(self._environment)
                case "WORKDIR":
                    self._folder = Path(self._here(rest))
                    self._folder.mkdir(parents=True, exist_ok=True)
                case "COPY":
                    *sources, target = rest.split()
                    for source in sources:
                        self._copy(PurePosixPath(source), target)
                case "RUN":
                    self._do(self._here(rest))
                case _:
                    raise ValueError(f"the replay does not know {word}")

    def _copy(self, source: PurePosixPath, target: str) -> None:
        sent = [path for path in context() if path == source or source in path.parents]
        assert sent, f"COPY {source}: the build does not see it (deploy/Dockerfile.dockerignore)"
        for path in sent:
            into = self._folder / target / (path.relative_to(source) if path != source else path.name)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, into)

    def _do(self, command: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", command],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"RUN {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
