"""Bad input: one clear line, exit code 2, nothing half-written."""

import os
import subprocess
import sys
from importlib import metadata

import pytest
from support.command import SMALL, viewpoint100k

from viewpoint100k.devices import find_devices


def lines(done):
    return [line for line in done.stderr.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "/no/such/folder"], ["/no/such/folder"]),
        (["--source", "{empty}"], ["{empty}", ".glb"]),
        (["--source", "ftp:things"], ["ftp:things"]),
        (["--preset", "smok"], ["smok", "viewpoint-100k"]),
        (["--preset", "none.yaml"], ["none.yaml"]),
        (["--set", "render.sample=8"], ["render.sample", "did you mean render.samples?"]),
        (["--set", "plan.scenes.event=1", "--preset", "scenes"], ["did you mean plan.scenes.events?"]),
        (["--set", "render.samples=lots"], ["render.samples", "lots"]),
        (["--set", "render.samples"], ["a.b=value"]),
        (["--pairs", "0"], ["pairs"]),
        (["--pairs", "-3"], ["pairs"]),
        (["--seed", "-1"], ["seed"]),
        (["--set", "questions.templates=none.yaml"], ["none.yaml"]),
        (["--engine-python", "/no/python"], ["/no/python", "3.13 (bpy 5.2 LTS)", "3.11 (bpy 5.0.1)"]),
        (["--engine-python", "/bin/true"], ["/bin/true"]),
        (["--set", "render.quality=best"], ["render.quality", "reference"]),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_two(arguments, words, tmp_path, needs_bpy):
    empty = tmp_path / "empty"
    empty.mkdir()
    filled = [argument.format(empty=empty) for argument in arguments]
    done = viewpoint100k("generate", tmp_path / "out", *filled)
    assert done.returncode == 2, done.stderr
    assert len(lines(done)) == 1, done.stderr
    for word in words:
        assert word.format(empty=empty) in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def no_gpu(tmp_path_factory, needs_bpy):
    if any(device.kind != "CPU" for device in find_devices("auto", tmp_path_factory.mktemp("devices"))):
        pytest.skip("there is a GPU here")


@pytest.mark.parametrize("command", ["generate", "render-shard"])
def test_a_gpu_that_is_asked_for_and_not_there_is_an_error_that_says_so(command, no_gpu, tmp_path):
    out = tmp_path / "out"
    if command == "render-shard":
        assert viewpoint100k("plan", out, "--pairs", 20).returncode == 0
    more = ["--shard", 0] if command == "render-shard" else ["--pairs", 4]
    done = viewpoint100k(command, out, "--device", "gpu", *more)
    assert done.returncode == 2, done.stderr
    assert "--device gpu: Cycles finds no GPU here" in lines(done)[-1]
    assert "--device cpu" in lines(done)[-1]
    assert not list(out.glob("*.tar"))


def test_an_unknown_device_is_refused_by_name(tmp_path, needs_bpy):
    done = viewpoint100k("generate", tmp_path / "out", "--pairs", 4, "--device", "abacus")
    assert done.returncode == 2
    assert "abacus" in lines(done)[-1]
    assert "auto, cpu or gpu" in lines(done)[-1]


def test_an_output_folder_that_holds_something_else_is_left_alone(tmp_path, needs_bpy):
    (tmp_path / "thesis.txt").write_text("precious")
    done = viewpoint100k("generate", tmp_path)
    assert done.returncode == 2
    assert "thesis.txt" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_output_that_is_a_file_is_refused(tmp_path, needs_bpy):
    (tmp_path / "out").write_text("precious")
    assert viewpoint100k("generate", tmp_path / "out").returncode == 2
    assert (tmp_path / "out").read_text() == "precious"


def test_an_interpreter_without_bpy_is_told_which_extra_to_install(tmp_path):
    blind = tmp_path / "blind.py"
    blind.write_text(
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'bpy' else find(name, *rest)\n"
        f"sys.argv = ['viewpoint100k', 'generate', {str(tmp_path / 'out')!r}]\n"
        "from viewpoint100k.cli import main; main()\n"
    )
    done = subprocess.run([sys.executable, str(blind)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "viewpoint100k[render]" in done.stderr
    assert len(lines(done)) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["validate", "status", "finalize", "render-shard"])
def test_a_folder_that_is_no_dataset_is_an_error_that_says_what_to_pass(command, tmp_path):
    more = ["--shard", 0] if command == "render-shard" else []
    done = viewpoint100k(command, tmp_path, *more)
    assert done.returncode == 2
    assert "viewpoint100k generate" in done.stderr


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(tmp_path, needs_bpy):
    """A file size limit stands in for a full disk: the write fails the same way, in the same place."""
    limit = "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); "
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "sys.argv = sys.argv[1:]; runpy.run_module('viewpoint100k', run_name='__main__')"
    out = tmp_path / "out"
    arguments = [
        "generate",
        str(out),
        "--pairs",
        "8",
        "--workers",
        "1",
        "--set",
        "plan.validation_share=0",
        "--set",
        "plan.test_share=0",
    ]
    arguments += ["--set", "render.size_px=192", *SMALL[2:]]
    done = subprocess.run(
        [sys.executable, "-c", limit, "viewpoint100k", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "cannot write" in lines(done)[-1]
    assert not list(out.glob("*.tar"))
    assert not list(out.rglob("*.partial"))
    done = viewpoint100k(*arguments)
    assert done.returncode == 0, done.stderr


def test_finalize_names_what_is_missing(tmp_path):
    assert viewpoint100k("plan", tmp_path / "out", "--pairs", 20).returncode == 0
    done = viewpoint100k("finalize", tmp_path / "out")
    assert done.returncode == 2
    assert "0, 1, 2" in done.stderr
    assert viewpoint100k("status", tmp_path / "out").returncode == 0


def test_a_shard_number_beyond_the_plan_is_refused(tmp_path, needs_bpy):
    assert viewpoint100k("plan", tmp_path / "out", "--pairs", 20).returncode == 0
    done = viewpoint100k("render-shard", tmp_path / "out", "--shard", 99)
    assert done.returncode == 2
    assert "99" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["validate", "here"], ["plan", "--pairs"], ["objects", "list", "--help"]]
)
def test_a_command_that_the_tests_fork_says_what_a_new_process_says(arguments, tmp_path):
    (tmp_path / "here").mkdir()
    env = {**os.environ, "COLUMNS": "70", "HF_HUB_OFFLINE": "1"}
    new = subprocess.run(
        [sys.executable, "-m", "viewpoint100k", *arguments],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    forked = viewpoint100k(*arguments, cwd=tmp_path, env=env)
    assert (forked.returncode, forked.stdout, forked.stderr) == (new.returncode, new.stdout, new.stderr)


def test_the_version_is_told():
    assert viewpoint100k("--version").stdout.strip() == metadata.version("viewpoint100k")


def test_help_teaches():
    assert "viewpoint100k generate" in viewpoint100k("--help").stdout
    assert "--set" in viewpoint100k("generate", "--help").stdout


def test_check_lists_what_is_refused_and_exits_with_one(bad_objects):
    done = viewpoint100k("objects", "check", bad_objects)
    assert done.returncode == 1
    assert "16_" not in done.stdout
    assert "are refused" in done.stdout
