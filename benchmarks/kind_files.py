"""How many files of the library does one kind of question touch? `python benchmarks/kind_files.py`.

A file counts for a kind if it names the kind, or the kind's type in quotes where that is no common word: its own
file, its proof, and whatever else in the library treats it apart. Wordings are a block
of `templates.yaml`, which is not counted.
"""

from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from viewpoint100k.questions import KINDS
from viewpoint100k.questions.registry import FILES

LIBRARY = Path(__file__).resolve().parents[1] / "viewpoint100k"


def touched() -> dict[str, list[str]]:
    """Kind -> the files of the library that it touches."""
    texts = {path.relative_to(LIBRARY).as_posix(): path.read_text() for path in LIBRARY.rglob("*.py")}
    own_files = {
        kind.name: f"{module.removeprefix('viewpoint100k.').replace('.', '/')}.py"
        for module, kinds in FILES.items()
        for kind in kinds
    }
    files = {}
    for kind in KINDS:
        names = [kind.name, f'"{kind.type}"'] if "_" in kind.type else [kind.name]
        named = [file for file, text in texts.items() if any(name in text for name in names)]
        files[kind.name] = sorted({own_files[kind.name], *named})
    return files


def main() -> None:
    files = touched()
    table = Table("kind", "files", "which")
    for kind, names in files.items():
        table.add_row(kind, str(len(names)), ", ".join(names))
    console = Console(width=200)
    console.print(table)
    counts = [len(names) for names in files.values()]
    console.print(f"median {median(counts):g} files, at most {max(counts)}")


if __name__ == "__main__":
    main()
