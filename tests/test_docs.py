"""The documentation: what it says to type works, what it links to is there, and it is short where it says so."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from support.command import ROOT, every_command, fake_programs, parse_command, viewpoint100k
from support.documented import PAGES, RUN_ELSEWHERE, blocks, commands, our_commands

from viewpoint100k.shards import iter_samples

sys.path.insert(0, str(ROOT / "docs"))

COMMANDS = commands()
RUN_HERE = list(dict.fromkeys(c.block.page for c in COMMANDS if not c.not_run))
RUN_HERE = [name for name in RUN_HERE if name not in RUN_ELSEWHERE]
WRITTEN_FROM_CODE = ("cli.md", "measured.md", "settings.md")


# --- what it says to type -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [c for c in COMMANDS if "viewpoint100k" in c.code and c.block.language == "bash"],
    ids=lambda c: f"{c.block.page}-{c.block.line}",
)
def test_each_command_of_ours_that_a_page_shows_parses(command):
    """All of them, run or not: no option that is gone, none that is missing."""
    for words in our_commands(command.code):
        if words:
            parse_command(words)


def test_python_snippets_are_python():
    for block in blocks():
        if block.language == "python":
            compile(block.code, f"{block.page}:{block.line}", "exec")


@pytest.fixture(scope="module")
def desk(tmp_path_factory, dataset):
    """A folder in which a reader types: a dataset under the names that pages give it, objects, wordings, answers."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(dataset, folder / "viewpoint-100k")
    for name in ("my-dataset", "OUT"):
        (folder / name).symlink_to("viewpoint-100k")
    assert viewpoint100k("objects", "fetch", "builtin:", folder / "my-models", "--count", 5).returncode == 0
    shutil.copy(ROOT / "viewpoint100k" / "questions" / "templates.yaml", folder / "mine.yaml")
    asked = next(stored.sample.questions[0] for stored in iter_samples(dataset))
    for name in ("said.jsonl", "predictions.jsonl"):
        (folder / name).write_text(json.dumps({"question_id": asked.id, "prediction": "A"}) + "\n")
    return folder


@pytest.mark.parametrize("page", RUN_HERE)
def test_what_a_page_says_to_type_works(page, desk, tmp_path):
    """In its order, in one folder. What is left out stands in tests/support/documented.py, with the reason."""
    for name in ("datasets", "sklearn", "torch", "trl") if page == "tutorial.md" else ("datasets", "sklearn"):
        pytest.importorskip(name)
    env = fake_programs(tmp_path)
    for command in COMMANDS:
        if command.block.page != page or command.not_run:
            continue
        shell = command.block.language == "bash"
        start = ["bash", "-euo", "pipefail", "-c"] if shell else [sys.executable, "-c"]
        done = subprocess.run([*start, command.code], cwd=desk, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (
            f"{page}, line {command.block.line}: {command.code}\n{done.stderr[-2000:]}"
        )
        assert "Traceback" not in done.stderr


CUBE = """mtllib cube.mtl
v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 2\nv 1 0 2\nv 1 1 2\nv 0 1 2
usemtl red
f 1 4 3 2\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8
"""


def test_obj_and_fbx_files_are_taken_once_they_are_converted_as_a_page_says(tmp_path):
    """The FBX file is of another shape than the OBJ, else it would be its copy."""
    pytest.importorskip("bpy", reason="needs the extra [render]")
    code = next(each.code for each in COMMANDS if "import bpy" in each.code)
    folder = tmp_path / "my-models"
    folder.mkdir()
    (folder / "cube.obj").write_text(CUBE)
    (folder / "cube.mtl").write_text("newmtl red\nKd 0.8 0.1 0.1\n")
    (tmp_path / "work.py").write_text(
        "import bpy\n"  # it begins with a cube of its own
        "bpy.ops.export_scene.fbx(filepath='my-models/box.fbx')\n" + code
    )
    subprocess.run([sys.executable, "work.py"], cwd=tmp_path, check=True, capture_output=True)
    done = viewpoint100k("objects", "list", folder, "--json")
    assert {json.loads(line)["record"]["uid"] for line in done.stdout.splitlines()} == {"box", "cube"}


def test_most_of_what_can_be_typed_is_run_and_the_rest_has_a_reason():
    run = [command for command in COMMANDS if not command.not_run]
    own = [command for command in COMMANDS if command.block.page != "cli.md"]
    print(f"{len(run)} of {len(own)} documented commands and snippets are run, {len(COMMANDS)} are checked")
    assert len(run) >= 40
    assert all(len(command.not_run.split()) >= 2 for command in COMMANDS if command.not_run)


# --- what it links to -----------------------------------------------------------------------------

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize(
    "path",
    [*PAGES, ROOT / "SECURITY.md", ROOT / "AGENTS.md", ROOT / "trainers" / "README.md"],
    ids=lambda path: path.name,
)
def test_each_link_leads_to_a_file_and_a_heading(path):
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for address in LINK.findall(text):
        if re.match(r"[a-z]+:", address):
            continue
        name, _, anchor = address.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name} links to {address}"
        if anchor:
            assert anchor in anchors(target), f"{path.name} links to {address}: no such heading"


def anchors(path):
    """The anchors that Markdown makes of a page's headings."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_a_heading_that_is_not_there_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# What a machine needs\n\n```\n# not this\n```\n")
    assert anchors(page) == {"what-a-machine-needs"}


# --- what it says ---------------------------------------------------------------------------------


def test_the_readme_is_read_in_a_minute():
    assert len((ROOT / "README.md").read_text().split()) <= 700


@pytest.mark.parametrize("page", WRITTEN_FROM_CODE)
def test_pages_that_are_written_from_code_are_up_to_date(page):
    sys.path.insert(0, str(ROOT))
    import commands as cli_page
    import settings

    from benchmarks import measured

    writers = {
        "cli.md": cli_page.page,
        "measured.md": lambda: measured.page(measured.read()),
        "settings.md": settings.page,
    }
    assert (ROOT / "docs" / page).read_text() == writers[page](), f"run the script that {page} names"


def test_every_command_is_on_the_page_of_commands():
    text = (ROOT / "docs" / "cli.md").read_text()
    for words, command in every_command():
        section = text.partition(f"\n### {' '.join(words)}\n")[2].partition("\n### ")[0]
        assert section, words
        for parameter in command.params:
            if parameter.name != "help":
                assert any(name in section for name in (*parameter.opts, parameter.metavar or "-")), (
                    parameter.name
                )


def test_each_figure_names_a_command_whose_script_is_there():
    sys.path.insert(0, str(ROOT))
    from benchmarks import measured

    rows = measured.read()
    assert len(rows) >= 15
    for name, row in rows.items():
        script = measured.script_of(row.command)
        assert script is None or (ROOT / script).exists(), name
        assert row.group in measured.GROUPS
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", row.date) and re.fullmatch(r"[0-9a-f]{7,12}", row.commit)
        assert row.machine and row.figures


def test_every_page_is_in_the_navigation_and_begins_with_its_answer():
    nav = (ROOT / "mkdocs.yml").read_text()
    for path in (ROOT / "docs").glob("*.md"):
        assert f"- {path.name}\n" in nav, f"add docs/{path.name} to a group of nav in mkdocs.yml"
        first = path.read_text().split("\n\n")[1].strip()
        assert re.match(r"[A-Z`*\[]", first), (
            f"docs/{path.name} begins with {first[:40]!r}, not with a sentence"
        )
