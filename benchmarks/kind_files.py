"""How many files of the library does one kind of question touch? `python benchmarks/kind_files.py`.

A file counts for a kind if it names the kind, or the kind's type in quotes where that is no common word: its own
file, its proof, the lists of all kinds, and whatever else in the library treats it apart. Wordings are a block
of `templates.yaml`, which is not counted.
"""

from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from viewpoint100k.questions import KINDS
from viewpoint100k.questions.registry import FILES

LIBRARY = Path(__file__).resolve().parents[1] / "viewpoint100k"
LISTS = {"questions/registry.py", "proof/words.py"}  # one line, or a few words, of each kind


def touched() -> dict[str, list[str]]:
    """Kind -> the files of the library that it touches."""
    texts = {path.relative_to(LIBRARY).as_posix(): path.read_text() for path in LIBRARY.rglob("*.py")}
    files = {}
    for kind in KINDS:
        own = Path(FILES[kind.name].__file__ or "").resolve().relative_to(LIBRARY).as_posix()
        names = [kind.name, f'"{kind.type}"'] if "_" in kind.type else [kind.name]
        named = [file for file, text in texts.items() if any(name in text for name in names)]
        files[kind.name] = sorted({own, *named})
    return files


def main() -> None:
    files = touched()
    table = Table("kind", "files", "without lists", "which")
    for kind, names in files.items():
        table.add_row(kind, str(len(names)), str(len(set(names) - LISTS)), ", ".join(names))
    console = Console(width=200)
    console.print(table)
    without = [len(set(names) - LISTS) for names in files.values()]
    console.print(
        f"median {median(map(len, files.values())):g} files, {median(without):g} without the lists of all kinds; at most "
        f"{max(map(len, files.values()))}"
    )


if __name__ == "__main__":
    main()
