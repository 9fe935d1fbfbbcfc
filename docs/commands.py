"""Writes docs/cli.md from the command line itself: `python docs/commands.py`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from viewpoint100k.cli import app

PAGE = Path(__file__).parent / "cli.md"
HEAD = """# Commands

Written by `python docs/commands.py` from the command line. `viewpoint100k COMMAND --help` says the same in a terminal.

Exit codes are 0 (fine), 1 (problems found, or the run could not be finished) and 2 (wrong input); see [errors](errors.md).

## Completion

The shell completes commands, options, presets and formats once you have run

```bash
viewpoint100k --install-completion
```

and opened a new terminal. `--show-completion` prints the script instead, for bash, zsh, fish or PowerShell.
"""
MARKUP = re.compile(r"\[/?bold\]")
BRACKET = re.compile(r"\\\[")  # an escaped bracket of the terminal's markup


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD]
    panel = ""
    for name, command, title in sorted(_commands(), key=lambda each: PANELS.index(each[2])):
        if title != panel:
            panel = title
            parts.append(f"\n## {panel}\n")
        parts.append(_section(name, command))
    return "".join(parts)


PANELS = ["Main job", "Check and look", "Stages of generate", "On other machines", "Publish", "Use it"]


def _commands() -> Iterator[tuple[str, Any, str]]:
    """(Full name, command, title of its panel) of each command."""
    tree: Any = get_command(app)
    for name, command in tree.commands.items():
        panel = command.rich_help_panel
        for inner, member in getattr(command, "commands", {"": command}).items():
            yield f"{name} {inner}".strip(), member, panel


def _section(name: str, command: Any) -> str:
    paragraphs = command.help.split("\n\n")
    examples = [text for text in paragraphs if text.startswith("[bold]viewpoint100k") or "=" in text[:40]]
    examples = [text for text in examples if "[bold]" in text]
    prose = [text for text in paragraphs if text not in examples]
    lines = [f"\n### {name}\n", *(f"\n{_prose(text)}\n" for text in prose)]
    for text in examples:
        lines.append(f"\n```bash\n{_plain(text)}\n```\n")
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["\n| argument | default | what |\n|---|---|---|\n", *rows]
    return "".join(lines)


def _prose(text: str) -> str:
    """A paragraph; one of lines that begin in bold is a list."""
    if not text.startswith("[bold]"):
        return _plain(text)
    return "\n".join(f"- {line}" for line in _plain(re.sub(r"\[/?bold\]", "`", text)).splitlines())


def _row(parameter: Any) -> str:
    if parameter.opts[0].startswith("-"):
        label = f"`{parameter.opts[0]}{f' {parameter.metavar}' if parameter.metavar else ''}`"
    else:
        label = f"`{parameter.metavar or parameter.name.upper()}`"
    what = _plain(parameter.help or "").replace("|", "\\|")
    return f"| {label} | {_default(parameter)} | {what} |\n"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.default
    if default is None or default == "" or isinstance(default, bool) or callable(default):
        return ""  # a switch is off
    return f"`{parameter.default}`"


def _plain(text: str) -> str:
    return BRACKET.sub("[", MARKUP.sub("", text))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
