"""Every command and snippet of the documentation, and whether a test runs it: `python tests/support/documented.py`.

A command is run, or it is named here with the reason why not and at least has to parse.
"""

import re
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TEXT = ("", "text", "yaml", "csv", "bibtex")  # shown, not to be typed

# A page whose commands another test runs, all of them and in their order.
RUN_ELSEWHERE = {"publishing.md": "tests/test_newcomer.py"}
# Pages whose commands are examples for help, not a sequence: they are parsed.
ONLY_PARSED = {"cli.md": "written from the examples of `--help`"}
# What is not run, and why. The first pattern that is found in a command decides.
NOT_RUN = (
    (r"pip install", "changes the environment; .ci/run does what README.md says, in a fresh one"),
    (
        r"--install-completion",
        "changes the shell's settings; tests/cli/test_help.py completes in a real bash",
    ),
    (r"mkdocs serve", "serves until it is stopped; tests/test_site.py builds the site"),
    (r"pytest|ruff check|pre-commit", "what CI runs, by .ci/run"),
    (
        r"accelerate launch|qwen2_5|qwen3|^ours=",
        "needs GPUs; tests/trainers runs the same code on tiny models",
    ),
    (
        r"--model (MODEL|out/|sft .*--out said.jsonl$)|blink|org/viewpoint",
        "needs a model of somebody's, or a public benchmark",
    ),
    (
        r"objaverse-xl:",
        "needs the Hub's tables; tests/objects/test_xl.py lists and fetches from a server on loopback",
    ),
    (
        r"transformers serve|lmms_eval|run\.py|read_excel",
        "needs a harness and a model that is served; benchmarks/runners.py starts both",
    ),
    (
        r"export my-dataset (task|kit)",
        "the tests' small dataset has no balanced question in its test split; tests/test_export.py exports the other",
    ),
    (r"--runner ray|ray start", "needs a Ray cluster; tests/runners starts two nodes on loopback"),
    (r"sbatch|srun|viewpoint100k slurm", "needs a SLURM site; tests/runners starts one of one node"),
    (r"kubectl|s3://|viewpoint100k k8s", "needs a cluster or a bucket; tests/runners reads the manifest"),
    (
        r"trainers\.recipe",
        "trains for minutes or hours; tests/trainers runs recipes at a thousandth of the size",
    ),
    (r"objaverse:", "downloads; tests/objects reads a cache made for it"),
    (r"gh |podman|git clone", "needs a network"),
    (
        r"^(?!.*--dry-run).*viewpoint100k generate (?!viewpoint-100k --pairs 24)",
        "renders for minutes or hours",
    ),
    (
        r"viewpoint100k plan OUT|render-shard OUT|status OUT --watch",
        "a stage of a run that is under way",
    ),
    (
        r"viewpoint100k photos|real-test",
        "needs photographs with poses; tests/photos makes datasets of some that it draws",
    ),
    (r"benchmarks/at_size|benchmarks/release|benchmarks/gpu", "renders for minutes or hours"),
    (
        r"viewpoint100k publish|viewpoint100k remove",
        "needs a Hub; tests/test_newcomer.py has one on loopback",
    ),
)
NOT_RUN_PYTHON = (
    (r"import duckdb", "needs duckdb, which nothing else here does"),
    (r"pycolmap", "finds the poses of somebody's video, which takes minutes"),
    (r"import bpy", "tests/test_docs.py converts an OBJ and an FBX file by it"),
    (r"DataLoader", "tests/test_load.py reads a stream by the workers of a loader"),
)
# A command of one of these pages is not run again if the tutorial begins with the same words.
LIKE_THE_TUTORIAL = ("training.md",)


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str  # file name
    line: int
    language: str
    code: str


class Command(NamedTuple):
    """A line to be typed into a shell, or a Python snippet."""

    block: Block
    code: str
    not_run: str  # why; empty: it is run


def blocks() -> list[Block]:
    """All fenced blocks of all pages, in order."""
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(path.name, line, match[1], match[2]))
    return found


def commands() -> list[Command]:
    """All that a reader may type, with the reason for what is not run."""
    found = []
    for block in blocks():
        if block.language in TEXT:
            continue
        lines = [block.code] if block.language == "python" else shell_lines(block.code)
        found += [Command(block, line, reason_not_to_run(block, line)) for line in lines]
    return found


def shell_lines(code: str) -> list[str]:
    """The commands of a block of shell: continued lines joined, comments taken off."""
    joined = code.replace("\\\n", " ")
    lines = (re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def reason_not_to_run(block: Block, line: str) -> str:
    if block.page in RUN_ELSEWHERE:
        return ""
    if block.page in ONLY_PARSED:
        return ONLY_PARSED[block.page]
    for pattern, reason in NOT_RUN_PYTHON if block.language == "python" else NOT_RUN:
        if re.search(pattern, line):
            return reason
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    if block.page in LIKE_THE_TUTORIAL and f"\n{line}" in tutorial:
        return "tutorial.md has the same command"
    return ""


def our_commands(line: str) -> list[list[str]]:
    """The words behind each `viewpoint100k` in a line of shell."""
    found = []
    for part in re.split(r"&&|\|\||;|>|\||\$\(|\)|%", line):
        try:
            words = shlex.split(part)
        except ValueError:  # a quote that another part closes
            continue
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        if words[:1] == ["viewpoint100k"]:
            found.append(words[1:])
    return found


def main() -> None:
    """Print how many commands each page has, and what becomes of them."""
    count = Counter((each.block.page, "not run" if each.not_run else "run") for each in commands())
    for page in dict.fromkeys(page for page, _ in count):
        print(f"{page:24} {count[page, 'run']:4} run  {count[page, 'not run']:4} parsed or named")
    total = Counter(what for (_, what), number in count.items() for _ in range(number))
    print(f"{'all':24} {total['run']:4} run  {total['not run']:4} parsed or named")
    for reason, number in Counter(each.not_run for each in commands() if each.not_run).most_common():
        print(f"{number:4}  {reason}")


if __name__ == "__main__":
    sys.exit(main())
