"""The second opinion shares nothing with what it judges."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "viewpoint100k"
SHARED = {"viewpoint100k.records", "viewpoint100k.config", "viewpoint100k.errors"}
SECTIONS = {
    f"viewpoint100k.settings.{path.stem}" for path in (PACKAGE / "settings").glob("[a-z]*.py")
}  # of config
OTHERS = {"numpy", *sys.stdlib_module_names}


def imports_of(path):
    """The modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "proof").rglob("*.py")), ids=lambda path: path.stem)
def test_a_proof_imports_records_settings_and_errors_and_nothing_else_of_ours(path):
    ours = {name for name in imports_of(path) if name.startswith("viewpoint100k")}
    assert {name for name in ours - SHARED if not name.startswith("viewpoint100k.proof")} == set()
    assert {name.partition(".")[0] for name in imports_of(path) - ours} <= OTHERS


@pytest.mark.parametrize("name", sorted(SHARED | SECTIONS))
def test_what_proofs_share_with_the_house_knows_nothing_of_the_house(name):
    place = PACKAGE.parent / name.replace(".", "/")
    files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    ours = {found for path in files for found in imports_of(path) if found.startswith("viewpoint100k")}
    assert {found for found in ours - SHARED - SECTIONS if not found.startswith(f"{name}.")} == set()


def test_the_contract_forbids_what_the_questions_are_made_with():
    contract = (PACKAGE.parent / "setup.cfg").read_text().split("[importlinter:contract:proof]")[1]
    forbidden = contract.split("[importlinter:")[0]
    made_with = imports_of(PACKAGE / "questions" / "ask.py")
    for name in {found.split(".")[1] for found in made_with if found.startswith("viewpoint100k.")}:
        assert name == "proof" or f"viewpoint100k.{name}" in SHARED or f"viewpoint100k.{name}\n" in forbidden
