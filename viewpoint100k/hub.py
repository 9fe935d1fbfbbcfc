"""A dataset folder onto the Hugging Face Hub, so that nobody ever reads half of one.

Shards go to a branch of their own, in as many commits as they need. Then one commit puts everything in its
place on the branch that people read: shards from where they lie already, card, manifest, attribution and
index with it, and what is no longer part of the dataset out. Then comes the tag. Each step first looks at
what is there, so running it again goes on where it stopped, and sends nothing where nothing is missing.
"""

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from viewpoint100k.errors import InputError, ViewpointError, shell_line
from viewpoint100k.hub_client import hub_api, hub_errors, patiently, quiet, reach
from viewpoint100k.manifest import BESIDE_THE_SHARDS, Manifest, next_version, read_attribution, read_manifest
from viewpoint100k.shards import folders_of, sha256_file
from viewpoint100k.validate import validate_dataset

GROUP_BYTES = 256 << 20  # of shards in one commit, at least
MOST_GROUPS = 50  # the Hub allows 128 commits an hour
STAGING = "publishing-"  # how branches begin that shards are gathered on

Progress = Callable[[int, int, str], None]  # bytes done, of, and what is going on


class LocalFile(NamedTuple):
    """A file to publish, by its path in the dataset."""

    path: str
    bytes: int
    sha256: str


class Parcel(NamedTuple):
    """A dataset folder that may be published, and what of it."""

    dataset: Path
    manifest: Manifest
    shards: list[LocalFile]
    rest: list[LocalFile]  # what goes into the last commit with them
    licences: Counter[str]  # objects under each


class Remote(NamedTuple):
    """What is on the Hub."""

    exists: bool
    head: str  # commit of the branch; "" where there is no such branch
    files: dict[str, tuple[str, str]]  # path -> (sha256 or "", git's name of the blob)
    branches: set[str]
    tags: dict[str, str]  # -> commit
    manifest: Manifest | None


class Shipment(NamedTuple):
    """What publishing would do."""

    parcel: Parcel
    repo_id: str
    branch: str
    tag: str
    private: bool
    remote: Remote
    send: list[LocalFile]  # shards whose bytes the branch does not have
    place: list[LocalFile]  # other files that are not as here
    delete: list[str]

    @property
    def up_to_date(self) -> bool:
        """Whether the branch shows all of it already."""
        return self.remote.exists and bool(self.remote.head) and not (self.send or self.place or self.delete)

    @property
    def staging(self) -> str:
        """The branch that shards are gathered on."""
        return STAGING + self.tag


def prepare(dataset: Path, workers: int | None = None) -> Parcel:
    """Check a dataset folder and list what is published of it.

    Raises:
        InputError: it is no dataset.
        ViewpointError: `validate` finds something wrong with it.
    """
    report = validate_dataset(dataset, workers)
    if report.problems:
        first = report.problems[0]
        raise ViewpointError(
            f"{dataset} is not published: it has {len(report.problems)} problems, the first: {first.where}: "
            f"{first.what}. "
            f"`{shell_line('validate', dataset)}` lists them"
        )
    manifest = read_manifest(dataset)
    shards = [LocalFile(entry.name, entry.bytes, entry.sha256) for entry in manifest.shards]
    beside = [path for name in BESIDE_THE_SHARDS for path in _files(dataset / name)]
    rest = [
        LocalFile(path.relative_to(dataset).as_posix(), path.stat().st_size, sha256_file(path))
        for path in sorted(beside)
    ]
    credited = [row for folder in folders_of(dataset) for row in read_attribution(folder).values()]
    return Parcel(dataset, manifest, shards, rest, Counter(row["licence"] for row in credited))


def look(
    parcel: Parcel, repo_id: str, *, branch: str = "main", tag: str = "", private: bool = False
) -> Shipment:
    """Compare a folder with what is on the Hub. Reads only.

    Args:
        tag: what to call this version; empty: `v` and the version in the manifest.
        private: create the repository so that only its owners see it.

    Raises:
        InputError: the repository holds something else, or cannot be reached; says what to do.
    """
    tag = tag or f"v{parcel.manifest.version}"
    _check_names(repo_id, branch, tag)
    quiet()
    with hub_errors(repo_id):
        reach(repo_id)
        remote = _look(repo_id, branch)
        if private and remote.exists and not hub_api().repo_info(repo_id, repo_type="dataset").private:
            raise InputError(
                f"--private: {repo_id} already exists and is public. Make it private on its settings page, "
                "or leave --private out"
            )
    shipment = ship_to(parcel, repo_id, branch, tag, private, remote)
    _refuse_another(shipment)
    return shipment


def ship_to(
    parcel: Parcel,
    repo_id: str,
    branch: str,
    tag: str,
    private: bool = False,
    remote: Remote = Remote(False, "", {}, set(), {}, None),  # noqa: B008  immutable
) -> Shipment:
    """What has to be sent, given what is there; nothing, unless it is told."""
    wanted = {file.path for file in [*parcel.shards, *parcel.rest]}
    ours = {entry.name for entry in remote.manifest.shards} if remote.manifest else set()
    stale = [
        path
        for path in sorted(remote.files)
        if path not in wanted and (path in ours or _top(path) in BESIDE_THE_SHARDS)
    ]
    send = [file for file in parcel.shards if remote.files.get(file.path, ("", ""))[0] != file.sha256]
    place = [
        file
        for file in parcel.rest
        if not _same(parcel.dataset / file.path, file, remote.files.get(file.path))
    ]
    return Shipment(parcel, repo_id, branch, tag, private, remote, send, place, stale)


def send(shipment: Shipment, progress: Progress = lambda done, of, what: None) -> str:
    """Publish: shards first, then all at once into place, then the tag. Safe to stop and to run again.

    Returns:
        The commit that people read under the tag.

    Raises:
        InputError: no token, no right to write, no network: says what to do.
        ViewpointError: the Hub did not do what was asked, or somebody else changed the repository meanwhile.
    """
    with hub_errors(shipment.repo_id):
        return _send(shipment, progress)


def _send(shipment: Shipment, progress: Progress) -> str:
    parcel = shipment.parcel
    repo = shipment.repo_id
    staging = shipment.staging
    api = hub_api()
    total = sum(file.bytes for file in shipment.send)
    progress(0, total, "looking")
    if not shipment.remote.exists:
        patiently(api.create_repo, repo, repo_type="dataset", private=shipment.private or None, exist_ok=True)
    if not shipment.remote.head and shipment.branch != "main":
        patiently(api.create_branch, repo, branch=shipment.branch, repo_type="dataset", exist_ok=True)
    commit = shipment.remote.head
    if not shipment.up_to_date:
        if shipment.send:
            patiently(api.create_branch, repo, branch=staging, repo_type="dataset", exist_ok=True)
            _fill_staging(shipment, progress)
        progress(total, total, "putting it in place")
        commit = patiently(_put_in_place, shipment)
    now = patiently(_look, repo, shipment.branch)
    if shipment.tag not in now.tags:
        progress(total, total, "tagging")
        patiently(api.create_tag, repo, tag=shipment.tag, revision=commit, repo_type="dataset", exist_ok=True)
    for branch in sorted(now.branches):
        if branch.startswith(
            STAGING
        ):  # also of a version that was never finished: it may hold what was removed since
            patiently(api.delete_branch, repo, branch=branch, repo_type="dataset")
    progress(total, total, f"{parcel.manifest.samples} samples are there")
    return commit


def _fill_staging(shipment: Shipment, progress: Progress) -> None:
    """Bring the shards to their branch, a few in each commit; those that lie there already are left alone."""
    repo = shipment.repo_id
    staging = shipment.staging
    api = hub_api()
    total = sum(file.bytes for file in shipment.send)
    done = 0
    there = patiently(_files_of, repo, staging)
    missing = []
    for file in shipment.send:
        if there.get(file.path, ("", ""))[0] == file.sha256:
            done += file.bytes
        else:
            missing.append(file)
    for group in _groups(missing, max(GROUP_BYTES, total // MOST_GROUPS)):
        progress(done, total, f"sending {group[0].path}{', ...' if len(group) > 1 else ''}")
        patiently(
            api.upload_folder,
            repo_id=repo,
            folder_path=shipment.parcel.dataset,
            repo_type="dataset",
            revision=staging,
            allow_patterns=[file.path for file in group],
            commit_message=f"Shards of {shipment.tag}, {group[0].path} and on",
        )
        done += sum(file.bytes for file in group)
    there = patiently(_files_of, repo, staging)
    for file in shipment.send:
        if there.get(file.path, ("", ""))[0] != file.sha256:
            raise ViewpointError(
                f"{file.path} arrived with other bytes than manifest.json says: it was changed while it was "
                f"sent. Check with "
                f"`{shell_line('validate', shipment.parcel.dataset)}`, then publish again"
            )


def _put_in_place(shipment: Shipment) -> str:
    """The one commit that readers see: shards by reference to their branch, all else with it.

    Returns its name.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete

    parcel = shipment.parcel
    remote = _look(shipment.repo_id, shipment.branch)
    now = ship_to(parcel, shipment.repo_id, shipment.branch, shipment.tag, shipment.private, remote)
    if now.up_to_date:  # the answer to an earlier try was lost on its way
        return remote.head
    _refuse_another(now)  # somebody may have been here since
    operations: list[Any] = [
        CommitOperationCopy(file.path, file.path, src_revision=shipment.staging) for file in now.send
    ]
    operations += [CommitOperationAdd(file.path, parcel.dataset / file.path) for file in now.place]
    operations += [CommitOperationDelete(path) for path in now.delete]
    made = hub_api().create_commit(
        shipment.repo_id,
        operations,
        commit_message=f"{shipment.tag}: {parcel.manifest.samples} samples, {parcel.manifest.questions} "
        f"questions",
        repo_type="dataset",
        revision=shipment.branch,
        parent_commit=remote.head,
    )
    return str(made.oid)


# --- what is there -----------------------------------------------------------------------------


def _look(repo_id: str, branch: str) -> Remote:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        refs = patiently(hub_api().list_repo_refs, repo_id, repo_type="dataset")
    except RepositoryNotFoundError:
        return Remote(False, "", {}, set(), {}, None)
    heads = {each.name: each.target_commit for each in refs.branches}
    tags = {each.name: each.target_commit for each in refs.tags}
    head = heads.get(branch, "")
    files = _files_of(repo_id, head) if head else {}
    manifest = _manifest_of(repo_id, head) if "manifest.json" in files else None
    return Remote(True, head, files, set(heads), tags, manifest)


def _files_of(repo_id: str, revision: str) -> dict[str, tuple[str, str]]:
    entries = patiently(
        lambda: list(
            hub_api().list_repo_tree(repo_id, recursive=True, revision=revision, repo_type="dataset")
        )
    )
    return {
        each.path: (each.lfs.sha256 if each.lfs else "", each.blob_id)
        for each in entries
        if hasattr(each, "blob_id")
    }


def _manifest_of(repo_id: str, revision: str) -> Manifest | None:
    """None: there is something of that name that is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = patiently(
            hub_api().hf_hub_download,
            repo_id,
            "manifest.json",
            repo_type="dataset",
            revision=revision,
            cache_dir=folder,
        )
        try:
            return Manifest.model_validate_json(Path(path).read_bytes())
        except ValueError:
            return None


def _refuse_another(shipment: Shipment) -> None:
    """Raise where publishing would overwrite what is not an earlier version of the same dataset."""
    repo = shipment.repo_id
    remote = shipment.remote
    mine = shipment.parcel.manifest
    theirs = shipment.remote.manifest
    foreign = sorted(path for path in remote.files if path not in {".gitattributes", "README.md"})
    if theirs is None:
        if foreign:
            raise InputError(
                f"{repo} holds something else, or what another version of this tool wrote "
                f"({', '.join(foreign[:3])}{', ...' if len(foreign) > 3 else ''}). Publish to another "
                "REPO_ID"
            )
        return
    who = [
        (manifest.preset, manifest.config.get("seed"), manifest.config.get("source"))
        for manifest in (theirs, mine)
    ]
    if who[0] != who[1] and _major(mine.version) <= _major(theirs.version):
        raise InputError(
            f"{repo} holds another dataset: preset {who[0][0]}, seed {who[0][1]}, source {who[0][2]}, "
            f"version {theirs.version}; "
            f"this one has preset {who[1][0]}, seed {who[1][1]}, source {who[1][2]}. Publish to another "
            f"REPO_ID; or, to replace it, "
            f"make this one "
            f"`{shell_line('card', shipment.parcel.dataset, '--version', f'{_major(theirs.version) + 1}.0.0')}` "
            f""
            f"first"
        )
    back = {removal.uid for removal in theirs.removed} & set(read_attribution(shipment.parcel.dataset))
    if back:
        uids = [word for uid in sorted(back) for word in ("--uid", uid)]
        raise InputError(
            f"{repo} has removed the object {min(back)}, and this folder would bring it back. First run "
            f"`{shell_line('remove', shipment.parcel.dataset, *uids)}`"
        )
    _refuse_another_tag(shipment, theirs)


def _refuse_another_tag(shipment: Shipment, theirs: Manifest) -> None:
    """Raise where people would find other content under a tag that they use."""
    tagged = shipment.remote.tags.get(shipment.tag)
    if tagged is not None and not (shipment.up_to_date and tagged == shipment.remote.head):
        raise InputError(
            f"{shipment.repo_id} has {shipment.tag} already, with other content, and a tag that people use must not "
            f"change. Give this one a "
            f"higher version: "
            f"`{shell_line('card', shipment.parcel.dataset, '--version', next_version(theirs.version))}`"
        )


def _same(path: Path, file: LocalFile, there: tuple[str, str] | None) -> bool:
    """Whether a file of the Hub has these bytes; git names them by another hash than the one we have."""
    if there is None:
        return False
    sha256, oid = there
    if sha256:
        return sha256 == file.sha256
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == oid


def _files(path: Path) -> list[Path]:
    """The file, or all of a folder, without hidden ones."""
    if path.name.startswith("."):
        return []
    return [path] if path.is_file() else [each for child in path.glob("*") for each in _files(child)]


def _groups(files: list[LocalFile], size: int) -> Iterator[list[LocalFile]]:
    group: list[LocalFile] = []
    for file in files:
        group.append(file)
        if sum(each.bytes for each in group) >= size or len(group) == 200:
            yield group
            group = []
    if group:
        yield group


def _top(path: str) -> str:
    return path.split("/")[0]


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _check_names(repo_id: str, branch: str, tag: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", repo_id):
        raise InputError(f"REPO_ID {repo_id!r}: expected owner/name, for instance my-lab/viewpoint-100k")
    for option, name in (("--branch", branch), ("--tag", tag)):
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
            raise InputError(f"{option} {name!r}: expected letters, digits, dots and dashes")
