"""`viewpoint100k doctor` on machines that lack something, and `generate`, which says the same before it begins."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml
from support.command import viewpoint100k
from support.hub_server import HubServer

from benchmarks.farm_parts import NotHereError, remount, small_disk
from viewpoint100k import interpreters
from viewpoint100k.doctor import Finding, _guarded, without_home
from viewpoint100k.errors import InputError
from viewpoint100k.interpreters import PYTHONS
from viewpoint100k.libraries import Lacks, explain, find_lacks, read_complaints
from viewpoint100k.runners.local import free_memory

ROOT = Path(__file__).resolve().parents[1]
SECRET = "hf_abcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def bare(tmp_path):
    """A Python without bpy, so that rows about the machine come at once."""
    return interpreter(tmp_path / "bare", "")


def interpreter(path, more):
    """An executable that answers `-c CODE` as this Python without any package does, after running `more`."""
    path.write_text(f"#!{sys.executable} -IS\nimport sys\n{more}\nexec(sys.argv[sys.argv.index('-c') + 1])\n")
    path.chmod(0o755)
    return path


def rows(done):
    return {row["name"]: row for row in json.loads(done.stdout)["findings"]}


def error_line(done):
    """What `generate` printed, if it is one error and nothing else."""
    assert done.returncode == 2, done.stderr
    line = done.stderr.strip()
    assert "\n" not in line and line.startswith("error: "), line
    return line.removeprefix("error: ")


# --- the renderer ---------------------------------------------------------------------------------


def test_where_everything_is_there_each_row_of_the_renderer_is_green(needs_bpy, tmp_path):
    done = viewpoint100k("doctor", tmp_path, "--json")
    found = rows(done)
    for name in ("Python", "bpy", "shared libraries", "importing bpy", "disk"):
        assert found[name]["verdict"] == "green", found[name]
    assert "GPUs" in found
    assert done.returncode == (1 if any(row["verdict"] == "red" for row in found.values()) else 0)
    assert all(row["advice"] for row in found.values())


def test_a_python_without_bpy_is_red_in_a_table_with_its_line_below_and_generate_says_the_same(
    bare, tmp_path
):
    done = viewpoint100k("doctor", "--engine-python", bare)
    assert done.returncode == 1
    assert "1 red: a run will fail" in done.stdout
    said = error_line(viewpoint100k("generate", tmp_path / "out", "--engine-python", bare))
    assert f"bpy: {said}\n" in done.stdout
    assert "viewpoint100k[render]" in said
    assert not (tmp_path / "out").exists()


def test_a_python_for_which_there_is_no_renderer_is_told_which_ones_have_one(tmp_path):
    other = interpreter(tmp_path / "other", "sys.version_info = (3, 12, 1)")
    row = rows(viewpoint100k("doctor", "--json", "--engine-python", other))["Python"]
    assert row["verdict"] == "red"
    assert "3.12" in row["found"] and PYTHONS in row["advice"]
    assert row["advice"] == error_line(viewpoint100k("generate", tmp_path / "out", "--engine-python", other))


@pytest.mark.parametrize("python", ["/no/python", "/bin/true"])
def test_what_is_no_python_at_all_is_red(python):
    done = viewpoint100k("doctor", "--json", "--engine-python", python)
    assert done.returncode == 1
    assert rows(done)["Python"]["verdict"] == "red"
    assert python in rows(done)["Python"]["advice"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "rm -f $lib/libXrender.so.1* $lib/libSM.so.6*",
            [
                "libXrender.so.1, libSM.so.6",
                "apt-get install libxrender1 libsm6",
                "dnf install libXrender libSM",
            ],
        ),
        ("mount --bind /dev/null $lib/libXi.so.6", ["libXi.so.6 (file too short)", "--reinstall libxi6"]),
    ],
    ids=["absent", "damaged"],
)
def test_a_shared_library_that_is_gone_is_named_with_its_package_and_generate_says_the_same(
    change, words, needs_bpy, tmp_path
):
    """In a mount namespace of its own, where the folder of libraries is a copy-on-write view of the real one."""
    library = next(
        (path for path in Path("/usr/lib").glob("*-linux-gnu") if (path / "libXrender.so.1").exists()), None
    )
    if library is None or os.geteuid() or not shutil.which("unshare"):
        pytest.skip("needs root, unshare, and libXrender in a folder of Debian's")
    for name in ("upper", "work"):
        (tmp_path / name).mkdir()
    mounted = f"lowerdir={library},upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    begin = f"lib={library}; mount -t overlay overlay -o {mounted} $lib || exit 99; {change}; exec "

    def without(*arguments):
        command = [
            "unshare",
            "-m",
            "sh",
            "-c",
            begin + '"$@"',
            "sh",
            sys.executable,
            "-m",
            "viewpoint100k",
            *arguments,
        ]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode == 99:
            pytest.skip(f"cannot mount an overlay: {done.stderr.strip()}")
        return done

    done = without("doctor", "--json", tmp_path)
    row = rows(done)["shared libraries"]
    assert done.returncode == 1 and row["verdict"] == "red"
    assert [word for word in words if word not in row["advice"]] == []
    assert error_line(without("generate", tmp_path / "out")) == row["advice"]
    assert not (tmp_path / "out").exists()


def test_an_installation_of_bpy_that_was_cut_short_is_said_to_be_one(tmp_path):
    """As after a disk that was full while pip ran. The last line of `generate` is that of `doctor`."""
    (tmp_path / "site" / "bpy-5.0.1.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "bpy-5.0.1.dist-info" / "RECORD").write_text("bpy/__init__.so,sha256=,100\n")
    for name in ("bpy/__init__.so", "numpy/__init__.py", "PIL/__init__.py"):
        (tmp_path / "site" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "site" / name).write_bytes(b"")
    (tmp_path / "site" / "bpy" / "__init__.so").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(20))
    cut = interpreter(tmp_path / "cut", f"sys.path.insert(0, {str(tmp_path / 'site')!r})")
    row = rows(viewpoint100k("doctor", "--json", "--engine-python", cut))["importing bpy"]
    assert row["verdict"] == "red"
    assert "__init__.so (file too short)" in row["advice"] and "Uninstall it" in row["advice"]


def test_the_loader_itself_says_which_library_of_a_compiled_module_is_nowhere(tmp_path):
    import _ctypes

    if not shutil.which("ldd"):
        pytest.skip("there is no ldd")
    module = tmp_path / "module.so"
    data = Path(_ctypes.__file__).read_bytes()
    assert not find_lacks(Path(_ctypes.__file__))
    module.write_bytes(data.replace(b"libc.so.6\0", b"libq.so.6\0"))
    lacks = find_lacks(module)
    assert lacks == Lacks(absent=("libq.so.6",))
    said = explain(lacks)
    assert "apt-file search libq.so.6" in said and "dnf install 'libq.so.6()(64bit)'" in said
    assert "Uninstall it" in explain(lacks, bundled=["libq.so.6"])


def test_a_c_library_that_is_too_old_is_told_apart_from_one_that_is_missing():
    text = "m.so: /lib/libc.so.6: version `GLIBC_2.99' not found (required by m.so)\n\tlibX11.so.6 => not found\n"
    lacks = read_complaints(text)
    assert lacks == Lacks(absent=("libX11.so.6",), too_new=("GLIBC_2.99",))
    said = explain(lacks)
    assert "GLIBC_2.99" in said and "newer distribution" in said and "libx11-6" in said


# --- the disk -------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    """Makes a small file system, or skips."""
    with ExitStack() as stack:

        def make(megabytes):
            try:
                return stack.enter_context(small_disk(tmp_path / "disk", megabytes))
            except NotHereError as reason:
                pytest.skip(str(reason))

        yield make


@pytest.mark.parametrize("state", ["small", "full", "read-only"])
def test_a_disk_on_which_a_run_cannot_end_is_red_and_generate_says_the_same(
    state, disk, needs_bpy, tmp_path, bare
):
    folder = disk(8 if state != "read-only" else 200)
    if state == "full":
        with suppress(OSError), open(folder / "filler", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
    if state == "read-only":
        remount(folder, "ro")
    words = {
        "small": "8 MB are free",
        "full": "No space left on device",
        "read-only": "Read-only file system",
    }[state]
    out = folder / "not" / "there" / "yet"
    row = rows(viewpoint100k("doctor", out, "--json", "--engine-python", bare))["disk"]
    assert row["verdict"] == "red"
    assert words in row["advice"] and str(out) in row["advice"]
    assert error_line(viewpoint100k("generate", out)) == row["advice"]
    assert not (folder / "not").exists()


def test_a_disk_with_room_for_a_small_dataset_alone_is_yellow(disk, bare):
    row = rows(viewpoint100k("doctor", disk(100), "--json", "--engine-python", bare))["disk"]
    assert row["verdict"] == "yellow"
    assert "MB free" in row["found"]
    assert re.search(r"room for about 1,[45]\d\d pairs", row["advice"])  # at 70 kB each


def test_looking_leaves_nothing_behind(tmp_path, bare):
    (tmp_path / "out").mkdir()
    viewpoint100k("doctor", tmp_path / "out", "--engine-python", bare)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_behind_a_url_needs_room_for_temporary_files_alone(bare):
    found = rows(viewpoint100k("doctor", "s3://bucket/run", "--json", "--engine-python", bare))
    assert "disk" not in found and found["temporary files"]["verdict"] in ("green", "yellow")


# --- the machine ----------------------------------------------------------------------------------


def test_few_open_files_are_yellow_and_doctor_itself_gets_by_with_them(bare):
    command = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", sys.executable, "-m", "viewpoint100k"]
    done = subprocess.run(
        [*command, "doctor", "--json", "--engine-python", bare], capture_output=True, text=True
    )
    row = rows(done)["open files"]
    assert row["verdict"] == "yellow"
    assert "64" in row["found"] and "hard limit raised" in row["advice"]


def test_memory_is_what_the_tightest_cgroup_leaves(tmp_path):
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
    (proc / "self" / "cgroup").write_text("0::/pod/container\n")
    for folder, most, used, cached in (
        ("pod", "3000000000", 2500000000, 900000000),
        ("pod/container", "max", 5, 5),
    ):
        (groups / folder).mkdir(parents=True)
        (groups / folder / "memory.max").write_text(f"{most}\n")
        (groups / folder / "memory.current").write_text(f"{used}\n")
        (groups / folder / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\n")
    assert free_memory(proc, groups) == 1_400_000_000
    (proc / "self" / "cgroup").write_text(
        "0::/not/visible/from/here\n"
    )  # a container without a namespace of its own
    assert free_memory(proc, groups) == 32_000_000 << 10
    (groups / "memory").mkdir()
    (proc / "self" / "cgroup").write_text("4:memory:/on/the/host\n0::/\n")
    for name, value in (
        ("limit_in_bytes", 700_000_000),
        ("usage_in_bytes", 900_000_000),
        ("stat", "cache 1"),
    ):
        (groups / "memory" / f"memory.{name}").write_text(f"{value}\n")
    assert free_memory(proc, groups) == 0
    assert free_memory(tmp_path / "nothing", groups) is None


def test_a_real_cgroup_with_little_memory_is_red(bare):
    group = Path(f"/sys/fs/cgroup/memory/viewpoint100k-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("500000000")
    except OSError as reason:
        pytest.skip(f"no cgroup (version 1) can be made here: {reason}")
    try:
        begin = f'echo $$ > {group}/cgroup.procs && exec "$@"'
        command = ["sh", "-c", begin, "sh", sys.executable, "-m", "viewpoint100k", "doctor", "--json"]
        done = subprocess.run([*command, "--engine-python", bare], capture_output=True, text=True)
        row = rows(done)["memory"]
        assert row["verdict"] == "red" and "0.8 GB" in row["advice"]
    finally:
        for _ in range(100):  # what has just ended may still be counted
            with suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


def test_a_check_that_fails_itself_is_a_row_and_the_others_go_on():
    def check():
        yield Finding(name="a", verdict="green", found="x")
        raise ZeroDivisionError("by [zero]\nand more")

    first, second = _guarded("a", check)
    assert first.verdict == "green"
    assert second.verdict == "yellow" and "ZeroDivisionError: by [zero] and more" in second.found


# --- others ---------------------------------------------------------------------------------------


def hub_row(bare, tmp_path, *, table=False, **environment):
    """The row, and that no token is anywhere."""
    cleared = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env = {**cleared, "HF_HOME": str(tmp_path / "hf"), **environment}
    printed = [
        viewpoint100k("doctor", *form, "--engine-python", bare, env=env)
        for form in (["--json"], *([[]] if table else []))
    ]
    assert not [
        done for done in printed if environment.get("HF_TOKEN", "-never-") in done.stdout + done.stderr
    ]
    return rows(printed[0])["Hub"]


def test_a_hub_that_nobody_answers_for_is_yellow_and_no_secret_is_shown(bare, tmp_path):
    pytest.importorskip("huggingface_hub")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        endpoint = f"http://user:password@127.0.0.1:{unused.getsockname()[1]}"
        row = hub_row(bare, tmp_path, table=True, HF_ENDPOINT=endpoint, HF_TOKEN=SECRET)
    assert row["verdict"] == "yellow"
    assert "out of reach" in row["found"] and "a token is set" in row["found"]
    assert "password" not in json.dumps(row)
    assert "HF_ENDPOINT" in row["advice"]


def test_a_hub_that_never_answers_does_not_hold_doctor_up(bare, tmp_path):
    pytest.importorskip("huggingface_hub")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        row = hub_row(bare, tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert row["verdict"] == "yellow" and "out of reach" in row["found"]


def test_in_offline_mode_nobody_is_asked(bare, tmp_path):
    pytest.importorskip("huggingface_hub")
    with HubServer(tmp_path / "hub") as hub:
        row = hub_row(bare, tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token, HF_HUB_OFFLINE="1")
        assert hub.requests == []
    assert row["verdict"] == "yellow" and "HF_HUB_OFFLINE" in row["advice"]


@pytest.mark.parametrize(
    ("token", "fault", "verdict", "words"),
    [
        ("right", None, "green", "takes the token (role write)"),
        (SECRET, None, "yellow", "does not take the token (401)"),
        ("", None, "yellow", "answers; no token"),
        ("right", 503, "yellow", "status 503"),
        ("hf_gärten and spaces", None, "yellow", "out of reach"),
    ],
)
def test_what_the_hub_says_of_the_token_is_told(token, fault, verdict, words, bare, tmp_path):
    pytest.importorskip("huggingface_hub")
    with HubServer(tmp_path / "hub") as hub:
        hub.fault = lambda method, path: fault
        more = {"HF_TOKEN": hub.token if token == "right" else token} if token else {}
        row = hub_row(bare, tmp_path, HF_ENDPOINT=hub.url, **more)
    assert row["verdict"] == verdict, row
    assert words in row["found"]


@pytest.mark.parametrize(
    ("program", "name", "code", "verdict"),
    [
        ("sinfo", "SLURM", 0, "green"),
        ("sinfo", "SLURM", 1, "yellow"),
        ("kubectl", "kubectl", 0, "green"),
        ("kubectl", "kubectl", 1, "yellow"),
    ],
)
def test_slurm_and_kubectl_are_asked_where_they_are(program, name, code, verdict, bare, tmp_path):
    (tmp_path / "bin").mkdir()
    for each in ("sbatch", program):
        (tmp_path / "bin" / each).write_text(
            f"#!/bin/sh\necho long*\necho 'nobody answers' >&2\nexit {code}\n"
        )
        (tmp_path / "bin" / each).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    row = rows(viewpoint100k("doctor", "--json", "--engine-python", bare, env=env))[name]
    assert row["verdict"] == verdict
    assert ("nobody answers" in row["found"]) == bool(code)


def test_what_is_not_installed_is_green_and_says_for_what_it_would_be_needed(bare, tmp_path):
    env = {**os.environ, "PATH": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    found = rows(viewpoint100k("doctor", "--json", "--engine-python", bare, env=env))
    for name, word in (("SLURM", "--runner slurm"), ("kubectl", "viewpoint100k k8s")):
        assert found[name]["verdict"] == "green" and word in found[name]["advice"]


# --- bug reports ----------------------------------------------------------------------------------


def test_the_name_of_the_home_folder_is_not_in_a_report(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert without_home("/home/ada/x, /home/ada, /home/adamant") == "~/x, ~, /home/adamant"


def test_the_template_for_bug_reports_asks_for_the_report():
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug_report.yml").read_text())
    asked = [
        part for part in form["body"] if "viewpoint100k doctor --json" in json.dumps(part.get("attributes"))
    ]
    assert [part["type"] for part in asked] == ["textarea"]
    assert {part["id"] for part in form["body"] if part["type"] != "markdown"} >= {"what", "doctor"}


def test_a_machine_too_busy_to_import_bpy_is_not_told_to_install_it_again(tmp_path):
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\n[ "$2" = "import bpy" ] && exec sleep 60\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    found = interpreters.look_at(str(slow))
    with patch.object(interpreters, "START_S", 0.2), pytest.raises(InputError, match="less busy") as refusal:
        interpreters.check_import(found)
    assert "Uninstall" not in str(refusal.value)
