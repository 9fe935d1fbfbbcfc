"""The wheel: it has every module and every data file, and what it says of itself is in order."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import viewpoint100k

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("viewpoint100k", "render_scenes", "trainers")


def tracked():
    """Files of the packages, as git knows them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists() and name[-3:] != ".md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("build")
    for name in tracked() | {"pyproject.toml", "README.md", "LICENSE"}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    code = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return next((folder / "dist").glob("*.whl"))


def test_the_wheel_has_every_module_template_and_preset(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert tracked() <= set(archive.namelist())


def test_the_citation_names_this_version_and_a_date_of_its_changelog():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == viewpoint100k.__version__
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "authors", "license", "message"} <= citation.keys()


def test_the_hooks_before_a_commit_are_the_checks_of_ci():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = {hook["entry"].partition(" --")[0] for hook in hooks}
    assert entries == {"ruff check", "ruff format", "mypy", "lint-imports"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name
)
def test_issue_forms_are_forms(path):
    form = yaml.safe_load(path.read_text())
    if path.name == "config.yml":
        assert form["blank_issues_enabled"] is True
        return
    assert form["name"] and form["description"]
    assert all(part["type"] in {"textarea", "input", "markdown", "dropdown"} for part in form["body"])
