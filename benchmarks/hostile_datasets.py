"""Does a stranger's dataset bring a reader down? `python benchmarks/hostile_datasets.py my-dataset [--only
WORD] [--strace]`.

Copies a small finished dataset (16 pairs of 64 px will do), spoils each copy in one way, and has every
command that reads datasets read it, each in a process of its own. A way is passed where no command ends in a
traceback, takes more than 10 CPU-seconds or a gigabyte, waits for what never comes, says more than a line per
fault, or touches anything outside the folder; and where those commands that must refuse it do, `validate`
with exit code 1 or 2, the others with 2. Hashes are made to fit, as a careful liar would. With --strace the
kernel says what was opened; without it Python does. Prints a table and writes JSON; exit 1 if any fails.
"""

# mypy: disable-error-code="func-returns-value"
# A way of damage is a lambda; one that does two things is a tuple of what both return, which is nothing.

import argparse
import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

LIMIT_S, LIMIT_MB = 10.0, 1000
# without a CPU-second's hundredth: on a busy machine that is waiting for nothing, and time alone is not
STILL_S = 15.0
Change = Callable[[Any], object]


class Way(NamedTuple):
    """One way to spoil a dataset, or the predictions that are scored with it."""

    name: str
    spoil: Callable[["Case"], object]
    refused_by: frozenset[str]  # commands that must not take it


class Case(NamedTuple):
    """A folder with a dataset to spoil, and one outside it that nobody may touch."""

    root: Path

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def outside(self) -> Path:
        return self.root / "outside"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions.jsonl"

    @property
    def shard(self) -> Path:
        return min(self.dataset.glob("train-*.tar"))

    @property
    def key(self) -> str:
        return self.shard.read_bytes()[:100].split(b".")[0].decode()


# --- commands --------------------------------------------------------------------------------------

READERS = [
    "validate", "gallery", "card", "index", "remove", "requestion", "evaluate", "inspect", "export",
    "stream", "table",
]  # fmt: skip
OF_SHARDS = frozenset(READERS)
OF_PICTURES = frozenset(["validate", "gallery", "card", "stream"])  # decode the first sample's
# at both their ends at least; the others never open one
LOOK_AT_PICTURES = OF_SHARDS - {"index", "inspect", "evaluate"}
OF_MANIFEST = frozenset(["validate", "card", "remove", "requestion"])
VALIDATE = frozenset({"validate"})
NOBODY = frozenset[str]()


def command(name: str, case: Case, uid: str) -> list[str]:
    """The command line of a reader; `stream` and `table` are calls of `load_questions`."""
    d, out = str(case.dataset), str(case.root / "out")
    return {
        "validate": ["validate", d, "--workers", "1"],
        "gallery": ["gallery", d, f"{out}.html"],
        "card": ["card", d],
        "index": ["index", d],
        "remove": ["remove", d, "--uid", uid],
        "requestion": ["requestion", d, f"{out}-asked"],
        "evaluate": [
            "evaluate",
            str(case.predictions),
            d,
            "--json",
            f"{out}.json",
            "--html",
            f"{out}-scores.html",
        ],
        "inspect": ["inspect", d, case_key(case)],
        "export": ["export", d, f"{out}-exported", "--to", "llamafactory", "--split", "train"],
        "stream": ["stream", d],
        "table": ["table", d],
    }[name]


def case_key(case: Case) -> str:
    return (case.root / "key").read_text()


def call(arguments: list[str]) -> None:
    """What a user's process does, in this one."""
    if arguments[0] in ("stream", "table"):
        import datasets

        import viewpoint100k
        from viewpoint100k.cli.screen import err_console
        from viewpoint100k.errors import InputError

        datasets.config.HF_DATASETS_CACHE = Path(arguments[1]).parent / "cache"
        datasets.disable_progress_bars()
        try:
            rows = viewpoint100k.load_questions(arguments[1], streaming=arguments[0] == "stream")
            print(sum(len(row["images"]) for row in rows), "pictures")
        except InputError as error:
            err_console.print(f"error: {error}", soft_wrap=True, highlight=False, markup=False)
            sys.exit(2)
        return
    from viewpoint100k.cli import main

    sys.argv = ["viewpoint100k", *arguments]
    main()


class Run(NamedTuple):
    """What one command did."""

    command: str
    code: int  # exit code; -1: it was killed, for it hung
    wall_s: float
    cpu_s: float
    mb: int  # at its peak, beyond what this process holds, of which it is a fork
    errors: str
    touched: list[str]


def run(arguments: list[str], case: Case) -> Run:
    """Run a command in a fork of this process, which has imported all that it needs."""
    log, touched = case.root / "stderr.txt", case.root / "touched.txt"
    held_mb = _resident_mb()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_a_process(arguments, case, log, touched)
    spent, since = 0.0, started  # CPU-seconds, and when they were last more than before
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        now = time.monotonic()
        if not pid and (cpu_s := _cpu_s(child)) > spent:
            spent, since = cpu_s, now
        if pid or spent > 2 * LIMIT_S or now - since > STILL_S:
            break
        time.sleep(0.003 if now - started < 1 else 0.1)
    if not pid:
        os.killpg(child, signal.SIGKILL)
        _, _, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status) if pid else -1
    wall_s, cpu_s = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    lines = touched.read_text().splitlines() if touched.exists() else []
    mb = max(usage.ru_maxrss // 1024 - held_mb, 0)
    return Run(arguments[0], code, wall_s, cpu_s, mb, log.read_text(errors="replace"), sorted(set(lines)))


def _resident_mb() -> int:
    """What this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def _cpu_s(pid: int) -> float:
    """What a running process has used so far; a hundredth of a second is seen."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _be_a_process(arguments: list[str], case: Case, log: Path, touched: Path) -> None:
    os.setpgid(0, 0)
    resource.setrlimit(
        resource.RLIMIT_AS, (12 << 30, 12 << 30)
    )  # what goes on growing must not take the machine down
    err = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = (
        open(handle, "w", closefd=False) for handle in (1, 2)
    )  # whoever has taken them before
    note = os.open(touched, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    foreign = (str(case.outside), "/dev/zero", "/etc/hostname", "/etc/passwd")

    def hook(event: str, values: tuple[Any, ...]) -> None:
        follows = event in ("open", "os.listdir", "os.scandir")
        if follows or event in ("os.remove", "os.rename", "os.mkdir", "shutil.rmtree"):
            for value in values[:2]:
                if isinstance(value, str | bytes | Path):
                    folder, name = os.path.split(os.fsdecode(value))
                    real = (
                        os.path.realpath(os.fsdecode(value))
                        if follows
                        else f"{os.path.realpath(folder)}/{name}"
                    )
                    if real.startswith(foreign) and os.fsdecode(value) != str(
                        case.predictions
                    ):  # that one is the user's
                        os.write(note, f"{event} {os.fsdecode(value)!a}\n".encode())

    sys.addaudithook(hook)
    code: Any = 0
    try:
        call(arguments)
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def faults(way: Way, done: Run, case: Case, before: str) -> list[str]:
    """What was not as it must be."""
    lines = [line for line in done.errors.splitlines() if line.strip()]
    out = []
    if "Traceback" in done.errors or done.code in (70, -11, -6, -9):
        out.append(f"traceback: {lines[-1][:200] if lines else done.code}")
    if done.code == -1 or done.cpu_s > LIMIT_S:
        out.append(f"hangs: {done.wall_s:.1f} s, {done.cpu_s:.1f} CPU-s")
    if done.mb > LIMIT_MB:
        out.append(f"takes {done.mb} MB")
    if done.code in (1, 2) and done.command != "validate" and len(lines) != 1:
        out.append(f"says {len(lines)} lines: {lines[:2]}")
    if done.code == 0 and lines and done.command not in ("evaluate",):
        out.append(f"prints {lines[0][:200]}")
    if any(not line.isprintable() for line in lines):
        out.append("prints control characters")
    if done.code not in (0, 2) and not (done.command == "validate" and done.code == 1):
        out.append(f"exit code {done.code}")
    if done.code == 0 and done.command in way.refused_by:
        out.append("takes it")
    if done.touched:
        out.append(f"touches {done.touched[0]}")
    if before != _state(case.outside):
        out.append("changes what lies outside")
    return [f"{done.command}: {what}" for what in out]


def _state(folder: Path) -> str:
    """All that lies in a folder, as text."""
    return "\n".join(
        f"{path} {path.stat().st_size if path.is_file() else ''}" for path in sorted(folder.rglob("*"))
    ) + "".join(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    )


# --- tools -----------------------------------------------------------------------------------------


def header(name: str | bytes, size: int | bytes, kind: bytes = b"0", link: str = "") -> bytes:
    """A tar header with whatever is asked for in it, and a checksum that fits."""
    block = bytearray(512)
    text = name.encode() if isinstance(name, str) else name
    block[: len(text[:100])] = text[:100]
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[136:148], block[156:157], block[157 : 157 + len(link)] = b"00000000000\0", kind, link.encode()
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(
    name: str | bytes, data: bytes, kind: bytes = b"0", link: str = "", size: int | bytes | None = None
) -> bytes:
    return header(name, len(data) if size is None else size, kind, link) + data + bytes(-len(data) % 512)


def members(path: Path) -> dict[str, bytes]:
    """Name and content of the members of one of our shards."""
    out, data, at = dict[str, bytes](), path.read_bytes(), 0
    while data[at]:
        name, size = data[at : at + 100].split(b"\0")[0].decode(), int(data[at + 124 : at + 135], 8)
        out[name] = data[at + 512 : at + 512 + size]
        at += 512 + -(-size // 512) * 512
    return out


END = bytes(1024)


def whole(files: dict[str, bytes]) -> bytes:
    return b"".join(member(name, data) for name, data in files.items()) + END


def write(case: Case, data: bytes, *, fit: bool = True) -> None:
    """Put other bytes in place of the first shard, and make the manifest's hash fit."""
    case.shard.write_bytes(data)
    if fit:
        digest = hashlib.sha256(data).hexdigest()

        def change(tree: Any) -> None:
            entry = next(one for one in tree["shards"] if one["name"] == case.shard.name)
            entry.update(sha256=digest, bytes=len(data))

        edit_manifest(case, change)


def edit_manifest(case: Case, change: Change) -> None:
    path = case.dataset / "manifest.json"
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


def put_first(make: Callable[[str], bytes]) -> Callable[[Case], None]:
    """Something before all members of the first shard; `make` gets the first sample's key."""
    return lambda case: write(case, make(case.key) + case.shard.read_bytes())


def in_place_of_picture(make: Callable[[str, bytes], bytes]) -> Callable[[Case], None]:
    """Other blocks in place of the first picture's; `make` gets its name and content."""

    def spoil(case: Case) -> None:
        files = members(case.shard)
        name = f"{case.key}.view_0.jpg"
        write(
            case,
            b"".join(make(one, data) if one == name else member(one, data) for one, data in files.items())
            + END,
        )

    return spoil


def of_files(change: Callable[[dict[str, bytes], str], object]) -> Callable[[Case], None]:
    """Change names and contents of the first shard's members; `change` gets the first sample's key too."""

    def spoil(case: Case) -> None:
        files, key = members(case.shard), case.key
        changed = change(files, key)
        write(case, whole(changed if isinstance(changed, dict) else files))

    return spoil


def of_sample(change: Change) -> Callable[[Case], None]:
    """Change the first sample's record."""

    def spoil(files: dict[str, bytes], key: str) -> None:
        tree = json.loads(files[f"{key}.json"])
        change(tree)
        files[f"{key}.json"] = json.dumps(tree).encode()

    return of_files(spoil)


def of_every_sample(change: Change) -> Callable[[Case], None]:
    def spoil(files: dict[str, bytes], key: str) -> None:
        for name in (name for name in files if name.endswith(".json")):
            tree = json.loads(files[name])
            change(tree)
            files[name] = json.dumps(tree).encode()

    return of_files(spoil)


def of_question(change: Change) -> Callable[[Case], None]:
    return of_sample(lambda tree: change(tree["questions"][0]))


def of_text(change: Callable[[bytes], bytes]) -> Callable[[Case], None]:
    """Change the first sample's record as text."""

    def spoil(files: dict[str, bytes], key: str) -> None:
        files[f"{key}.json"] = change(files[f"{key}.json"])

    return of_files(spoil)


def of_picture(change: Callable[[bytes], bytes]) -> Callable[[Case], None]:
    """Change the first picture of every sample."""

    def spoil(files: dict[str, bytes], key: str) -> None:
        for name in (name for name in files if name.endswith(".view_0.jpg")):
            files[name] = change(files[name])

    return of_files(spoil)


def put(**values: Any) -> Change:
    """Set fields; a name such as `views__0__hfov_deg` goes down."""

    def change(tree: Any) -> None:
        for name, value in values.items():
            *way, last = name.split("__")
            inner = tree
            for step in way:
                inner = inner[int(step) if step.isdigit() else step]
            inner[int(last) if last.isdigit() else last] = value

    return change


def encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def png_bomb(side: int) -> bytes:
    """A PNG that says so many pixels each way, all alike."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = zlib.compress(bytes((side + 1) * 64), 9)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    at = next(at for marker in (b"\xff\xc0", b"\xff\xc2") if (at := jpeg.find(marker)) > 0)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


@cache
def large_jpeg() -> bytes:
    return encoded(Image.new("RGB", (12_000, 12_000)), "JPEG", quality=1)


@cache
def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each passes over all of the picture."""
    jpeg = encoded(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True)
    last = jpeg.rfind(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * count + b"\xff\xd9"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n/x { x } def x\nshowpage\n"
IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
DOWN = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 3], [0, 0, 0, 1]]


def fifo(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def link(path: Path, to: str | Path) -> None:
    remove(path)
    path.symlink_to(to)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def folder_outside(case: Case, name: str) -> None:
    """A folder of the dataset that is really elsewhere, with things in it that we would delete in ours."""
    shutil.copytree(case.dataset / name, case.outside / name, dirs_exist_ok=True)
    (case.outside / name / "thesis.txt").write_text("mine")
    (case.outside / name / ".thesis.txt.0.partial").write_text("mine")
    os.utime(case.outside / name / ".thesis.txt.0.partial", (0, 0))
    link(case.dataset / name, case.outside / name)


def shards_are(make: Callable[[Path], object]) -> Callable[[Case], object]:
    return lambda case: make(case.shard)


def head_of_card(text: str) -> Callable[[Case], object]:
    return lambda case: (case.dataset / "README.md").write_text(f"---\n{text}\n---\n\nA card.\n")


def predictions(text: str | bytes) -> Callable[[Case], None]:
    def spoil(case: Case) -> None:
        case.predictions.write_bytes(text if isinstance(text, bytes) else text.encode())

    return spoil


def line(rest: str, said: str = '"A"') -> str:
    return f'{{"question_id": "x", "prediction": {said}{rest}}}\n'


def in_manifest(change: Change) -> Callable[[Case], None]:
    return lambda case: edit_manifest(case, change)


def manifest_is(data: bytes | str) -> Callable[[Case], object]:
    return lambda case: (case.dataset / "manifest.json").write_bytes(
        data if isinstance(data, bytes) else data.encode()
    )


def all_chain(kind: bytes, count: int) -> Callable[[str], bytes]:
    """So many headers in a row, each of which speaks of the next."""
    return lambda key: member("chain", b"20 path=x/y/z/12345\n", kind) * count


def pax(*records: str) -> bytes:
    out = b""
    for record in records:
        size = len(record) + 3
        size += len(str(size)) - 1
        out += f"{size} {record}\n".encode()
    return member("PaxHeaders/x", out, b"x")


def deep(count: int) -> str:
    return "[" * count + "]" * count


# --- the ways --------------------------------------------------------------------------------------


def ways() -> Iterator[Way]:
    def way(name: str, spoil: Callable[[Case], object], refused_by: frozenset[str] = OF_SHARDS) -> Way:
        return Way(name, spoil, refused_by)

    # members of a shard
    yield way(
        "symbolic link to a file outside",
        in_place_of_picture(lambda n, d: member(n, b"", b"2", "../outside/secret.jpg")),
    )
    yield way(
        "symbolic link to an absolute path",
        in_place_of_picture(lambda n, d: member(n, b"", b"2", "/etc/hostname")),
    )
    yield way(
        "hard link to a file outside",
        in_place_of_picture(lambda n, d: member(n, b"", b"1", "../outside/secret.jpg")),
    )
    yield way("hard link to itself", in_place_of_picture(lambda n, d: member(n, b"", b"1", n)))
    yield way(
        "hard link to a member",
        in_place_of_picture(lambda n, d: member(n, d) + member(n.replace("view_0", "view_2"), b"", b"1", n)),
    )
    yield way("FIFO", in_place_of_picture(lambda n, d: member(n, b"", b"6")))
    yield way("character device", in_place_of_picture(lambda n, d: member(n, b"", b"3")))
    yield way("block device", in_place_of_picture(lambda n, d: member(n, b"", b"4")))
    yield way("folder", in_place_of_picture(lambda n, d: member(n, b"", b"5")))
    yield way("unknown kind", in_place_of_picture(lambda n, d: member(n, d, b"Q")))
    yield way("contiguous file", in_place_of_picture(lambda n, d: member(n, d, b"7")))
    yield way("old sparse file", in_place_of_picture(lambda n, d: _old_sparse(n)))
    yield way(
        "pax sparse file",
        in_place_of_picture(
            lambda n, d: (
                pax(
                    "GNU.sparse.major=1",
                    "GNU.sparse.minor=0",
                    f"GNU.sparse.name={n}",
                    f"GNU.sparse.realsize={1 << 40}",
                )
                + member(n, d)
            )
        ),
    )
    yield way(
        "size of 2^62", in_place_of_picture(lambda n, d: header(n, b"\x80" + (1 << 62).to_bytes(11, "big")))
    )
    yield way(
        "size of 2^40 in json",
        put_first(lambda key: header("x.json", b"\x80" + (1 << 40).to_bytes(11, "big"))),
    )
    yield way("negative size", in_place_of_picture(lambda n, d: header(n, b"\xff" * 10 + b"\xfe\x00")))
    yield way("size of -17 in digits", in_place_of_picture(lambda n, d: header(n, b"-0000000021\0")))
    yield way("size that is no number", in_place_of_picture(lambda n, d: header(n, b"size unknown")))
    yield way("json of 3 MB", of_text(lambda data: data + b" " * (3 << 20)))
    yield way("picture of 40 MB", of_picture(lambda data: data + bytes(40 << 20)))
    yield way("chain of 5,000 pax headers", put_first(all_chain(b"x", 5000)))
    yield way("chain of 5,000 global headers", put_first(all_chain(b"g", 5000)))
    yield way("chain of 5,000 long names", put_first(all_chain(b"L", 5000)))
    yield way("chain of 5,000 long links", put_first(all_chain(b"K", 5000)))
    yield way(
        "long name of 2^40 bytes",
        put_first(lambda key: header("L", b"\x80" + (1 << 40).to_bytes(11, "big"), b"L")),
    )
    yield way(
        "pax header of 2^40 bytes",
        put_first(lambda key: header("x", b"\x80" + (1 << 40).to_bytes(11, "big"), b"x")),
    )
    yield way(
        "pax header that gives a size",
        in_place_of_picture(lambda n, d: pax(f"size={1 << 62}") + member(n, d)),
    )
    yield way(
        "pax header that gives a path",
        in_place_of_picture(lambda n, d: pax("path=../../outside/x.json") + member(n, d)),
    )
    yield way(
        "pax header at the end",
        lambda case: write(case, whole(members(case.shard))[:-1024] + pax("mtime=1.5") + END),
        NOBODY,
    )
    yield way(
        "name that leads out",
        of_files(lambda files, key: {n.replace(key, "../../outside/evil"): d for n, d in files.items()}),
    )
    yield way(
        "absolute name",
        of_files(lambda files, key: {n.replace(key, "/tmp/evil"): d for n, d in files.items()}),
    )
    yield way(
        "name with line breaks and escapes",
        of_files(lambda files, key: {n.replace(key, "a\n\x1b[31mb"): d for n, d in files.items()}),
    )
    yield way("name that is no UTF-8", put_first(lambda key: member(b"\xff\xfe.json", b"{}")))
    yield way(
        "name without end",
        of_files(lambda files, key: {n.replace(key, "k" * 95): d for n, d in files.items()}),
    )
    yield way("empty name", put_first(lambda key: member(".json", b"{}")))
    yield way("foreign member", of_files(lambda files, key: {f"{key}.py": b"import os", **files}))
    yield way("picture is missing", of_files(lambda files, key: files.pop(f"{key}.view_0.jpg")))
    yield way("json is missing", of_files(lambda files, key: files.pop(f"{key}.json")), OF_SHARDS - {"card"})
    yield way(
        "third picture",
        of_files(lambda files, key: {f"{key}.view_2.jpg": files[f"{key}.view_0.jpg"], **files}),
    )
    yield way("member twice", lambda case: write(case, _twice(case)))
    yield way(
        "members of samples mixed",
        of_files(lambda files, key: dict(sorted(files.items(), key=lambda one: one[0].split(".")[1]))),
    )
    yield way(
        "100,000 empty samples",
        lambda case: write(case, b"".join(member(f"k{i}.view_0.jpg", b"") for i in range(100_000)) + END),
    )
    yield way("shard cut within a member", lambda case: write(case, case.shard.read_bytes()[:3000]))
    yield way("shard cut within a header", lambda case: write(case, whole(members(case.shard))[:100]))
    yield way(
        "shard cut behind a sample",
        lambda case: write(case, whole(members(case.shard))[:-1024]),
        OF_SHARDS - {"inspect"},
    )
    yield way("no sample", lambda case: write(case, bytes(10240)), VALIDATE)
    yield way("empty shard", lambda case: write(case, b""))
    yield way("shard of text", lambda case: write(case, b"hello\n" * 1000))
    yield way("shard in gzip", lambda case: write(case, gzip.compress(case.shard.read_bytes())))
    yield way("gzip bomb as shard", lambda case: write(case, gzip.compress(bytes(256 << 20))))
    yield way("damaged header in the middle", lambda case: write(case, _damaged(case)))
    yield way(
        "shard of 60 GB of holes",
        shards_are(lambda path: os.truncate(path, 60 << 30)),
        OF_SHARDS - {"inspect"},
    )
    yield way("shard is a FIFO", shards_are(fifo))
    yield way("shard is /dev/zero", shards_are(lambda path: link(path, "/dev/zero")))
    yield way("shard is a link outside", lambda case: link(case.shard, case.outside / "train.tar"))
    yield way("shard is a link to itself", shards_are(lambda path: link(path, path.name)))
    yield way("shard is a folder", shards_are(lambda path: (remove(path), path.mkdir())))
    # the record of a sample
    yield way("json 100,000 deep", of_text(lambda data: deep(100_000).encode()))
    yield way(
        "json 100,000 deep in a field",
        of_text(lambda data: data.replace(b'"preset":', f'"preset":{deep(100_000)},"x":'.encode(), 1)),
    )
    yield way("json is empty", of_text(lambda data: b""))
    yield way("json is a list", of_text(lambda data: b"[]"))
    yield way("json is no UTF-8", of_text(lambda data: data.replace(b'"smoke"', b'"\xff\xfe"')))
    yield way("json with half a character", of_sample(put(preset="\ud800")))
    yield way("json with NaN", of_sample(put(truth__yaw_deg=float("nan"))))
    yield way(
        "json with infinity", of_text(lambda data: re.sub(rb'"yaw_deg":[^,]*', b'"yaw_deg":1e999', data))
    )
    yield way(
        "number of 5,000 digits",
        of_text(lambda data: re.sub(rb'"seed":[^,]*', b'"seed":' + b"9" * 5000, data)),
    )
    yield way("seed of 2^70", of_sample(put(provenance__seed=1 << 70)))
    yield way(
        "300,000 unknown fields", of_sample(lambda tree: tree.update({f"{i:x}": 0 for i in range(300_000)}))
    )
    yield way("list of 500,000 wrong numbers", of_sample(put(seen__difference=[[""] * 500_000])))
    yield way("100,000 empty questions", of_sample(put(questions=[{}] * 100_000)))
    yield way("prompt of 1.9 MB", of_question(put(prompt="word " * 380_000)), VALIDATE)
    yield way("prompt of letters without end", of_question(put(prompt="[" * 1_900_000)), VALIDATE)
    yield way("yaw of 1e308", of_sample(put(truth__yaw_deg=1e308)))
    yield way("translation of 1e308", of_sample(put(truth__translation=[1e308, -1e308, 1e308])))
    yield way("azimuth change of 1e8", of_every_sample(put(truth__azimuth_change_deg=1e8)))
    yield way("distance ratio of 1e-300", of_sample(put(truth__distance_ratio=1e-300)))
    yield way("front at 1e308 degrees", of_sample(put(truth__front_azimuth_deg=1e308)))
    yield way(
        "truth of another pair", of_sample(put(truth__yaw_deg=77.0)), frozenset({"validate", "requestion"})
    )
    yield way("pose of 1e200", of_sample(put(views__0__world_from_camera=[[1e200] * 4] * 3 + [[0, 0, 0, 1]])))
    yield way("place of 1e300", of_sample(put(views__0__world_from_camera__0__3=1e300)))
    yield way("pose of zeros", of_sample(put(views__1__world_from_camera=[[0] * 4] * 4)))
    yield way("pose with a foreign last row", of_sample(put(views__1__world_from_camera__3=[1, 1, 1, 1])))
    yield way(
        "mirrored pose",
        of_sample(
            put(views__0__world_from_camera=[[-1, 0, 0, 0], [0, 1, 0, -3], [0, 0, 1, 0], [0, 0, 0, 1]])
        ),
    )
    yield way("pose of 3 x 3", of_sample(put(views__0__world_from_camera=[[1, 0, 0], [0, 1, 0], [0, 0, 1]])))
    yield way("camera in the middle of the object", of_sample(put(views__0__world_from_camera=IDENTITY)))
    yield way(
        "camera straight above",
        of_every_sample(put(views__0__world_from_camera=DOWN)),
        frozenset({"validate", "requestion"}),
    )
    yield way("relative pose of zeros", of_sample(put(truth__second_from_first=[[0] * 4] * 4)))
    yield way("focal length 0", of_sample(put(views__0__intrinsics__0__0=0.0)))
    yield way("focal length of 1e-300", of_sample(put(views__0__intrinsics__0__0=1e-300)))
    yield way("negative focal length", of_sample(put(views__0__intrinsics__1__1=-60.0)))
    yield way("intrinsics of zeros", of_sample(put(views__0__intrinsics=[[0] * 3] * 3)))
    yield way("picture of 1e6 pixels by its intrinsics", of_sample(put(views__0__intrinsics__0__2=5e5)))
    yield way("field of view of 1e308", of_sample(put(views__0__hfov_deg=1e308)))
    yield way("field of view of 180", of_sample(put(views__0__hfov_deg=180.0)))
    yield way("box of no width", of_sample(put(views__0__object_box=[5, 5, 5, 5])))
    yield way("box of 1e308", of_sample(put(views__0__object_box=[-1e308, -1e308, 1e308, 1e308])))
    yield way("no view", of_sample(put(views=[])))
    yield way("one view", of_files(_one_view))
    yield way("a hundred views", of_sample(lambda tree: tree.update(views=tree["views"][:1] * 100)))
    yield way("answer_index 99", of_question(put(answer_index=99)))
    yield way("answer_index -5", of_question(put(answer_index=-5)))
    yield way("answer_index 10^30", of_question(put(answer_index=10**30)))
    yield way("no options", of_question(put(options=[], value=None)))
    yield way("100,000 options", of_question(put(options=[str(i) for i in range(100_000)])))
    yield way("pictures 99", of_question(put(images=[99, 0])))
    yield way("picture -1", of_question(put(images=[-1, 0])))
    yield way("no pictures", of_question(put(images=[])))
    yield way("picture 0 a million times", of_question(put(images=[0] * 500_000)))
    yield way("mark on picture 99", of_question(put(marks=[_mark(image=99)])))
    yield way("mark at 1e300", of_question(put(marks=[_mark(x=1e300)])))
    yield way("mark a thousand pixels outside", of_question(put(marks=[_mark(y=-1000.0)])))
    yield way("letter Z", of_question(put(marks=[_mark(letter="Z")])))
    yield way("letter of two", of_question(put(marks=[_mark(letter="AB")])))
    yield way("20,000 marks", of_question(put(marks=[_mark()] * 20_000)))
    yield way("mirrored picture 99", of_question(put(mirrored=[99])))
    yield way(
        "camera on the map at 1e308", of_question(put(map_cameras=[{"azimuth_deg": 1e308, "colour": "red"}]))
    )
    yield way(
        "20,000 cameras on the map",
        of_question(put(map_cameras=[{"azimuth_deg": 1.0, "colour": "red"}] * 20_000)),
    )
    yield way("object 99 of a scene that is none", of_question(put(parts=[99])))
    yield way(
        "number 0 asked for", of_question(put(options=[], answer_index=-1, value=0.0, answer_form="number"))
    )
    yield way(
        "number 1e308 asked for",
        of_question(put(options=[], answer_index=-1, value=1e308, answer_form="number")),
    )
    yield way("margin of 1e308", of_question(put(margin=1e308)))
    yield way("question id that leads out", of_question(put(id="../../../outside/evil")))
    yield way("question id with line breaks", of_question(put(id="a\nb\x1b[2J")))
    yield way("kind of question that is a formula", of_question(put(type="$\\frac{", frame="$")))
    yield way(
        "options that are formulas",
        of_question(put(options=["$\\frac{1}$", "$^$", "$_{$"], answer_index=0)),
        VALIDATE,
    )
    yield way(
        "option of 100 kB", of_question(put(options=["a" * 100_000, "b", "c"], answer_index=0)), VALIDATE
    )
    yield way(
        "two questions of one id",
        of_sample(lambda tree: tree["questions"].append(tree["questions"][0])),
        VALIDATE,
    )
    yield way(
        "title that clears the terminal",
        of_every_sample(put(object__title="\x1b[2J\x9b31m\u202e<script>", object__author="]0;x\x07")),
        VALIDATE,
    )
    yield way("uid that leads out", of_sample(put(object__uid="../../outside/x")))
    yield way("family that is none", of_sample(put(family="$x$")))
    yield way("split that is none", of_sample(put(split="../outside")))
    yield way("number as text", of_sample(put(truth__roll_deg="0.5")))
    yield way("true as number", of_sample(put(truth__roll_deg=True)))
    yield way(
        "matrices of another size",
        of_sample(put(seen__difference=[[0.0]], seen__covisible_fraction=[[1.0, 0.5, 1.0]])),
    )
    yield way("sides of seven views", of_sample(put(seen__sides=[[0.0] * 6] * 7)))
    yield way(
        "point of 1e308",
        of_sample(
            put(
                seen__points=[
                    {
                        "world": [1e308] * 3,
                        "pixels": [[1e308, 0], [0, 0]],
                        "visible": ["yes", "yes"],
                        "albedo": [1e308, 0, 0],
                    }
                ]
            )
        ),
    )
    yield way(
        "scene without objects", of_sample(put(scene={"ground": 0, "parts": [], "views": [], "change": None}))
    )
    yield way(
        "scene of numbers",
        of_sample(put(scene={"ground": 1e308, "parts": [1], "views": [2], "change": {"part": 99}})),
    )
    # pictures
    yield way("empty picture", of_picture(lambda data: b""), LOOK_AT_PICTURES)
    yield way("truncated picture", of_picture(lambda data: data[: len(data) // 2]), LOOK_AT_PICTURES)
    yield way("picture cut in its header", of_picture(lambda data: data[:20]), LOOK_AT_PICTURES)
    yield way("picture of text", of_picture(lambda data: b"not a picture" * 99), LOOK_AT_PICTURES)
    yield way("EPS", of_picture(lambda data: EPS), LOOK_AT_PICTURES)
    yield way(
        "EPS behind the first bytes of a JPEG", of_picture(lambda data: b"\xff\xd8\xff" + EPS), OF_PICTURES
    )
    yield way("PNG", of_picture(lambda data: encoded(Image.new("RGB", (64, 64)), "PNG")), LOOK_AT_PICTURES)
    yield way("PNG of 30,000 x 30,000", of_picture(lambda data: png_bomb(30_000)), LOOK_AT_PICTURES)
    yield way("GIF", of_picture(lambda data: encoded(Image.new("P", (64, 64)), "GIF")), LOOK_AT_PICTURES)
    yield way("TIFF", of_picture(lambda data: encoded(Image.new("RGB", (64, 64)), "TIFF")), LOOK_AT_PICTURES)
    yield way("grey JPEG", of_picture(lambda data: encoded(Image.new("L", (64, 64)), "JPEG")), OF_PICTURES)
    yield way("CMYK JPEG", of_picture(lambda data: encoded(Image.new("CMYK", (64, 64)), "JPEG")), OF_PICTURES)
    yield way(
        "JPEG that says 65,000 x 65,000",
        of_picture(lambda data: with_size(data, 65_000, 65_000)),
        OF_PICTURES,
    )
    yield way(
        "JPEG that says 10,000 x 10,000",
        of_picture(lambda data: with_size(data, 10_000, 10_000)),
        OF_PICTURES,
    )
    yield way("JPEG that says 0 x 0", of_picture(lambda data: with_size(data, 0, 0)), OF_PICTURES)
    yield way("JPEG of 12,000 x 12,000", of_picture(lambda data: large_jpeg()), OF_PICTURES)
    yield way("JPEG of 3,000 scans", of_picture(lambda data: many_scans(3000)), OF_PICTURES)
    yield way(
        "JPEG of another size", of_picture(lambda data: encoded(Image.new("RGB", (65, 64)), "JPEG")), VALIDATE
    )
    yield way(
        "JPEG of several pictures",
        of_picture(
            lambda data: encoded(
                Image.new("RGB", (64, 64)), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))]
            )
        ),
        OF_PICTURES,
    )
    # the manifest
    for text in (
        "../outside/train-00000-of-00001.tar",
        "/dev/zero",
        "card/train-0-of-1.tar",
        "..",
        "a\nb",
        "train-0-of-1.tar\0",
    ):
        yield way(f"manifest names the shard {text!a}", in_manifest(put(shards__0__name=text)), OF_MANIFEST)
    yield way(
        "manifest names a FIFO",
        lambda case: (fifo(case.dataset / "pipe"), edit_manifest(case, put(shards__0__name="pipe"))),
        OF_MANIFEST,
    )
    yield way(
        "manifest names a FIFO like a shard",
        lambda case: (
            fifo(case.dataset / "train-00001-of-00001.tar"),
            edit_manifest(case, put(shards__0__name="train-00001-of-00001.tar")),
        ),
        OF_SHARDS - {"inspect"},
    )
    yield way(
        "manifest names a shard twice",
        in_manifest(lambda tree: tree["shards"].append(tree["shards"][0])),
        OF_MANIFEST,
    )
    yield way("manifest names no shard", in_manifest(put(shards=[])), OF_MANIFEST)
    yield way(
        "manifest names a missing shard",
        in_manifest(put(shards__0__name="train-00007-of-00009.tar")),
        OF_MANIFEST,
    )
    yield way(
        "manifest names 100,000 shards",
        in_manifest(lambda tree: tree.update(shards=tree["shards"][:1] * 100_000)),
        OF_MANIFEST,
    )
    for name in (
        "config",
        "config__plan",
        "config__render",
        "config__gates",
        "config__seed",
        "config__source",
    ):
        values: list[Any] = [[], None, "x", 1e308]
        for wrong in values:
            if (name, wrong) != ("config__source", "x"):
                yield way(
                    f"manifest's {name.replace('__', '.')} is {wrong!r}",
                    in_manifest(put(**{name: wrong})),
                    OF_MANIFEST,
                )
    yield way("manifest's config is empty", in_manifest(put(config={})), OF_MANIFEST)
    yield way("manifest's config is 150 deep", in_manifest(put(config__x=json.loads(deep(150)))), VALIDATE)
    yield way("manifest's picture size is 10^9", in_manifest(put(config__render__size_px=10**9)), OF_MANIFEST)
    yield way(
        "manifest's wordings are /dev/zero",
        in_manifest(put(config__questions__templates="/dev/zero")),
        frozenset({"validate", "requestion"}),
    )
    yield way(
        "manifest's wordings are outside",
        lambda case: edit_manifest(case, put(config__questions__templates=str(case.outside / "words.yaml"))),
        frozenset({"validate", "requestion"}),
    )
    yield way("manifest's source is a folder", in_manifest(put(config__source="/etc")), VALIDATE)
    yield way(
        "manifest's version of 5,000 digits", in_manifest(put(version=f"{'9' * 5000}.0.0")), OF_MANIFEST
    )
    yield way(
        "manifest's counts are negative", in_manifest(put(samples=-1, shards__0__samples=-1)), OF_MANIFEST
    )
    yield way("manifest's preset is a formula", in_manifest(put(preset="$\\frac{\x1b[2J")), VALIDATE)
    yield way(
        "manifest lists a file outside",
        in_manifest(put(files={"../outside/secret.jpg": "0" * 64})),
        OF_MANIFEST,
    )
    yield way(
        "manifest of 300,000 unknown fields",
        in_manifest(lambda tree: tree.update({f"{i:x}": 0 for i in range(300_000)})),
        OF_MANIFEST,
    )
    yield way("manifest 100,000 deep", manifest_is('{"config":' + deep(100_000) + "}"), OF_MANIFEST)
    yield way("manifest is empty", manifest_is(""), OF_MANIFEST)
    yield way("manifest is a list", manifest_is("[]"), OF_MANIFEST)
    yield way("manifest is no UTF-8", manifest_is(b"\xff\xfe"), OF_MANIFEST)
    yield way("manifest of 40 MB", manifest_is(b" " * (40 << 20)), OF_MANIFEST)
    yield way("manifest is a FIFO", lambda case: fifo(case.dataset / "manifest.json"), OF_MANIFEST)
    yield way(
        "manifest is /dev/zero", lambda case: link(case.dataset / "manifest.json", "/dev/zero"), OF_MANIFEST
    )
    yield way(
        "manifest is a folder",
        lambda case: (remove(case.dataset / "manifest.json"), (case.dataset / "manifest.json").mkdir()),
        OF_MANIFEST,
    )
    yield way(
        "manifest is a link outside",
        lambda case: (
            shutil.move(case.dataset / "manifest.json", case.outside),
            link(case.dataset / "manifest.json", case.outside / "manifest.json"),
        ),
        OF_MANIFEST,
    )
    # what lies beside
    yield way("card is a FIFO", lambda case: fifo(case.dataset / "README.md"), VALIDATE)
    yield way("card is /dev/zero", lambda case: link(case.dataset / "README.md", "/dev/zero"), VALIDATE)
    yield way(
        "card is a link outside",
        lambda case: link(case.dataset / "README.md", case.outside / "secret.jpg"),
        VALIDATE,
    )
    yield way(
        "card of 20 MB",
        lambda case: (case.dataset / "README.md").write_bytes(b"---\n" + b"a: b\n" * 4_000_000),
        VALIDATE,
    )
    yield way("card 20,000 deep", head_of_card(deep(20_000)), VALIDATE)
    yield way("card of aliases of aliases", head_of_card(_laughs()), VALIDATE)
    yield way("card with a day that is none", head_of_card("a: 2020-99-99"), VALIDATE)
    yield way("card with a number of 5,000 digits", head_of_card("a: " + "9" * 5000), VALIDATE)
    yield way(
        "card that makes a Python object",
        head_of_card("a: !!python/object/apply:os.system ['true']"),
        VALIDATE,
    )
    yield way(
        "card that lists files outside",
        head_of_card(
            "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: ../outside/*.tar"
        ),
        VALIDATE,
    )
    yield way(
        "attribution is a FIFO",
        lambda case: fifo(case.dataset / "attribution.csv"),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution is /dev/zero",
        lambda case: link(case.dataset / "attribution.csv", "/dev/zero"),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution of other columns",
        lambda case: (case.dataset / "attribution.csv").write_text("a,b\n1,2\n"),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution of a line of 5 MB",
        lambda case: (case.dataset / "attribution.csv").write_text("a" * (5 << 20)),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution is no UTF-8",
        lambda case: (case.dataset / "attribution.csv").write_bytes(b"uid,\xff\xfe\n"),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution of 2 million lines",
        lambda case: (case.dataset / "attribution.csv").write_text("a,,,,,,\n" * 2_000_000),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "attribution of 600,000 strangers",
        lambda case: (case.dataset / "attribution.csv").write_text(
            "uid,title,author,licence,source_url,sha256,shards\n"
            + "".join(f"{i},,,,,,\n" for i in range(600_000))
        ),
        frozenset({"validate", "remove"}),
    )
    yield way(
        "folder card is outside",
        lambda case: folder_outside(case, "card"),
        frozenset({"validate", "card", "remove"}),
    )
    yield way(
        "folder index is outside",
        lambda case: folder_outside(case, "index"),
        frozenset({"validate", "index", "remove"}),
    )
    yield way("folder .run is outside", lambda case: _run_outside(case), NOBODY)
    yield way(
        "FIFO among the receipts",
        lambda case: (
            (case.dataset / ".run/receipts").mkdir(parents=True),
            fifo(case.dataset / ".run/receipts/x.json"),
        ),
        NOBODY,
    )
    yield way(
        "receipt 100,000 deep",
        lambda case: (
            (case.dataset / ".run/receipts").mkdir(parents=True),
            (case.dataset / ".run/receipts/x.json").write_text(deep(100_000)),
        ),
        NOBODY,
    )
    yield way(
        "index is garbage",
        lambda case: (case.dataset / "index/train.parquet").write_bytes(b"PAR1" + bytes(999) + b"PAR1"),
        VALIDATE,
    )
    yield way("index is cut", lambda case: os.truncate(case.dataset / "index/train.parquet", 5000), VALIDATE)
    yield way("index is a FIFO", lambda case: fifo(case.dataset / "index/train.parquet"), VALIDATE)
    yield way("index has other columns", lambda case: _other_index(case), VALIDATE)
    yield way("index of one text a hundred thousand times", lambda case: _index_bomb(case), VALIDATE)
    yield way(
        "index has a stranger's file", lambda case: fifo(case.dataset / "index/x\x1b[2J.parquet"), VALIDATE
    )
    yield way(
        "audit is a FIFO", lambda case: fifo(case.dataset / "audit.json"), frozenset({"validate", "card"})
    )
    yield way(
        "audit 100,000 deep",
        lambda case: (case.dataset / "audit.json").write_text(deep(100_000)),
        frozenset({"validate", "card"}),
    )
    yield way(
        "audit is /dev/zero",
        lambda case: link(case.dataset / "audit.json", "/dev/zero"),
        frozenset({"validate", "card"}),
    )
    yield way("file with an odd name", lambda case: (case.dataset / "a\n\x1b[2J").write_text(""), VALIDATE)
    yield way(
        "file whose name is no UTF-8",
        lambda case: open(os.fsencode(case.dataset) + b"/\xff\xfe", "w").close(),
        VALIDATE,
    )
    yield way("no dataset: an empty folder", lambda case: (shutil.rmtree(case.dataset), case.dataset.mkdir()))
    yield way(
        "no dataset: other files",
        lambda case: (
            shutil.rmtree(case.dataset),
            case.dataset.mkdir(),
            (case.dataset / "a.csv").write_text("a,b\n1,2\n"),
        ),
    )
    yield way("no dataset: a file", lambda case: (shutil.rmtree(case.dataset), case.dataset.write_text("x")))
    # predictions
    scored = frozenset({"evaluate"})
    yield way("predictions 100,000 deep", predictions(line("", deep(100_000))), scored)
    yield way("predictions with half a character", predictions(line("", '"\\ud800"')), scored)
    yield way("predictions that are no UTF-8", predictions(b'{"id": "x", "prediction": "\xff"}\n'), scored)
    yield way("predictions with an infinite rotation", predictions(line(', "rotation": Infinity')), scored)
    yield way("predictions with a rotation of 1e999", predictions(line(', "rotation": 1e999')), scored)
    yield way("predictions with a rotation of 10^30", predictions(line(f', "rotation": {10**30}')), scored)
    yield way("predictions with a rotation of -1", predictions(line(', "rotation": -1')), scored)
    yield way("predictions with a rotation that is NaN", predictions(line(', "rotation": NaN')), scored)
    yield way("predictions with a rotation that is a list", predictions(line(', "rotation": [1]')), scored)
    yield way(
        "predictions with a number of 5,000 digits",
        predictions('{"id": ' + "9" * 5000 + ', "prediction": "A"}\n'),
        scored,
    )
    yield way("predictions with an id that is null", predictions('{"id": null, "prediction": "A"}\n'), scored)
    yield way(
        "predictions with an id that is an object", predictions('{"id": {}, "prediction": "A"}\n'), scored
    )
    yield way("predictions that are numbers", predictions("1\n2\n"), scored)
    yield way("predictions of one line of 9 MB", predictions(line("", '"' + "x" * (9 << 20) + '"')), scored)
    yield way("predictions that are empty", predictions(""), scored)
    yield way(
        "predictions that are a picture", predictions(encoded(Image.new("RGB", (64, 64)), "JPEG")), scored
    )
    yield way("predictions that are a FIFO", lambda case: fifo(case.predictions), scored)
    yield way("predictions that are /dev/zero", lambda case: link(case.predictions, "/dev/zero"), scored)
    yield way(
        "predictions that are a folder",
        lambda case: (remove(case.predictions), case.predictions.mkdir()),
        scored,
    )
    yield way(
        "predictions that are the scores",
        lambda case: (
            shutil.move(case.predictions, case.root / "out.json"),
            link(case.predictions, "out.json"),
        ),
        scored,
    )
    yield way(
        "predictions that are the page",
        lambda case: os.link(case.predictions, case.root / "out-scores.html"),
        scored,
    )
    yield way("predictions of nobody's questions", predictions(line("")), scored)


def _mark(**more: Any) -> dict[str, Any]:
    return {"image": 0, "x": 9.0, "y": 9.0, "colour": "red", "letter": "", **more}


def _old_sparse(name: str) -> bytes:
    block = bytearray(header(name, 512, b"S"))
    block[386:410], block[483:495] = (
        b"00000000000\0" + b"00000001000\0",
        b"\x80" + (1 << 60).to_bytes(11, "big"),
    )
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(512)


def _twice(case: Case) -> bytes:
    files, name = members(case.shard), f"{case.key}.view_0.jpg"
    return member(name, files[name]) + whole(files)


def _damaged(case: Case) -> bytes:
    data = bytearray(whole(members(case.shard)))
    second = 512 + -(-int(data[124:135], 8) // 512) * 512
    data[second + 5] ^= 1
    return bytes(data)


def _one_view(files: dict[str, bytes], key: str) -> None:
    tree = json.loads(files[f"{key}.json"])
    tree["views"], tree["questions"] = tree["views"][:1], []
    files[f"{key}.json"] = json.dumps(tree).encode()
    del files[f"{key}.view_1.jpg"]


def _laughs() -> str:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    rest = [
        "configs:",
        "- data_files:",
        "  - split: train",
        "    path: *a29",
        "dataset_info:",
        "- features: *a29",
    ]
    return "\n".join([*lines, *rest])


def _run_outside(case: Case) -> None:
    (case.outside / "run" / "receipts").mkdir(parents=True)
    (case.outside / "run" / ".thesis.0.partial").write_text("mine")
    os.utime(case.outside / "run" / ".thesis.0.partial", (0, 0))
    link(case.dataset / ".run", case.outside / "run")


def _other_index(case: Case) -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    parquet.write_table(
        pyarrow.table({"shard": [case.shard.name], "x": [1]}), case.dataset / "index/train.parquet"
    )


def _index_bomb(case: Case) -> None:
    """A hundred thousand rows of one long text: a dictionary makes it small."""
    import pyarrow
    import pyarrow.parquet as parquet

    path = case.dataset / "index/train.parquet"
    schema = parquet.read_schema(path)
    count = 100_000
    columns = []
    for field in schema:
        if field.name == "prompt":
            values = pyarrow.DictionaryArray.from_arrays(
                pyarrow.array([0] * count, pyarrow.int32()), ["x" * 1_000_000]
            )
        elif field.name == "shard":
            values = pyarrow.DictionaryArray.from_arrays(
                pyarrow.array([0] * count, pyarrow.int32()), [case.shard.name]
            )
        else:
            values = pyarrow.nulls(count, field.type)
        columns.append(values)
    parquet.write_table(pyarrow.Table.from_arrays(columns, schema.names), path)


# --- all of it -------------------------------------------------------------------------------------


def make_case(source: Path, root: Path, way: Way | None) -> tuple[Case, str]:
    """A spoiled copy, and the uid of an object in it."""
    case = Case(root)
    shutil.copytree(source, case.dataset, ignore=shutil.ignore_patterns(".run"))
    case.outside.mkdir()
    files = members(case.shard)
    (root / "key").write_text(case.key)
    uid = json.loads(files[f"{case.key}.json"])["object"]["uid"]
    shutil.copy(case.shard, case.outside / "train.tar")
    shutil.copy(case.shard, case.outside / "train-00000-of-00001.tar")
    (case.outside / "secret.jpg").write_bytes(files[f"{case.key}.view_0.jpg"])
    (case.outside / "words.yaml").write_text("{}\n")
    case.predictions.write_text(
        "".join(json.dumps({"id": q["id"], "prediction": "A"}) + "\n" for q in _questions(case))
    )
    if way is not None:
        way.spoil(case)
    return case, uid


def _questions(case: Case) -> list[dict[str, Any]]:
    records = [
        json.loads(data)
        for path in case.dataset.glob("*.tar")
        for name, data in members(path).items()
        if name.endswith(".json")
    ]
    return [question for record in records for question in record["questions"]]


def read_by_all(source: Path, way: Way | None, readers: list[str] = READERS) -> tuple[list[Run], list[str]]:
    """Every reader on copies that are spoiled in one way. Those that write get one of their own."""
    runs, out = list[Run](), list[str]()
    shown = way or Way("nothing at all", lambda case: None, NOBODY)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        case = None
        for number, name in enumerate(readers):
            if case is None or name in ("card", "index", "remove", "gallery"):
                case, uid = make_case(source, Path(folder) / f"{number}", way)
            before = _state(case.outside)
            done = run(command(name, case, uid), case)
            runs.append(done)
            out += faults(shown, done, case, before)
            if name in ("card", "index", "remove"):
                case = None
    return runs, out


def under_strace(arguments: list[str]) -> int:
    """Run this script again below strace, and look through what was opened: `-y` says where a handle really
    leads.
    """
    with tempfile.TemporaryDirectory(prefix="hostile-strace-") as folder:
        log = Path(folder) / "log"
        traced = [
            "strace",
            "-f",
            "-y",
            "--seccomp-bpf",
            "-qq",
            "-e",
            "trace=open,openat,openat2,creat",
            "-e",
            "status=successful",
            "-o",
            str(log),
        ]
        code = subprocess.run(
            [*traced, sys.executable, *sys.argv[:1], *arguments, "--children-only"], check=False
        ).returncode
        opened = re.compile(r"= \d+<(.*)>$")
        foreign, total, ours = set(), 0, ""
        with open(log, errors="replace") as file:
            for text in file:
                process = text.split(maxsplit=1)[0]
                ours = (
                    ours or process
                )  # who makes the cases, and looks at what lies outside; each reader is a child
                found = opened.search(text) if process != ours else None
                total += found is not None
                if (
                    found
                    and re.search(r"hostile-.*/outside(/|$)|^/dev/zero|^/etc/(hostname|passwd)$", found[1])
                    and "O_PATH" not in text
                ):
                    foreign.add(found[1])
    print(f"strace: {total} files opened, {len(foreign)} outside the folder: {sorted(foreign)[:5]}")
    return code or bool(foreign)


def import_all() -> None:
    """What the readers import, once for all forks."""
    import importlib

    ours = [
        "card",
        "cli",
        "evaluate",
        "export",
        "gallery",
        "index",
        "inspection",
        "load",
        "pipeline",
        "reproduce",
        "requestion",
        "run",
        "takedown",
        "validate",
    ]
    others = [
        "datasets",
        "jinja2",
        "matplotlib.backends.backend_agg",
        "matplotlib.figure",
        "PIL.JpegImagePlugin",
        "pyarrow.parquet",
        "torch",
    ]
    for name in [*others, *(f"viewpoint100k.{one}" for one in ours)]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--only", default="", help="ways whose name holds this")
    parser.add_argument("--reader", action="append", choices=READERS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--strace", action="store_true")
    parser.add_argument("--children-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.strace and not options.children_only:
        sys.exit(under_strace([word for word in sys.argv[1:] if word != "--strace"]))
    os.environ["HF_HUB_OFFLINE"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import_all()
    readers = options.reader or READERS
    runs, failed = read_by_all(options.dataset, None, readers)
    refused = [f"the good dataset: {one.command}: {one.errors[-300:]}" for one in runs if one.code]
    if refused or failed:
        sys.exit("\n".join([*refused, *failed]))
    rows = {"(the good dataset)": runs}
    tried = [way for way in ways() if options.only in way.name]
    assert len({way.name for way in tried}) == len(tried), "two ways of one name"
    for way in tried:
        runs, out = read_by_all(options.dataset, way, readers)
        rows[way.name] = runs
        failed += [f"{way.name}: {what}" for what in out]
        print(f"{way.name}: {' '.join(str(one.code) for one in runs)}{' FAILED' if out else ''}", flush=True)
        for what in out:
            print(f"    {what}", flush=True)
    every = [one for runs in rows.values() for one in runs]
    print(
        f"\n{len(tried)} ways, {len(readers)} readers, {len(every)} runs: {len(failed)} faults. At most "
        f"{max(one.wall_s for one in every):.1f} s, "
        f"{max(one.cpu_s for one in every):.1f} CPU-s, {max(one.mb for one in every)} MB"
    )
    if options.json:
        tree = {name: [one._asdict() for one in runs] for name, runs in rows.items()}
        options.json.write_text(json.dumps({"faults": failed, "runs": tree}, indent=1) + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
