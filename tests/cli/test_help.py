"""The command line in the hand: help with examples, completion, and printed commands that can be pasted."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from support.command import ROOT, SMALL, every_command, fake_programs, parse_command, viewpoint100k

from viewpoint100k.cli.options import PRESETS
from viewpoint100k.config import preset_names
from viewpoint100k.errors import load_line, shell_line

AWKWARD = "o u't"  # a folder's name that a shell takes apart
EXAMPLE = re.compile(r"^\[bold\](.*)\[/bold\]$", re.MULTILINE)


def examples(command):
    """The commands of ours in the examples of a command's help: pipes, `&&` and redirections end one."""
    for line in EXAMPLE.findall(command.help):
        for part in re.split(r"&&|;|>|\|", line.replace("$(", "&&").replace(")", "&&")):
            words = shlex.split(part)
            while words and "=" in words[0]:  # a variable of the environment
                words = words[1:]
            if words[:1] == ["viewpoint100k"]:
                yield words[1:]


@pytest.mark.parametrize(("words", "command"), [(" ".join(words), each) for words, each in every_command()])
def test_each_commands_help_has_two_examples_that_parse(words, command):
    own = [example for example in examples(command) if example[: len(words.split())] == words.split()]
    assert len(own) >= 2
    for example in own:
        parse_command(example)


def test_an_example_with_an_option_that_does_not_exist_would_be_found():
    with pytest.raises(Exception, match="No such option"):
        parse_command(["generate", "out", "--presets", "smoke"])


def test_help_of_generate_names_every_preset_and_a_page_for_each():
    text = " ".join(viewpoint100k("generate", "--help", env={**os.environ, "COLUMNS": "200"}).stdout.split())
    assert sorted(PRESETS) == preset_names()
    for name in preset_names():
        assert re.search(rf"{name}: [^()]*\(docs/[a-z_]+\.md", text), name


def test_a_system_without_posix_is_told_so_in_one_line():
    """As on Windows, where Python has no fcntl."""
    code = "import sys; sys.modules['fcntl'] = None; from viewpoint100k.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "status", "nowhere"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: this system has no fcntl") and "WSL 2" in done.stderr
    assert done.stderr.count("\n") == 1


def test_bash_completes_commands_options_and_presets(tmp_path):
    """The script that `--show-completion` prints, in a real bash."""
    env = fake_programs(tmp_path)
    script = subprocess.run(
        ["viewpoint100k"],
        env={**env, "_VIEWPOINT100K_COMPLETE": "source_bash"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cases = (
        (("gen",), {"generate"}),
        (("generate", "x", "--preset", "viewpoint-"), {"viewpoint-100k", "viewpoint-6dof", "viewpoint-sets"}),
        (("objects", ""), {"list", "check", "fetch", "groups"}),
        (("generate", "x", "--dry"), {"--dry-run"}),
    )
    for words, wanted in cases:
        line = " ".join(shlex.quote(word) for word in ("viewpoint100k", *words))
        ask = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; _viewpoint100k_completion viewpoint100k; "
        done = subprocess.run(
            ["bash", "-c", ask + 'printf "%s\\n" "${COMPREPLY[@]}"'], env=env, capture_output=True, text=True
        )
        assert set(done.stdout.split()) == wanted, (words, done.stderr)


def test_commands_and_lines_are_quoted_for_the_shell(tmp_path):
    folder = tmp_path / AWKWARD
    assert shlex.split(shell_line("gallery", folder)) == ["viewpoint100k", "gallery", str(folder)]
    program, option, code = shlex.split(load_line(AWKWARD, 'v"1'))
    assert (program, option) == ("python", "-c")
    assert code.endswith('load_dataset("o u\'t", revision="v\\"1"))')


def test_the_command_in_an_error_can_be_pasted(tmp_path):
    out = tmp_path / AWKWARD
    assert viewpoint100k("plan", out, "--pairs", 20).returncode == 0
    done = viewpoint100k("finalize", out)
    commands = re.findall("`(viewpoint100k [^`]*)`", done.stderr.replace("\n", " "))
    assert len(commands) == 2
    for command in commands:
        assert shlex.split(command)[2] == str(out)


def test_what_generate_prints_to_be_copied_works_in_a_folder_with_a_space_and_a_quote(dataset, tmp_path):
    pytest.importorskip("datasets")
    shutil.copytree(dataset, tmp_path / AWKWARD)
    env = fake_programs(tmp_path)
    arguments = ["--pairs", "24", "--seed", "5", "--workers", "2", *SMALL]
    done = subprocess.run(
        ["viewpoint100k", "generate", AWKWARD, *arguments],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(lines) == 2
    for line in lines:
        pasted = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert pasted.returncode == 0, (line, pasted.stderr)
    assert (tmp_path / f"{AWKWARD}.html").is_file()
