"""Version and commit of the code: found in clones and installed copies, written into samples, named where they differ."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from support.command import viewpoint100k

import viewpoint100k as library
from viewpoint100k import load_questions
from viewpoint100k.card import rewrite_card
from viewpoint100k.identity import PACKAGE, Code, code_of_shard, commit_of_clone, this_code
from viewpoint100k.manifest import read_manifest, write_manifest
from viewpoint100k.shards import iter_samples, read_shard, shard_paths, write_shard
from viewpoint100k.validate import validate_dataset

A, B = "a" * 40, "b" * 40
OTHER = {"code_version": "0.1.0", "code_commit": A}


def git(folder, *arguments):
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path):
    """A small repository of the shape of ours. Returns (its package, its commit)."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    top = tmp_path / "clone"
    for folder in ("viewpoint100k", "render_scenes", "docs"):
        (top / folder).mkdir(parents=True)
        (top / folder / "__init__.py").write_text("x = 1\n")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    return top / "viewpoint100k", git(top, "rev-parse", "HEAD")


# --- finding out -------------------------------------------------------------------------------------


def test_a_clone_has_its_commit_and_only_changes_to_what_makes_data_make_it_dirty(clone):
    package, commit = clone
    assert commit_of_clone(package) == commit
    (package.parent / "docs" / "__init__.py").write_text("x = 2\n")
    (package / "notes.txt").write_text("not known to git")
    assert commit_of_clone(package) == commit
    (package.parent / "render_scenes" / "__init__.py").write_text("x = 2\n")
    assert commit_of_clone(package) == f"{commit}-dirty"
    git(package, "commit", "-qam", "second")
    assert commit_of_clone(package) == git(package, "rev-parse", "HEAD") != commit
    (package / "__init__.py").unlink()
    assert commit_of_clone(package).endswith("-dirty")


def test_a_package_in_somebody_elses_repository_has_not_its_commit(clone):
    package, _ = clone
    installed = package.parent / "venv" / "viewpoint100k"
    shutil.copytree(package, installed)
    assert commit_of_clone(installed) is None
    git(package, "add", "-f", str(installed))
    assert commit_of_clone(installed) is None
    (package.parent / "other").mkdir()
    assert (
        commit_of_clone(package.parent / "other") is None
    )  # beside the package, in a clone that does not know it


def test_where_nothing_can_be_found_out_nothing_fails(clone, tmp_path, monkeypatch):
    package, commit = clone
    assert commit_of_clone(tmp_path / "nowhere" / "viewpoint100k") is None
    (tmp_path / "empty" / "viewpoint100k").mkdir(parents=True)
    git(tmp_path / "empty", "init", "-q")
    assert commit_of_clone(tmp_path / "empty" / "viewpoint100k") is None  # no commit yet
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "empty" / ".git"))  # as in a hook of another repository
    assert commit_of_clone(package) == commit
    monkeypatch.delenv("GIT_DIR")
    (package.parent / ".git" / "HEAD").write_text("broken")
    assert commit_of_clone(package) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of_clone(package) is None


@pytest.mark.parametrize(
    ("origin", "commit"),
    [
        ({"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": B}}, B),
        ({"url": "https://x/y.git", "vcs_info": {"vcs": "svn", "commit_id": "r7"}}, None),
        ({"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": 7}}, None),
        ({"url": "file:///x", "dir_info": {}}, None),
        ([], None),
        (None, None),
    ],
)
def test_an_installed_copy_has_the_commit_that_pip_noted(origin, commit, tmp_path):
    """In a process of its own, with the library as pip lays it out."""
    shutil.copytree(PACKAGE, tmp_path / "viewpoint100k", ignore=shutil.ignore_patterns("__pycache__"))
    info = tmp_path / "viewpoint100k-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: viewpoint100k\nVersion: 9.9.9\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    script = "from viewpoint100k.identity import this_code; print(this_code().model_dump_json())"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == {"version": library.__version__, "commit": commit}, done.stderr


def test_what_a_shard_says_is_fixed_by_the_plan_unless_it_is_known_to_be_made_by_other_code():
    planned, unknown = Code(version="1", commit=A), Code(version="1")
    assert code_of_shard(planned, planned) == planned
    assert code_of_shard(planned, unknown) == planned  # a copy without history on another machine
    assert code_of_shard(unknown, planned) == unknown  # or the other way around: all shards say the same
    for other in (
        Code(version="1", commit=B),
        Code(version="1", commit=f"{A}-dirty"),
        Code(version="2", commit=A),
    ):
        assert code_of_shard(planned, other) == other
    assert (
        code_of_shard(Code(), planned) == unknown
    )  # planned by a version that did not say: no commit, on any machine


# --- in datasets -------------------------------------------------------------------------------------


def relabelled(dataset, out, change):
    """A copy of a dataset, each of its samples' provenance changed, all else made anew from that."""
    shutil.copytree(dataset, out, ignore=shutil.ignore_patterns("index", ".run"))
    manifest, entries = read_manifest(out), []
    for path in shard_paths(out):
        stored = []
        for number, one in enumerate(read_shard(path)):
            provenance = one.sample.provenance.model_copy(update=change(path.name, number))
            stored.append(one._replace(sample=one.sample.model_copy(update={"provenance": provenance})))
        digest, size = write_shard(path, out, stored)
        entry = next(entry for entry in manifest.shards if entry.name == path.name)
        entries.append(entry.model_copy(update={"sha256": digest, "bytes": size}))
    said = [stored.sample.provenance for stored in iter_samples(out)]
    commits = {one.code_commit for one in said} - {None}
    code = {
        "code_version": ", ".join(sorted({one.code_version for one in said})),
        "code_commit": ", ".join(sorted(commits)) or None,
    }
    write_manifest(out, manifest.model_copy(update={"shards": entries, **code}))
    rewrite_card(out)
    return out


def as_of_an_early_version(dataset, out, monkeypatch):
    """A copy in whose records and manifest the field does not exist."""
    from viewpoint100k.shards import writing

    def without(tree):
        return {name: value for name, value in tree.items() if name != "code_commit"}

    def early_json(sample):
        tree = sample.model_dump(mode="json")
        return json.dumps({**tree, "provenance": without(tree["provenance"])}).encode()

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_json", early_json)
        relabelled(dataset, out, lambda name, number: {"code_version": "0.1.0", "code_commit": None})
    (out / "manifest.json").write_text(json.dumps(without(json.loads((out / "manifest.json").read_text()))))
    return out


def test_samples_manifest_and_card_name_the_code_that_made_them(dataset):
    here, manifest = this_code(), read_manifest(dataset)
    assert here.version == library.__version__
    for stored in iter_samples(dataset):
        assert (stored.sample.provenance.code_version, stored.sample.provenance.code_commit) == (
            here.version,
            here.commit,
        )
    assert (manifest.code_version, manifest.code_commit) == (here.version, here.commit)
    wanted = f"code {here.version} (commit {here.commit})" if here.commit else f"code {here.version}."
    assert wanted in (dataset / "README.md").read_text()


def test_a_dataset_without_the_field_loads_and_is_valid(dataset, tmp_path, monkeypatch):
    old = as_of_an_early_version(dataset, tmp_path / "old", monkeypatch)
    assert all(b"code_commit" not in path.read_bytes() for path in (*shard_paths(old), old / "manifest.json"))
    assert validate_dataset(old).problems == []
    assert len(load_questions(old, split="train")) == len(load_questions(dataset, split="train"))


def test_a_dataset_that_several_versions_made_names_them_all(dataset, tmp_path):
    """Also after the shards of one of them are gone; and not if it names one that made nothing."""
    two = relabelled(
        dataset, tmp_path / "two", lambda name, number: OTHER if name.startswith("train") else {}
    )
    assert validate_dataset(two).problems == []
    manifest = read_manifest(two)
    assert manifest.code_version == f"0.1.0, {library.__version__}" and A in manifest.code_commit
    for change in (
        {"code_commit": B},
        {"code_commit": None},
        {"code_version": "7"},
        {"code_version": "0.1.0, 7"},
    ):
        write_manifest(two, manifest.model_copy(update=change))
        (problem,) = validate_dataset(two).problems
        assert next(iter(change)) in problem.what and "the samples say" in problem.what


@pytest.mark.parametrize("commit", ["", "main", "a" * 99, f"{A}-dirty\n", "<b>"])
def test_what_is_no_commit_is_not_read(commit, dataset):
    sample = next(iter(iter_samples(dataset))).sample
    tree = sample.provenance.model_dump() | {"code_commit": commit}
    with pytest.raises(ValueError, match="code_commit"):
        type(sample.provenance).model_validate(tree)


def test_other_code_is_named_before_anything_is_rendered_and_its_name_is_no_difference(dataset, tmp_path):
    """The last shard, whatever it is called: a few pairs."""
    old = relabelled(dataset, tmp_path / "old", lambda name, number: OTHER)
    last = len(read_manifest(dataset).shards) - 1
    done = viewpoint100k("reproduce", old, "--shard", last, "--device", "cpu", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert f"code: was 0.1.0 (commit {A}), is {this_code()}" in done.stderr
    said = " ".join(done.stdout.split())  # in lines as long as the terminal's
    assert "the same bytes, except for the code version that the samples name" in said


def test_a_shard_that_differs_in_more_than_its_code_is_said_to_differ(dataset, tmp_path, monkeypatch):
    last = len(read_manifest(dataset).shards) - 1
    spoiled = relabelled(dataset, tmp_path / "old", lambda name, number: {**OTHER, "renderer": "Blender 4.0"})
    write_manifest(spoiled, read_manifest(spoiled).model_copy(update={"renderer": "Blender 4.0"}))
    done = viewpoint100k("reproduce", spoiled, "--shard", last, "--device", "cpu", "--workers", 1)
    assert done.returncode == 1
    here = metadata.version("bpy")
    for words in ("code: was 0.1.0", f"rendered by Blender 4.0, you have {here}", "provenance.renderer"):
        assert words in done.stderr, done.stderr
    assert "renderer: was Blender 4.0, is" in done.stderr
    assert (
        done.stderr.index("code: was")
        < done.stderr.index("you have")
        < done.stderr.index("provenance.renderer")
    )
    assert "provenance.code" not in done.stderr  # said once


def test_a_run_goes_on_by_other_code_and_says_which_shards_that_made(dataset, tmp_path):
    """As a run that was planned, and half made, by another commit of this version."""
    out = tmp_path / "run"
    shutil.copytree(dataset, out)
    plan = json.loads((out / ".run" / "plan.json").read_text())
    assert plan["code"] == this_code().model_dump()
    plan["code"] = {"version": library.__version__, "commit": B}
    (out / ".run" / "plan.json").write_text(json.dumps(plan))
    shard = plan["shards"][-1]["name"]
    before = (out / f"{shard}.tar").read_bytes()
    (out / f"{shard}.tar").unlink()
    done = viewpoint100k("render-shard", out, "--shard", len(plan["shards"]) - 1, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    here = this_code()
    said = {stored.sample.provenance.code_commit for stored in read_shard(out / f"{shard}.tar")}
    if here.commit is None:
        assert said == {B}
    else:
        assert said == {here.commit}
        assert (out / f"{shard}.tar").read_bytes() == before


def test_the_package_is_where_the_identity_thinks_it_is():
    assert Path(library.__file__).resolve().parent == PACKAGE
