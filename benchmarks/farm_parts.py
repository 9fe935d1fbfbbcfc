"""Real parts of a render farm on loopback: an S3 server behind a line that drops, Ray nodes, a one-node
SLURM. For tests and benchmarks.

Each is opened with `with`, listens on 127.0.0.1 where its program lets us say so, and ends with the block. A
part that cannot be had here raises `NotHereError` with the reason.
"""

import contextlib
import os
import random
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

MACHINE = "VIEWPOINT100K_MACHINE"
SLURM_ROOT = "VIEWPOINT100K_SLURM"  # where Debian's packages were unpacked, if SLURM is not installed
STARTS = 4  # of a Ray node, before it is given up
PATIENCE_S = 300.0  # a busy machine takes minutes to start what a calm one starts in seconds


class NotHereError(Exception):
    """A part cannot be had on this machine, and why."""


# --- S3 --------------------------------------------------------------------------------------------


class S3:
    """moto's S3 server, and before it a line on which connections drop.

    `environment` leads a client through the line.
    """

    def __init__(self, folder: Path, drop_share: float = 0.0, seed: int = 0) -> None:
        """
        Args:
            folder: for the log.
            drop_share: of connections, that are cut after a random number of bytes.
            seed: of which, and where.
        """
        if find_spec("moto") is None or find_spec("flask") is None or find_spec("s3fs") is None:
            raise NotHereError("needs s3fs, moto and flask: pip install 'viewpoint100k[dev]'")
        self.folder, self.drop_share, self.rng = folder, drop_share, random.Random(seed)

    def __enter__(self) -> "S3":
        self.port = free_port()
        with open(self.folder / "moto.txt", "wb") as log:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: _listens(self.port), "moto's server")
        self.line = DroppingLine(self.port, self.drop_share, self.rng)
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.line.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.files().call_s3("create_bucket", Bucket="farm")
        return self

    def files(self) -> Any:
        """The server's files, not over the line that drops."""
        import s3fs  # type: ignore[import-untyped]

        return s3fs.S3FileSystem(
            key="test",
            secret="test",
            client_kwargs={"endpoint_url": f"http://127.0.0.1:{self.port}", "region_name": "us-east-1"},
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.line.close()
        self.process.kill()
        self.process.wait()


class DroppingLine:
    """Passes bytes on to a port of this machine, and cuts some connections with a reset."""

    def __init__(self, to_port: int, drop_share: float, rng: random.Random) -> None:
        self.to_port, self.drop_share, self.rng, self.dropped, self.made = to_port, drop_share, rng, 0, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.made += 1
            drops = self.rng.random() < self.drop_share
            left = [int(10 ** self.rng.uniform(1, 4.7)) if drops else 1 << 62]  # bytes, 10 to 50,000
            server = socket.create_connection(("127.0.0.1", self.to_port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, target, left), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, left: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data[: left[0]])
                left[0] -= len(data)
                if left[0] <= 0:
                    self.dropped += 1
                    for end in (source, target):
                        end.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                        )  # close is a reset
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()


# --- Ray -------------------------------------------------------------------------------------------


class RayNodes:
    """A head and further nodes as processes, as `ray start` starts them.

    `environment` has the token that lets a driver in.
    """

    def __init__(self, folder: Path, cpus: list[int]) -> None:
        """
        Args:
            folder: for logs.
            cpus: of each node, the head first; 0: it runs no shards.
        """
        if find_spec("ray") is None:
            raise NotHereError("needs Ray: pip install 'viewpoint100k[ray]'")
        self.folder, self.cpus = folder, cpus

    def __enter__(self) -> "RayNodes":
        import tempfile

        self.port, self.temp = free_port(), tempfile.mkdtemp(prefix="ray-")  # short: sockets lie in it
        self.address, self.nodes = f"127.0.0.1:{self.port}", list[subprocess.Popen[bytes]]()
        # without one, a head may choose a token that the others do not know
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        try:
            for number in range(len(self.cpus)):
                self.start(number)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self, number: int) -> None:
        """Start a node; it is called node-NUMBER in receipts.

        Ray gives it 30 s, which on a busy machine may be too little: again.
        """
        for attempt in range(STARTS):
            node, said = self._try_to_start(number)
            if node.poll() is None:
                self.nodes.append(node)
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGKILL)  # what it has started
            if "timed out during startup" not in said or attempt + 1 == STARTS:
                raise NotHereError(f"ray start ended with {node.returncode}: {said[-300:]}")

    def _try_to_start(self, number: int) -> tuple["subprocess.Popen[bytes]", str]:
        """A node that runs, or has ended; and what it said."""
        role = ["--head", f"--port={self.port}", f"--temp-dir={self.temp}", "--include-dashboard=false"]
        role = role if number == 0 else [f"--address={self.address}"]
        command = [
            str(Path(sys.executable).parent / "ray"),
            "start",
            *role,
            "--node-ip-address=127.0.0.1",
            "--block",
        ]
        command += [f"--num-cpus={self.cpus[number]}", "--num-gpus=0", "--disable-usage-stats"]
        command += [f"--object-store-memory={100 << 20}"]
        environment = {**os.environ, **self.environment, MACHINE: f"node-{number}"}
        log = open(self.folder / f"ray-{number}.txt", "wb")
        node = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        said = self.folder / f"ray-{number}.txt"
        try:
            wait_for(
                lambda: b"Ray runtime started" in said.read_bytes() or node.poll() is not None, "a Ray node"
            )
        except TimeoutError:
            kill_tree(node.pid)
            raise
        return node, said.read_text()

    def kill(self, number: int) -> None:
        """Like pulling the plug: SIGKILL to all of a node's processes."""
        kill_tree(self.nodes[number].pid)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for node in reversed(self.nodes):
            kill_tree(node.pid)
            node.wait()
        shutil.rmtree(self.temp, ignore_errors=True)


# --- SLURM -----------------------------------------------------------------------------------------


class Slurm:
    """A cluster of one node: slurmctld and slurmd, without authentication, on loopback.

    `environment` finds its commands.
    """

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        root = os.environ.get(SLURM_ROOT, "")
        self.folder, self.cpus = folder, cpus
        self.bin = [str(Path(root or "/") / "usr" / name) for name in ("sbin", "bin")]
        self.lib = Path(root or "/") / "usr/lib" / f"{os.uname().machine}-linux-gnu"
        path = os.pathsep.join([*self.bin, os.environ["PATH"]])
        self.ctld = shutil.which("slurmctld-wlm", path=path) or shutil.which("slurmctld", path=path)
        self.slurmd = shutil.which("slurmd-wlm", path=path) or shutil.which("slurmd", path=path)
        if not self.ctld or not self.slurmd:
            raise NotHereError(
                f"SLURM is not here: install it, or unpack it with .ci/slurm DIR and set {SLURM_ROOT}=DIR"
            )
        if os.getuid() != 0:
            raise NotHereError("slurmd has to be started by root")

    def __enter__(self) -> "Slurm":
        step = Path(self.slurmd or "").with_name(Path(self.slurmd or "").name.replace("slurmd", "slurmstepd"))
        ports, memory_mb = (free_port(), free_port()), 8000
        conf = self.folder / "slurm.conf"
        conf.write_text(
            "\n".join(
                [
                    "ClusterName=loopback",
                    "SlurmctldHost=localhost(127.0.0.1)",
                    f"SlurmctldPort={ports[0]}",
                    f"SlurmdPort={ports[1]}",
                    "SlurmUser=root",
                    "AuthType=auth/none",
                    "CredType=cred/none",
                    "ProctrackType=proctrack/pgid",
                    "TaskPlugin=task/none",
                    "SelectType=select/cons_tres",
                    "SelectTypeParameters=CR_Core",
                    "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny",
                    "ReturnToService=2",
                    "SchedulerParameters=batch_sched_delay=0,sched_interval=2",
                    f"StateSaveLocation={self.folder}/state",
                    f"SlurmdSpoolDir={self.folder}/spool",
                    f"SlurmctldPidFile={self.folder}/ctld.pid",
                    f"SlurmdPidFile={self.folder}/slurmd.pid",
                    f"PluginDir={self.lib / 'slurm-wlm'}",
                    f"NodeName=localhost NodeAddr=127.0.0.1 CPUs={self.cpus} RealMemory={memory_mb} "
                    "State=UNKNOWN",
                    "PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP "
                    "OverSubscribe=NO",
                ]
            )
            + "\n"
        )
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        libraries = os.pathsep.join(
            [str(self.lib), str(self.lib / "slurm-wlm"), os.environ.get("LD_LIBRARY_PATH", "")]
        ).strip(os.pathsep)
        self.environment = {
            "SLURM_CONF": str(conf),
            "PATH": os.pathsep.join([*self.bin, os.environ["PATH"]]),
            "LD_LIBRARY_PATH": libraries,
        }
        environment = {**os.environ, **self.environment}
        self.processes = []
        for name, command in (
            ("ctld", [str(self.ctld), "-D"]),
            ("slurmd", [str(self.slurmd), "-D", "-N", "localhost", "-d", str(step)]),
        ):
            log = open(self.folder / f"{name}.txt", "wb")
            self.processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
            )
        try:
            wait_for(self._idle, "the SLURM node", 60)
        except TimeoutError as error:
            said = "".join((self.folder / f"{name}.txt").read_text()[-300:] for name in ("ctld", "slurmd"))
            self.__exit__(None, None, None)
            raise NotHereError(f"SLURM does not start here: {' '.join(said.split())}") from error
        return self

    def _idle(self) -> bool:
        if any(process.poll() is not None for process in self.processes):
            raise TimeoutError("a daemon has ended")
        return "idle" in self.call("sinfo", "-h", "-o", "%T")

    def call(self, *words: str) -> str:
        """What a command of SLURM prints; nothing if it fails."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(words, capture_output=True, text=True, env=environment)
        return done.stdout if done.returncode == 0 else ""

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.call("scancel", "--user=root")
        for process in reversed(self.processes):
            kill_tree(process.pid)
            process.wait()


# --- processes -------------------------------------------------------------------------------------


def children(ancestor: int) -> dict[int, str]:
    """Processes below one, with their command lines. Linux."""
    parents, words = dict[int, int](), dict[int, str]()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words[int(entry.name)] = (
                (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )

    def below(pid: int) -> bool:
        while pid in parents and pid != ancestor:
            pid = parents[pid]
        return pid == ancestor

    return {pid: line for pid, line in words.items() if pid != ancestor and below(pid)}


def kill_tree(pid: int) -> None:
    """SIGKILL to a process and all below it."""
    for each in [pid, *children(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def wait_for(condition, what: str, seconds: float = PATIENCE_S) -> None:  # type: ignore[no-untyped-def]
    """Wait until something is so.

    Raises:
        TimeoutError: it did not come about.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[Path]:
    """A file system of so many bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotHereError("there is no mount") from error
    if done.returncode:
        raise NotHereError(f"cannot mount a small file system: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    """Change a mounted file system: `ro`, or another size."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def numbers_of(spec: str) -> list[int]:
    """3,7,12-14 as numbers."""
    out: list[int] = []
    for part in filter(None, spec.strip().split(",")):
        first, _, last = part.partition("-")
        assert re.fullmatch(r"\d+", first), spec
        out += range(int(first), int(last or first) + 1)
    return out
