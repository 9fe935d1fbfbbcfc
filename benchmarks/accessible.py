"""Are our HTML pages legible for everybody? `python benchmarks/accessible.py AXE.js PAGE.html...`

Opens each page in headless Chromium at the widths of a phone and of a desk, in the light and the
dark scheme, and puts axe-core's checks to it (its `axe.min.js`, for instance of `npm pack
axe-core`). Prints what they find, whether anything is cut off at the sides, what the page asks of a
network, and writes screenshots. Exit 1 if anything is wrong.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

try:
    from benchmarks.browser import Chromium
except ImportError:  # started as a script
    from browser import Chromium  # type: ignore[import-not-found, no-redef]

WIDTHS = {390: 844, 1280: 900}  # pixels: height of the window
SCHEMES = ("light", "dark")
SETTLED = "document.readyState == 'complete' && !document.querySelector('[aria-busy]')"
RUN = """(async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return JSON.stringify(found.violations.map(v => ({
    rule: v.id, impact: v.impact, help: v.help,
    where: v.nodes.slice(0, 3).map(n => n.target.join(" ")), count: v.nodes.length})));
})()"""


class Finding(NamedTuple):
    """What is wrong with a page."""

    page: str
    width: int
    scheme: str
    rule: str
    what: str


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("axe", type=Path, help="axe-core's axe.min.js")
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, help="a folder for screenshots")
    arguments = parser.parse_args()
    findings = check(arguments.axe, arguments.pages, arguments.out)
    for each in findings:
        print(f"{each.page} at {each.width} px, {each.scheme}: {each.rule}: {each.what}")
    looks = len(arguments.pages) * len(WIDTHS) * len(SCHEMES)
    print(f"{len(arguments.pages)} pages, {looks} looks, {len(findings)} findings")
    sys.exit(bool(findings))


def check(axe: Path | None, pages: list[Path], out: Path | None = None) -> list[Finding]:
    """All findings of all pages.

    Args:
        axe: the script of axe-core; None: its checks are left out.
        pages: HTML files.
        out: a folder for screenshots; None: none are taken.
    """
    script = "" if axe is None else axe.read_text(encoding="utf-8")
    findings = []
    with Chromium() as browser:
        for page in pages:
            for width, height in WIDTHS.items():
                for scheme in SCHEMES:
                    browser.resize(width, height)
                    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
                    browser.open(page.resolve().as_uri())
                    browser.wait(SETTLED)
                    if out is not None:
                        out.mkdir(parents=True, exist_ok=True)
                        browser.screenshot(out / f"{page.stem}-{width}-{scheme}.png")
                    findings += [
                        Finding(page.name, width, scheme, rule, what) for rule, what in look(browser, script)
                    ]
    return findings


def look(browser: Any, script: str) -> list[tuple[str, str]]:
    """(Rule, what is wrong) of the page that is open."""
    found = []
    asked = [address for address in browser.requests if not address.startswith("file:")]
    if asked:
        found.append(("network", f"asks for {asked[0]}"))
    if browser.complaints:
        found.append(("console", str(browser.complaints[0])))
    over = browser.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        found.append(("width", f"{over} px are cut off at the side"))
    if not script:
        return found
    browser.js(f"{script}; 0")
    for violation in json.loads(browser.js(RUN, timeout_s=300)):
        what = (
            f"{violation['help']} ({violation['impact']}, {violation['count']}): "
            f"{', '.join(violation['where'])}"
        )
        found.append((violation["rule"], what))
    return found


if __name__ == "__main__":
    main()
