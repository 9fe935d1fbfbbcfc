"""A run, in a local folder or behind a URL, where a stage copies the files it needs and uploads its results.

Machines share nothing but files: shards, then their receipts, which mark them as done.
"""

import os
import re
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from viewpoint100k import fetching, pipeline, run_state, storage
from viewpoint100k.config import BUNDLED, XL_TABLE, RunConfig, load_config, public_source
from viewpoint100k.devices import Device, find_devices
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.interpreters import check_engine
from viewpoint100k.manifest import BESIDE_THE_SHARDS, Manifest
from viewpoint100k.plan import Plan, Shard
from viewpoint100k.records import Reject
from viewpoint100k.run_state import RunPaths, Status
from viewpoint100k.runners.local import default_workers
from viewpoint100k.shards import Receipt
from viewpoint100k.storage import Store

REPORT_S = 20.0  # how often progress is sent
SMALL = ("receipts", "progress", "rejects")  # folders of .run


def generate(
    out: Path | str,
    preset: str = "smoke",
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    engine_python: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    **fields: Any,
) -> Manifest:
    """Make a dataset on this machine: plan it, render the missing shards, and write manifest and card.

    An interrupted run continues where it stopped when it is called again with the same settings.

    Args:
        out: a folder, or a URL such as s3://bucket/run.
        preset: a name, or a YAML file of your own.
        overrides: settings, such as "render.size_px=64".
        workers: render processes; None: one per GPU, else one per core.
        engine_python: another Python interpreter with bpy, to render with.
        progress: called with (shards done, shards) before each shard and at the end.
        fields: settings of the run as a whole, such as source="my-models/", pairs=300, seed=1.

    Returns:
        The manifest: version, samples, questions, and every shard with its hash.

    Raises:
        InputError: a wrong setting, an unusable source, or a folder that holds something else.
        ViewpointError: the objects do not yield enough pairs, or the renderer cannot be started.
    """
    config = with_absolute_source(load_config(preset, overrides, **fields))
    python = [engine_python] if engine_python else []
    with Run(str(out)) as run, tempfile.TemporaryDirectory() as scratch:
        check_engine(*python)
        devices = find_devices("auto", Path(scratch), *python)
        gpus = sum(bool(device.environment()) for device in devices)
        workers = workers or gpus or default_workers()
        plan = run.plan(config)
        missing = run.status(plan, {}).missing
        report = progress or (lambda done, of: None)
        for done, shard in enumerate(missing, len(plan.shards) - len(missing)):
            report(done, len(plan.shards))
            run.render_shard(shard.number, engine_python, workers, lambda _: devices)
        report(len(plan.shards), len(plan.shards))
        return run.finalize()


def with_absolute_source(config: RunConfig) -> RunConfig:
    """The same settings with absolute paths to folders of objects and panoramas.

    They are needed because a run may be continued from another working directory.
    """
    surroundings = [
        entry if entry == BUNDLED else os.path.abspath(entry) for entry in config.render.surroundings
    ]
    render = config.render.model_copy(update={"surroundings": surroundings})
    config = config.model_copy(update={"render": render})
    if public_source(config.source) == XL_TABLE:
        table = os.path.abspath(config.source.partition(":")[2])
        return config.model_copy(update={"source": f"objaverse-xl:{table}"})
    if public_source(config.source) != "folder":
        return config
    return config.model_copy(update={"source": os.path.abspath(config.source)})


class Run:
    """A folder, or a URL opened with `with`.

    `folder` holds its files; for a URL, those that were needed on this machine.
    """

    def __init__(self, out: str) -> None:
        """
        Args:
            out: a path, or a URL such as s3://bucket/run.

        Raises:
            InputError: the URL cannot be opened.
        """
        self.out = out
        self._store: Store | None = storage.open_store(out) if storage.is_url(out) else None
        self._copy = tempfile.TemporaryDirectory(prefix="viewpoint100k-") if self._store else None
        self.folder = Path(self._copy.name) if self._copy else Path(out.removeprefix("file://"))

    def __enter__(self) -> "Run":
        if self._store:
            self._fetch(self._store, ".run/config.yaml", ".run/plan.json", "manifest.json")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._copy:
            self._copy.cleanup()

    @property
    def logs(self) -> Path:
        """The folder on this machine for the output of commands."""
        if self._store is None:
            return RunPaths(self.folder).run / "logs"
        return (
            Path(tempfile.gettempdir())
            / "viewpoint100k-logs"
            / self.out.partition("://")[2].replace("/", "_")
        )

    def plan(self, config: RunConfig, progress: Callable[[int, int], None] | None = None) -> Plan:
        """`pipeline.plan_run`."""
        store = self._store
        paths = RunPaths(self.folder)
        if store and not paths.plan.exists():
            foreign = sorted(name for name in storage.sizes(store) if name)
            if foreign:
                raise InputError(
                    f"{self.out} holds something else ({foreign[0]}) and no run of this tool; pass a new URL"
                )
        before = paths.plan.read_bytes() if paths.plan.exists() else b""
        plan = pipeline.plan_run(self.folder, config, progress)
        if store and paths.plan.read_bytes() != before:  # the plan is new, or has grown
            for path in (
                paths.listed_rejects,
                paths.config,
                paths.plan,
            ):  # the plan is sent last: it marks the stage as done
                storage.put(store, path, str(path.relative_to(self.folder)))
        return plan

    def read_plan(self) -> Plan:
        """The plan.

        Raises:
            InputError: there is no run.
        """
        try:
            return run_state.read_plan(self.folder)
        except InputError as error:
            if self._store is None or RunPaths(self.folder).plan.exists():
                raise
            raise InputError(
                f"{self.out} holds no run: it has no .run/plan.json. Start one with "
                f"`{shell_line('generate', self.out)}`"
            ) from error

    def render_shard(
        self,
        number: int,
        engine_python: str | None = None,
        workers: int = 1,
        devices: Callable[[Path], Sequence[Device]] = lambda scratch: (Device(),),
    ) -> Receipt:
        """`pipeline.render_shard`; a shard is uploaded before its receipt.

        Args:
            devices: finds the devices, given a folder for temporary files; not called if the shard is done.
        """
        plan = self.read_plan()
        shard = plan.shards[number] if 0 <= number < len(plan.shards) else None
        if self._store and shard and (done := self._sent(self._store, shard)):
            return done
        if shard and self._store is None and (done := run_state.read_receipt(self.folder, shard)):
            return done
        found = devices(RunPaths(self.folder).run / "tmp") if shard else ()
        if self._store is None or shard is None:
            return pipeline.render_shard(self.folder, number, engine_python, workers, found)
        store = self._store
        paths = RunPaths(self.folder)
        for folder in SMALL:
            (paths.run / folder).mkdir(parents=True, exist_ok=True)
        self._fetch(store, _name(self.folder, paths.progress(shard)))  # it counts the attempts
        with _reporting(store, paths.progress(shard), _name(self.folder, paths.progress(shard))):
            receipt = pipeline.render_shard(self.folder, number, engine_python, workers, found)
        made = [paths.shard_rejects(shard), *([paths.shard(shard)] if receipt.samples else [])]
        for path in (*made, paths.receipt(shard)):
            storage.put(store, path, _name(self.folder, path))
        storage.delete(store, _name(self.folder, paths.progress(shard)))
        return receipt

    def status(self, plan: Plan, known: dict[int, Receipt]) -> Status:
        """`run_state.status`.

        Behind a URL, a shard is done if it has a receipt and the number of bytes that the receipt states.
        """
        if self._store:
            self._fetch_small(self._store)
            there = storage.sizes(self._store)
            for shard in plan.shards:
                receipt = _read(RunPaths(self.folder).receipt(shard))
                if receipt and (not receipt.samples or there.get(f"{shard.name}.tar") == receipt.bytes):
                    known[shard.number] = receipt
                else:
                    known.pop(shard.number, None)
        return run_state.status(self.folder, plan, known)

    def rejects(self) -> list[Reject]:
        """`run_state.read_rejects`; behind a URL, of the files that `status` has fetched."""
        return run_state.read_rejects(self.folder)

    def fetching(self) -> str:
        """How far the objects of a run in a local folder are fetched, as text for people."""
        return fetching.sum_up(fetching.read_fetching(self.folder))

    def finalize(self) -> Manifest:
        """`pipeline.finalize`. Behind a URL, all shards are fetched into the temporary folder, which needs
        that space.

        Raises:
            InputError: shards are missing, or differ from their receipts and must be made again.
        """
        store = self._store
        plan = self.read_plan()
        if store is None:
            return pipeline.finalize(self.folder)
        now = self.status(plan, {})
        for receipt in now.done:
            shard = plan.shards[receipt.number]
            path = RunPaths(self.folder).shard(shard)
            if receipt.samples and not path.exists():
                storage.get(store, path.name, path)
            # the uploaded shard is damaged: it no longer counts as done
            if run_state.read_receipt(self.folder, shard) is None:
                storage.delete(store, _name(self.folder, RunPaths(self.folder).receipt(shard)))
        try:
            manifest = pipeline.finalize(self.folder)
        except InputError as error:
            raise InputError(self._named(str(error))) from error
        beside = [self.folder / name for name in BESIDE_THE_SHARDS if name != "manifest.json"]
        files = [each for path in beside for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
        for path in (*files, RunPaths(self.folder).rejects, self.folder / "manifest.json"):
            if path.exists():
                storage.put(store, path, _name(self.folder, path))
        return manifest

    def _named(self, text: str) -> str:
        """A message with the local copy's path replaced by the URL, quoted for the shell within a command."""
        folder = re.escape(str(self.folder))
        text = re.sub(
            rf"(`viewpoint100k [a-z-]+ ){folder}", lambda found: found[1] + shlex.quote(self.out), text
        )
        return text.replace(str(self.folder), self.out)

    def _sent(self, store: Store, shard: Shard) -> Receipt | None:
        """The receipt of a shard, if the shard is done."""
        path = RunPaths(self.folder).receipt(shard)
        self._fetch(store, _name(self.folder, path))
        receipt = _read(path)
        if receipt and receipt.samples and storage.sizes(store).get(f"{shard.name}.tar") != receipt.bytes:
            path.unlink()
            return None
        return receipt

    def _fetch(self, store: Store, *names: str) -> None:
        for name in names:
            storage.get(store, name, self.folder / name)

    def _fetch_small(self, store: Store) -> None:
        """Fetch receipts, progress and rejects as they are in the store now."""
        for folder in SMALL:
            target = RunPaths(self.folder).run / folder
            target.mkdir(parents=True, exist_ok=True)
            found = storage.read_all(store, f".run/{folder}")
            for gone in {path.name for path in target.iterdir()} - found.keys():
                (target / gone).unlink()
            for name, data in found.items():
                (target / name).write_bytes(data)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _read(path: Path) -> Receipt | None:
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


@contextmanager
def _reporting(store: Store, path: Path, name: str) -> Iterator[None]:
    """Upload the progress of a shard from time to time, and once more at the end if it failed."""
    over = threading.Event()
    sent = b""

    def send() -> None:
        nonlocal sent
        with suppress(OSError, storage.StorageError):  # a lost report does no harm
            if (now := path.read_bytes()) != sent:
                storage.put(store, path, name)
                sent = now

    def report() -> None:
        wait_s = 1.0  # the first report comes soon: it says that somebody is at work
        while not over.wait(wait_s):
            send()
            wait_s = REPORT_S

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        send()
