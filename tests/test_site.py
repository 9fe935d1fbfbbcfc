"""The site of the pages: it builds without a warning, shows every public name, and loads nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import viewpoint100k

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for name in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(name, reason="needs the extra [docs]")
    program = shutil.which("mkdocs", path=str(Path(sys.executable).parent)) or "mkdocs"
    out = tmp_path_factory.mktemp("site") / "site"
    done = subprocess.run(
        [program, "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(out.parent), "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return out


def test_each_page_of_the_docs_is_a_page_of_the_site(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {path.stem for path in site.glob("*.html")} - {"404"} == pages
    assert not list(site.rglob("*.py"))


def test_the_reference_has_each_public_name_with_its_docstring(site):
    html = (site / "api.html").read_text()
    for name in {*viewpoint100k.__all__} - {"__version__"}:
        assert re.search(rf'id="viewpoint100k\.{name}"', html), name
    assert "over the first distance to the object" in html or "The motion that takes the first camera" in html


def test_a_page_asks_for_nothing_from_elsewhere(site):
    for path in site.glob("*.html"):
        found = re.findall(r'(?:src|href)="(https?:)?//[^"]*\.(?:js|css|woff2?)"', path.read_text())
        assert not found, path.name
