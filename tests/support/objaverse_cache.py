"""Objaverse on this machine: a small cache in the layout of the `objaverse` package, and a Hub that serves it."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


def box(width: float) -> bytes:
    """A GLB file; another width, other bytes."""
    trimesh = pytest.importorskip("trimesh")
    return bytes(trimesh.creation.box(extents=(width, 1, 1)).export(file_type="glb"))


CHILD = """
import contextlib, io, json, sys
from pathlib import Path
from viewpoint100k.config import FileBudgets, load_config
from viewpoint100k.errors import InputError, ObjectRefused
from viewpoint100k.objects import fetch_object, list_objects

source, wanted, allow, overrides = json.loads(sys.argv[1])
said = {"error": "", "steps": [], "kin": {}, "objects": [], "rejects": {}, "fetched": {}, "refused": {}}
try:
    choice = load_config(overrides=overrides).objects
    allow = allow and tuple(allow)
    listing = list_objects(source, wanted=wanted, seed=5, budgets=FileBudgets(), allow=allow, choice=choice)
    said["steps"] = listing.selection.steps
    said["selection"] = listing.selection.model_dump()
    said["kin"] = {each.record.uid: each.kin for each in listing.objects}
    said["objects"] = [each.record.model_dump() for each in listing.objects]
    said["rejects"] = {reject.uid: [reject.stage, reject.reason] for reject in listing.rejects}
    for each in listing.objects:
        try:
            path, record = fetch_object(each, source, Path("unused"), FileBudgets())
            said["fetched"][each.record.uid] = [str(path), record.sha256]
        except ObjectRefused as error:
            said["refused"][each.record.uid] = str(error)
    if source.startswith("objaverse:"):
        import objaverse
        with contextlib.redirect_stdout(io.StringIO()):
            said["found"] = objaverse.load_objects(list(said["fetched"]))
except InputError as error:
    said["error"] = str(error)
print(json.dumps(said))
"""


def ask_objaverse(
    home: Path,
    source: str = "objaverse:lvis",
    wanted: int = 9,
    allow: Any = None,
    hub: str = "",
    overrides: tuple[str, ...] = (),
) -> Any:
    """What a fresh process says with that home folder; the package fixes its paths when it is imported."""
    env = objaverse_environment(home, hub)
    command = [sys.executable, "-c", CHILD, json.dumps([source, wanted, allow, overrides])]
    done = subprocess.run(
        command, check=False, env=env, capture_output=True, text=True, timeout=120, cwd=home
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def packed(tree: Any) -> bytes:
    return gzip.compress(json.dumps(tree).encode())


class Cache:
    """Objaverse's cache with four objects: two armchairs, one mug, and one that LVIS does not know."""

    uids = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)

    def __init__(self, home: Path) -> None:
        pytest.importorskip("objaverse")
        self.home = home
        self.root = home / ".objaverse/hf-objaverse-v1"
        self.paths = {uid: f"glbs/000-00{number % 2}/{uid}.glb" for number, uid in enumerate(self.uids)}
        self.lvis = {"mug": [self.uids[2]], "armchair": self.uids[:2]}
        self.licences = dict(zip(self.uids, ["by", "by-nc-sa", "cc0", "by-nd"], strict=False))

    def index_files(self) -> dict[str, bytes]:
        files = {"object-paths.json.gz": packed(self.paths), "lvis-annotations.json.gz": packed(self.lvis)}
        for number in range(2):
            files[f"metadata/000-00{number}.json.gz"] = packed(
                {uid: self.annotation(uid) for uid in self.uids[number::2] if uid in self.licences}
            )
        return files

    def annotation(self, uid: str) -> dict[str, Any]:
        person = {
            "username": f"u{uid[0]}",
            "displayName": f"User {uid[0]}",
            "email": "p@q.r",
            "avatar": {"images": []},
        }
        return {"uid": uid, "name": f"Thing {uid[0]}", "user": person, "license": self.licences[uid]} | {
            "viewerUrl": f"https://sketchfab.com/3d-models/{uid}"
        }

    def write(self, glbs: bool) -> "Cache":
        files = self.index_files() | (
            {path: box(1 + ord(uid[0])) for uid, path in self.paths.items()} if glbs else {}
        )
        for name, content in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(content)
        return self

    def leftovers(self) -> list[str]:
        """Whatever lies in the cache that is neither an index nor a GLB at its place."""
        known = {*self.index_files(), *self.paths.values()}
        ours = [self.root / "viewpoint100k" / "tables-1", self.root / "viewpoint100k" / "locks"]
        everything = (
            path
            for path in self.root.rglob("*")
            if (path.name.startswith(".") or path.is_file()) and not set(ours) & set(path.parents)
        )
        return [name for path in everything if (name := path.relative_to(self.root).as_posix()) not in known]


class BadLine:
    """A server of Objaverse's files over a line that drops, is too busy and cuts short, and what it saw."""

    def __init__(self, files: dict[str, bytes], faults: tuple[str, ...] = ("drop", "429", "short")) -> None:
        self.files = files
        self.faults = faults  # the first tries of each file meet one each, in this order
        self.lock = threading.Lock()
        self.tries = dict[str, int]()
        self.whole = dict[str, int]()  # how often each was sent to its end
        self.open = 0
        self.most_open = 0  # requests in work at a time

    def __enter__(self) -> "BadLine":
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                line.answer(self, with_body=False)

            def do_GET(self) -> None:
                line.answer(self, with_body=True)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: Any, with_body: bool) -> None:
        with self.lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            self._answer(request, with_body)
        except OSError:
            request.close_connection = True
        finally:
            with self.lock:
                self.open -= 1

    def _answer(self, request: Any, with_body: bool) -> None:
        name = request.path.split("?")[0].removeprefix("/datasets/allenai/objaverse/resolve/main/")
        content = self.files.get(name)
        if content is None:
            self._reply(request, 404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        tags = {"X-Repo-Commit": "1" * 40, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if not with_body:
            self._reply(request, 200, content, tags, send=False)
            return
        with self.lock:
            number = self.tries[name] = self.tries.get(name, 0) + 1
        fault = self.faults[number - 1] if number <= len(self.faults) else ""
        time.sleep(0.02)  # so that requests meet
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if asked:
            tags["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        status = 206 if asked else 200
        if fault == "429":
            self._reply(request, 429, b"", {"Retry-After": "1"})
        elif fault == "drop":  # promises all, and hangs up
            self._reply(request, status, content[start:], tags, cut=len(content[start:]) // 2)
            request.close_connection = True
        elif fault == "short":  # says that half of it is all
            self._reply(request, 200, content[: len(content) // 2], tags)
        elif fault == "wrong":
            self._reply(request, 200, content[:-8] + b"12345678", tags)
        else:
            with self.lock:
                self.whole[name] = self.whole.get(name, 0) + 1
            self._reply(request, status, content[start:], tags)

    @staticmethod
    def _reply(
        request: Any,
        status: int,
        body: bytes,
        headers: dict[str, str],
        send: bool = True,
        cut: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            request.send_header(name, value)
        request.end_headers()
        if send:
            request.wfile.write(body if cut is None else body[:cut])


def objaverse_environment(home: Path, hub: str = "") -> dict[str, str]:
    """The environment of a process whose home, and so whose cache of Objaverse, is here."""
    env = os.environ | {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "NO_PROXY": "127.0.0.1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return env | ({"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0"} if hub else {"HF_HUB_OFFLINE": "1"})


@contextmanager
def hub_with(files: dict[str, bytes], drop_first: int = 0) -> Iterator[str]:
    """A server of exactly what huggingface_hub needs to download files of the dataset allenai/objaverse.

    `drop_first` bytes into the first download the connection ends.
    """
    drops = [drop_first] if drop_first else []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            content = files.get(
                self.path.split("?")[0].removeprefix("/datasets/allenai/objaverse/resolve/main/")
            )
            if content is None:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            tags = {"X-Repo-Commit": "1" * 40, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            if asked:
                tags["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.reply(206 if asked else 200, content[start:], tags, with_body)

        def reply(self, status: int, body: bytes, headers: dict[str, str], with_body: bool = True) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            if with_body and drops and body:
                self.wfile.write(body[: drops.pop()])
                self.close_connection = True
            elif with_body:
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
