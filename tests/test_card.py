"""The card is what loaders read first and people next: it loads, it is right, and it is the same every time."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from support.command import viewpoint100k

from viewpoint100k import plots
from viewpoint100k.audit.report import AuditReport, Probe
from viewpoint100k.card import rewrite_card
from viewpoint100k.errors import InputError
from viewpoint100k.manifest import features, read_manifest
from viewpoint100k.validate import validate_dataset


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "viewpoint-100k", ignore=lambda *_: [".run"])


def head_and_text(dataset):
    head, text = re.match(r"---\n(.*?)\n---\n(.*)", (dataset / "README.md").read_text(), re.DOTALL).groups()
    return yaml.safe_load(head), text


def beside(dataset):
    return {
        str(path.relative_to(dataset)): path.read_bytes()
        for path in dataset.rglob("*")
        if path.is_file() and path.suffix != ".tar"
    }


def test_the_head_declares_every_split_by_a_glob_and_every_column_by_its_type(dataset):
    head, _ = head_and_text(dataset)
    assert head["configs"][0]["data_files"] == [
        {"split": split, "path": f"{split}-*.tar"} for split in ("train", "validation", "test")
    ]
    assert head["dataset_info"][0]["features"] == features(2)
    assert head["size_categories"] == ["n<1K"]
    assert head["license"] == "other"
    assert "visual-question-answering" in head["task_categories"]


def test_the_text_says_what_it_is_how_it_was_made_and_how_to_load_it(dataset):
    _, text = head_and_text(dataset)
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == [
        "Load it", "Frames and signs", "What is asked", "Statistics", "How it was made", "Known limits", "Categories",
        "Licences", "Citation",
    ]  # fmt: skip
    manifest = read_manifest(dataset)
    for word in (
        manifest.config_hash,
        "seed 5",
        'revision="v1.0.0"',
        "load_questions",
        "streaming=True",
        "\n| CC0-1.0 | ",  # a row of its own
    ):
        assert word in text
    for picture in re.findall(r"\]\((card/[^)]*)\)", text):
        assert (dataset / picture).stat().st_size < 150_000


def test_the_python_on_the_card_runs(dataset):
    pytest.importorskip("datasets", reason="needs the extra [publish]")
    _, text = head_and_text(dataset)
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    code = (
        code.replace("path/to/the/folder", str(dataset))
        .replace("org/name", str(dataset))
        .replace('revision="v1.0.0", ', "")
    )
    code += "\nprint(len(samples), len(list(stream)), len(free), len(next(iter(questions))['images']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.split()[-4:] == ["20", "20", "20", "2"]


def test_written_again_it_has_the_same_bytes(copy):
    before = beside(copy)
    rewrite_card(copy)
    assert beside(copy) == before


def test_without_matplotlib_it_is_a_card_without_plots(copy, monkeypatch):
    monkeypatch.setattr(plots, "can_plot", lambda: False)
    rewrite_card(copy)
    assert [path.name for path in (copy / "card").iterdir()] == ["example.jpg"]
    assert "motions.png" not in (copy / "README.md").read_text()
    assert validate_dataset(copy, 1).problems == []


def report(manifest, **changes):
    facts = {
        "config_hash": manifest.config_hash,
        "samples": manifest.samples,
        "questions": manifest.questions,
    }
    probe = Probe(
        name="blind_text",
        what="answers from the words alone",
        verdict="pass",
        because="near chance",
        value=0.34,
    )
    return AuditReport(
        **{"dataset": "x", "preset": manifest.preset, "objects": 9, "probes": [probe], **facts, **changes}
    )


def test_an_audit_is_shown_and_kept_and_one_of_another_dataset_is_refused(copy, tmp_path):
    path = tmp_path / "audit.json"
    path.write_text(report(read_manifest(copy), samples=7).to_json())
    with pytest.raises(InputError, match="7 samples"):
        rewrite_card(copy, audit=path)
    path.write_text(report(read_manifest(copy)).to_json())
    done = viewpoint100k("card", copy, "--audit", path)
    assert done.returncode == 0, done.stderr
    assert "| blind_text | answers from the words alone | pass | 0.34 |" in (copy / "README.md").read_text()
    rewrite_card(copy)
    assert "| blind_text |" in (copy / "README.md").read_text()
    assert validate_dataset(copy, 1).problems == []


def test_a_version_only_rises(copy):
    assert rewrite_card(copy, "1.2.3").version == "1.2.3"
    assert "v1.2.3" in (copy / "README.md").read_text()
    for version in ("1.2.2", "2", "two", "1.3.0-rc1"):
        with pytest.raises(InputError, match="--version"):
            rewrite_card(copy, version)
    assert read_manifest(copy).version == "1.2.3"


def test_what_strangers_call_their_objects_is_no_markup(copy):
    text = (copy / "README.md").read_text()
    assert "<script" not in text
    from viewpoint100k.card import _cell

    assert _cell("a|b\n<img src=x>![x](http://y)") == "a/b &lt;img src=x>!&#91;x](http://y)"


@pytest.mark.parametrize("name", ["README.md", "attribution.csv", "croissant.json", "card/example.jpg"])
def test_whatever_lies_beside_the_shards_is_named_when_it_changes_and_can_be_written_anew(name, copy):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    assert name in {problem.where for problem in validate_dataset(copy, 1).problems}
    rewrite_card(copy)
    assert validate_dataset(copy, 1).problems == []


def test_croissant_validates_and_reads_keys_and_pictures(copy):
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the extra [dev]")
    dataset = mlcroissant.Dataset(jsonld=str(copy / "croissant.json"))
    rows = list(dataset.records("samples_view_1"))
    assert len(rows) == 24
    assert {row["samples_view_1/content"].size for row in rows} == {(64, 64)}
    tree = json.loads((copy / "croissant.json").read_text())
    listed = {file["name"]: file["sha256"] for file in tree["distribution"] if "sha256" in file}
    assert listed == {entry.name: entry.sha256 for entry in read_manifest(copy).shards}


@pytest.mark.parametrize(
    ("allow", "code", "words"),
    [
        ("cc0", 0, []),
        ("CC0-1.0, by", 0, []),
        ("by,by-sa", 2, ["CC0-1.0", "CC-BY, CC-BY-SA"]),
        (" , ", 2, ["--allow"]),
    ],
)
def test_licences_are_chosen_by_short_names(allow, code, words, tmp_path):
    done = viewpoint100k("plan", tmp_path / "out", "--pairs", 8, "--allow", allow)
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr
