"""Apache Kafka on this machine: jars by Maven, one node that is broker and controller."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

import psutil

VERSION = "4.3.1"
OLDEST_JAVA = 17
POM = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "pom.xml"
DEFAULT_CACHE = Path.home() / ".cache" / "glem"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={folder}/records
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
auto.create.topics.enable=false
log.retention.ms=604800000
"""


class KafkaError(OSError):
    """Apache Kafka cannot be fetched or started on this machine."""


def fitting_java() -> str:
    """Return the java on PATH; raises KafkaError if it is too old, or Maven is missing."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        msg = "Apache Kafka: java and mvn are not both on PATH."
        raise KafkaError(msg)
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=30)
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        raise KafkaError(f"Apache Kafka: needs Java {OLDEST_JAVA} or later.")
    return java


def fetch_jars(cache: Path) -> Path:
    """Return the folder with Kafka's jars; Maven fills it the first time."""
    folder = cache / f"kafka-{VERSION}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None or not POM.exists():
        raise KafkaError(f"Apache Kafka: {POM} or mvn is missing.")
    cache.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="fetching-kafka-", dir=cache))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
    try:
        subprocess.run(
            [maven, "-q", "-B", "-f", str(POM), *goal],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=600,
        )
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first
            fresh.rename(folder)
    except subprocess.SubprocessError as problem:
        said = (getattr(problem, "stdout", None) or b"").decode(errors="replace").strip().partition("\n")[0]
        raise KafkaError(f"Apache Kafka: Maven could not fetch it. {said[:300]}") from problem
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


class ApacheKafka:
    """One node in KRaft mode, all of it on 127.0.0.1."""

    ours = True

    def __init__(self, java: str, jars: Path, folder: Path, *, keep: bool, ports: tuple[int, int]) -> None:
        self._folder = folder.resolve()
        self._java = [java, "-Xms256m", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        self._java += ["-cp", f"{jars}/*"]
        self._keep = keep
        self._process: subprocess.Popen[bytes] | None = None
        port, controller = self._earlier_ports() or ports
        self.kind = f"Apache Kafka {VERSION} from Maven Central (KRaft, one node)"
        self.bootstrap = f"127.0.0.1:{port}"
        self._folder.mkdir(parents=True, exist_ok=True)
        text = PROPERTIES.format(port=port, controller=controller, folder=self._folder)
        self._properties.write_text(text, encoding="utf-8")

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _earlier_ports(self) -> tuple[int, int] | None:
        """Return the ports of the last run on this data if they are free: clients may still use them."""
        self._end_orphan()
        if not self._properties.exists():
            return None
        found = re.search(
            r"^listeners=PLAINTEXT://127\.0\.0\.1:(\d+),CONTROLLER://127\.0\.0\.1:(\d+)$",
            self._properties.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        if found is None:
            return None
        port, controller = int(found.group(1)), int(found.group(2))
        return (port, controller) if _is_free(port) and _is_free(controller) else None

    def _end_orphan(self) -> None:
        """End a broker on this data whose parent process was killed."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            orphan = psutil.Process(int((self._folder / "pid").read_text(encoding="utf-8")))
            if str(self._properties) in orphan.cmdline():
                orphan.send_signal(signal.SIGKILL)
                orphan.wait(10)

    def launch(self) -> None:
        """Prepare the data folder once, and start the broker."""
        if not (self._folder / "records" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            # The tool would read an id that begins with a dash as an option.
            cluster = "G" + cluster[1:] if cluster.startswith("-") else cluster
            tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster, "-c"]
            answer = subprocess.run(
                [*self._java, *tool, str(self._properties)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            if answer.returncode != 0:
                raise KafkaError(f"Apache Kafka: {answer.stderr.strip()[-500:]}")
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        (self._folder / "pid").write_text(str(self._process.pid), encoding="utf-8")

    def halt(self, *, kill: bool) -> None:
        """End the broker by SIGKILL, or by SIGTERM with a minute to stop."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def discard(self) -> None:
        """Remove the records, unless the caller named a folder for them."""
        if not self._keep:
            shutil.rmtree(self._folder, ignore_errors=True)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
