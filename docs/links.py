"""What the site changes in these pages: a link to a file outside docs/ shows its path, for the site has no
such page.

A hook of mkdocs, named in mkdocs.yml. The file must be there: a dead link ends the build.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **more: Any) -> str:
    """Replace links to files of the repository by their text and path."""

    def shown(link: re.Match[str]) -> str:
        text, address = link[1], link[2]
        target = (ROOT / "docs" / address).resolve()
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_path} links to {address}, which is not there")
        path = target.relative_to(ROOT).as_posix()
        return f"`{path}`" if text.strip("`") in path else f"{text} (`{path}`)"

    return OUTSIDE.sub(shown, markdown)
