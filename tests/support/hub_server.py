"""A Hub on this machine, small enough to read: what the released client needs to create, fill, list and read datasets.

It keeps repositories of commits, branches and tags in memory and objects on disk. Files of shards come by
either way that the client knows: LFS (a PUT per file), or Xet, whose store is a folder here because the
server names `local://FOLDER` as its address. Every request is kept in `requests`; `fault` may answer for the
server, and so be busy, broken or gone.

    with HubServer(folder) as hub: ...                             in a test
    python tests/support/hub_server.py FOLDER                              by hand: prints the variables to set
"""

import base64
import functools
import hashlib
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

MAIN, DROP = "main", -1
BIG = (".tar", ".parquet", ".png", ".jpg")  # what .gitattributes of a new dataset keeps out of git


class File(NamedTuple):
    """A file of a commit."""

    size: int
    oid: str  # git's name of the blob
    sha256: str  # of what is kept outside git; "" for what is in it


class Commit(NamedTuple):
    """What a branch showed for a while."""

    oid: str
    title: str
    files: dict[str, File]


class Request(NamedTuple):
    """One line of the server's log."""

    method: str
    path: str
    status: int
    received: int  # bytes of its body


@dataclass
class Repository:
    """A dataset: its commits by branch, oldest first, and its tags."""

    private: bool
    branches: dict[str, list[Commit]] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)

    def find(self, revision: str) -> Commit | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        everything = [commit for commits in self.branches.values() for commit in commits] + list(
            self.tags.values()
        )
        return self.tags.get(revision) or next(
            (commit for commit in everything if commit.oid == revision), None
        )


class HubServer:
    """A server on 127.0.0.1 from `with` to the end of its block."""

    def __init__(
        self, folder: Path, token: str = "hf_only_for_tests_0123456789", may_write: bool = True
    ) -> None:
        self.folder, self.token, self.may_write = folder, token, may_write
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.fault: Callable[[str, str], int | None] = lambda method, path: (
            None
        )  # a status to answer, or DROP
        self.put_rate: float | None = None  # bytes a second of one PUT
        self.after_commit: Callable[[str, Commit], None] = lambda branch, commit: None
        self.lock = threading.RLock()
        (folder / "objects").mkdir(parents=True, exist_ok=True)
        handler = functools.partial(_Handler, self)
        self.http = _Http(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.cas = f"local://{folder.resolve() / 'cas'}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def stored(self) -> int:
        """Bytes of data that clients have handed over, by either way."""
        places = (self.folder / "objects", self.folder / "cas")
        return sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())

    def written(self, since: int = 0) -> list[Request]:
        """Requests that could have changed something."""
        return [one for one in self.requests[since:] if one.method not in ("GET", "HEAD")]

    def object(self, name: str) -> Path:
        """Where the object of this sha256 or git oid lies; what came by Xet is put together when first asked for."""
        path = self.folder / "objects" / name
        with self.lock:
            if not path.exists() and (found := self._in_xet(name)):
                import hf_xet

                with hf_xet.XetSession().new_file_download_group(endpoint=self.cas) as group:
                    group.start_download_file(hf_xet.XetFileInfo(*found), f"{path}.part")
                Path(f"{path}.part").replace(path)
        return path

    def size(self, sha256: str) -> int | None:
        """Of an object that is here; None: it is not."""
        path = self.folder / "objects" / sha256
        found = (None, path.stat().st_size) if path.exists() else self._in_xet(sha256)
        return found[1] if found else None

    def _in_xet(self, sha256: str) -> tuple[str, int] | None:
        """Name in the Xet store, and size, of a file: from the store's shards (.mdb), which list what each file is made of."""
        for path in (self.folder / "cas").rglob("*.mdb"):
            for name, digest, size in _xet_files(path.read_bytes()):
                if digest == sha256:
                    return name, size
        return None

    def commit(self, repository: Repository, branch: str, operations: list[dict]) -> Commit | int:
        """Apply the lines of a commit; or the status that says why not."""
        head = next(line["value"] for line in operations if line["key"] == "header")
        before = repository.branches[branch][-1]
        if head.get("parentCommit", before.oid) != before.oid:
            return 412
        files = dict(before.files)
        for line in operations:
            value = line["value"]
            if line["key"] == "file":
                data = base64.b64decode(value["content"])
                oid = _git_oid(data)
                (self.folder / "objects" / oid).write_bytes(data)
                files[value["path"]] = File(len(data), oid, "")
            elif line["key"] == "lfsFile":
                size = self.size(value["oid"])
                if size is None:
                    return 400
                files[value["path"]] = File(size, value["oid"][:40], value["oid"])
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        oid = hashlib.sha1(f"{before.oid} {head['summary']} {sorted(files.items())}".encode()).hexdigest()
        commit = Commit(oid, head["summary"], files)
        repository.branches[branch].append(commit)
        return commit


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed, or that has seen enough, is not our trouble."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: HubServer, *rest: object) -> None:
        self.hub = hub
        super().__init__(*rest)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        """Answer one request. Only the work is under the lock: a client that is slow, or that stops in the middle, keeps nobody waiting."""
        url = urlsplit(self.path)
        path = url.path
        self.query = parse_qs(url.query)
        self.received = 0
        self.reply: tuple[int, bytes, dict[str, str]] | None = None
        self.afterwards: list[Callable[[], None]] = []
        fault = self.hub.fault(self.command, path)
        if fault == DROP:
            self.hub.requests.append(Request(self.command, path, DROP, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.body = self._read_body(self.hub.put_rate if self.command == "PUT" else None)
        if fault is not None:
            self._say(fault, {"error": "injected"}, {"Retry-After": "1"} if fault == 429 else {})
        elif self.headers.get("Authorization") != f"Bearer {self.hub.token}" and not path.startswith("/_lfs"):
            self._say(401, {"error": "Invalid credentials in Authorization header"})
        elif not self.hub.may_write and self.command not in ("GET", "HEAD"):
            self._say(403, {"error": "you need a token with write access"})
        else:
            self._route(path)
        self._send()
        for action in self.afterwards:
            action()

    def _route(self, path: str) -> None:
        for methods, pattern, answer in ROUTES:
            if self.command in methods and (match := re.fullmatch(pattern, path)):
                with self.hub.lock if self.command != "PUT" else nullcontext():
                    answer(self, *(unquote(group or "") for group in match.groups()))
                return
        self._say(404, {"error": "no such route"})

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    # --- routes ------------------------------------------------------------------------------------

    def whoami(self) -> None:
        self._say(
            200,
            {
                "type": "user",
                "name": "me",
                "orgs": [{"name": "org"}, {"name": "my-lab"}],
                "auth": {"accessToken": {"role": "write"}},
            },
        )

    def validate_yaml(self) -> None:
        self._say(200, {"errors": [], "warnings": []})

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repositories:
            self._say(409, {"error": "You already created this dataset repo", "url": url})
        elif name.split("/")[0] not in ("me", "org", "my-lab"):
            self._say(
                403,
                {
                    "error": f"You don't have the rights to create a dataset under the namespace {name.split('/')[0]}"
                },
            )
        else:
            first = Commit(hashlib.sha1(name.encode()).hexdigest(), "initial commit", {})
            private = asked.get("private") or asked.get("visibility") == "private"
            self.hub.repositories[name] = Repository(bool(private), {MAIN: [first]})
            self._say(200, {"url": url, "name": name, "id": name})

    def info(self, name: str, revision: str) -> None:
        if commit := self._commit(name, revision or MAIN):
            repository = self.hub.repositories[name]
            siblings = [{"rfilename": path} for path in commit.files]
            about = {
                "_id": "0",
                "id": name,
                "sha": commit.oid,
                "private": repository.private,
                "siblings": siblings,
            }
            self._say(
                200, {**about, "tags": [], "downloads": 0, "likes": 0, "gated": False, "disabled": False}
            )

    def refs(self, name: str) -> None:
        if self._commit(name, MAIN):
            repository = self.hub.repositories[name]
            heads = {branch: commits[-1] for branch, commits in repository.branches.items()}

            def listed(kind: str, of: dict[str, Commit]) -> list[dict]:
                return [
                    {"name": each, "ref": f"refs/{kind}/{each}", "targetCommit": of[each].oid} for each in of
                ]

            self._say(
                200,
                {"branches": listed("heads", heads), "tags": listed("tags", repository.tags), "converts": []},
            )

    def tree(self, name: str, revision: str, under: str) -> None:
        if commit := self._commit(name, revision):
            start = f"{under.strip('/')}/" if under else ""
            whole = self.query.get("recursive", [""])[0].lower() in ("1", "true")
            rows = {}
            for path, file in sorted(commit.files.items()):
                if not path.startswith(start):
                    continue
                folder, _, rest = path[len(start) :].partition("/")
                if rest:
                    rows[start + folder] = {
                        "type": "directory",
                        "path": start + folder,
                        "oid": "0" * 40,
                        "size": 0,
                    }
                if whole or not rest:
                    rows[path] = _row(path, file)
            if under and not rows:
                self._say(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            else:
                self._say(200, list(rows.values()))

    def paths_info(self, name: str, revision: str) -> None:
        body = self.body.decode()
        if commit := self._commit(name, revision):
            try:
                paths = json.loads(body)["paths"]
            except ValueError:
                paths = parse_qs(body).get("paths", [])
            self._say(200, [_row(path, commit.files[path]) for path in paths if path in commit.files])

    def create_branch(self, name: str, branch: str) -> None:
        start = json.loads(self.body or b"{}").get("startingPoint") or MAIN
        if commit := self._commit(name, start):
            repository = self.hub.repositories[name]
            taken = branch in repository.branches
            if not taken:
                repository.branches[branch] = [commit]
            self._say(409 if taken else 200, {"error": "Reference already exists"} if taken else {})

    def delete_branch(self, name: str, branch: str) -> None:
        if self._commit(name, branch):
            del self.hub.repositories[name].branches[branch]
            self._say(200, {})

    def delete_tag(self, name: str, tag: str) -> None:
        if self._commit(name, tag):
            del self.hub.repositories[name].tags[tag]
            self._say(200, {})

    def squash(self, name: str, branch: str) -> None:
        """Forget how a branch came to be what it is."""
        if commit := self._commit(name, branch):
            oid = hashlib.sha1(f"{commit.oid} alone".encode()).hexdigest()
            self.hub.repositories[name].branches[branch] = [Commit(oid, "Super-squash branch", commit.files)]
            self._say(200, {})

    def create_tag(self, name: str, revision: str) -> None:
        tag = json.loads(self.body)["tag"]
        if commit := self._commit(name, revision):
            taken = tag in self.hub.repositories[name].tags
            if not taken:
                self.hub.repositories[name].tags[tag] = commit
            self._say(409 if taken else 200, {})

    def preupload(self, name: str, revision: str) -> None:
        asked = json.loads(self.body)["files"]
        if commit := self._commit(name, revision):
            rows = []
            for each in asked:
                old = commit.files.get(each["path"])
                kind = "lfs" if each["path"].endswith(BIG) or each["size"] > 1_000_000 else "regular"
                oid = (old.sha256 or old.oid) if old else None
                rows.append({"path": each["path"], "uploadMode": kind, "shouldIgnore": False, "oid": oid})
            self._say(200, {"files": rows})

    def xet_token(self, name: str, _: str, revision: str) -> None:
        if self._commit(name, revision):
            expires = int(time.time()) + 3600
            headers = {
                "X-Xet-Cas-Url": self.hub.cas,
                "X-Xet-Access-Token": "x",
                "X-Xet-Token-Expiration": str(expires),
            }
            self._say(200, {"casUrl": self.hub.cas, "accessToken": "x", "exp": expires}, headers)

    def lfs_batch(self, name: str) -> None:
        rows = []
        for asked in json.loads(self.body)["objects"]:
            row = {"oid": asked["oid"], "size": asked["size"]}
            if self.hub.size(asked["oid"]) is None:
                row["actions"] = {"upload": {"href": f"{self.hub.url}/_lfs/{asked['oid']}", "header": {}}}
            rows.append(row)
        self._say(200, {"transfer": "basic", "objects": rows})

    def lfs_put(self, sha256: str) -> None:
        data = self.body
        if hashlib.sha256(data).hexdigest() != sha256:
            return self._say(400, {"error": "these bytes have another sha256"})
        (self.hub.folder / "objects" / sha256).write_bytes(data)
        self._say(200, {}, {"ETag": sha256})

    def make_commit(self, name: str, branch: str) -> None:
        operations = [json.loads(line) for line in self.body.splitlines() if line]
        if self._commit(name, branch):
            made = self.hub.commit(self.hub.repositories[name], branch, operations)
            if isinstance(made, int):
                return self._say(made, {"error": "the branch has moved, or an object is not here"})
            url = f"{self.hub.url}/datasets/{name}/commit/{made.oid}"
            self._say(200, {"success": True, "commitOid": made.oid, "commitUrl": url})
            self.afterwards.append(functools.partial(self.hub.after_commit, branch, made))

    def resolve(self, name: str, revision: str, path: str) -> None:
        commit = self._commit(name, revision)
        if commit is None:
            return
        file = commit.files.get(path)
        if file is None:
            return self._say(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        data = self.hub.object(file.sha256 or file.oid).read_bytes()
        headers = {
            "X-Repo-Commit": commit.oid,
            "ETag": f'"{file.sha256 or file.oid}"',
            "Accept-Ranges": "bytes",
        }
        if file.sha256:
            headers |= {"X-Linked-ETag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if part and self.command == "GET":
            first, last = int(part[1]), min(int(part[2] or file.size - 1), file.size - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
            return self._say(206, data[first : last + 1], headers)
        self._say(200, data, headers)

    # --- what routes are made of -------------------------------------------------------------------

    def _commit(self, name: str, revision: str) -> Commit | None:
        """The commit that is asked for; None after having said that it is not there."""
        repository = self.hub.repositories.get(name)
        commit = repository.find(revision) if repository else None
        if commit is None:
            code = "RevisionNotFound" if repository else "RepoNotFound"
            self._say(404, {"error": "not found"}, {"X-Error-Code": code, "X-Error-Message": "not found"})
        return commit

    def _read_body(self, rate: float | None = None) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            out = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            left, out = int(self.headers.get("Content-Length") or 0), b""
            while left > len(out) and (
                piece := self.rfile.read(min(left - len(out), 16384 if rate else left))
            ):
                out += piece
                if rate:
                    time.sleep(len(piece) / rate)
        self.received = len(out)
        return out

    def _say(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        """Decide on the answer. It is sent once the lock is free."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.hub.requests.append(Request(self.command, urlsplit(self.path).path, status, self.received))
        self.reply = (status, data, headers or {})

    def _send(self) -> None:
        assert self.reply is not None, f"no answer to {self.command} {self.path}"
        status, data, headers = self.reply
        self.send_response(status)
        sizes = {"Content-Length": str(len(data))}
        for key, value in ({"Content-Type": "application/json"} | headers | sizes).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


NAME = "([^/]+/[^/]+)"
ROUTES: list[tuple[tuple[str, ...], str, Callable]] = [
    (("GET",), "/api/whoami-v2", _Handler.whoami),
    (("POST",), "/api/validate-yaml", _Handler.validate_yaml),
    (("POST",), "/api/repos/create", _Handler.create),
    (("GET",), f"/api/datasets/{NAME}/refs", _Handler.refs),
    (("GET",), f"/api/datasets/{NAME}/tree/([^/]+)(?:/(.*))?", _Handler.tree),
    (("POST",), f"/api/datasets/{NAME}/paths-info/([^/]+)", _Handler.paths_info),
    (("POST",), f"/api/datasets/{NAME}/branch/([^/]+)", _Handler.create_branch),
    (("DELETE",), f"/api/datasets/{NAME}/branch/([^/]+)", _Handler.delete_branch),
    (("POST",), f"/api/datasets/{NAME}/tag/([^/]+)", _Handler.create_tag),
    (("DELETE",), f"/api/datasets/{NAME}/tag/([^/]+)", _Handler.delete_tag),
    (("POST",), f"/api/datasets/{NAME}/super-squash/([^/]+)", _Handler.squash),
    (("POST",), f"/api/datasets/{NAME}/preupload/([^/]+)", _Handler.preupload),
    (("GET",), f"/api/datasets/{NAME}/xet-(write|read)-token/([^/]+)", _Handler.xet_token),
    (("POST",), f"/datasets/{NAME}\\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    (("PUT",), "/_lfs/([0-9a-f]{64})", _Handler.lfs_put),
    (("POST",), f"/api/datasets/{NAME}/commit/([^/]+)", _Handler.make_commit),
    (("GET", "HEAD"), f"/datasets/{NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
    (("GET",), f"/api/datasets/{NAME}(?:/revision/([^/]+))?", _Handler.info),
]


def _row(path: str, file: File) -> dict:
    row = {"type": "file", "path": path, "size": file.size, "oid": file.oid}
    return row | ({"lfs": {"oid": file.sha256, "size": file.size, "pointerSize": 134}} if file.sha256 else {})


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _xet_files(shard: bytes) -> Iterator[tuple[str, str, int]]:
    """(Xet name, sha256, size) of every file that a shard of the Xet store describes, in records of 48 bytes.

    A file is a record (hash, flags, number of segments), a record for each segment, as many again for
    verification where flag 31 is set, and one with the sha256 where flag 30 is. A hash of ones ends the list.
    """
    record = 48
    place = record  # the first one is the header of the shard
    while shard[place : place + 32] not in (b"\xff" * 32, b"") and place + record <= len(shard):
        flags, segments = struct.unpack_from("<II", shard, place + 32)
        lengths = [struct.unpack_from("<I", shard, place + record * (1 + i) + 36)[0] for i in range(segments)]
        name = _hex(shard[place : place + 32])
        place += record * (1 + segments + (segments if flags >> 31 & 1 else 0))
        if flags >> 30 & 1:
            yield name, _hex(shard[place : place + 32]), sum(lengths)
            place += record


def _hex(hash_bytes: bytes) -> str:
    """As Xet writes it: four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", hash_bytes))


if __name__ == "__main__":
    with HubServer(Path(sys.argv[1])) as running:
        print(f"export HF_ENDPOINT={running.url} HF_TOKEN={running.token}", flush=True)
        threading.Event().wait()
