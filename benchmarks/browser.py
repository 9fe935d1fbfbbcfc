"""Chromium without a screen, spoken to over its own debugging pipe: nothing to install beside Debian's
`chromium`.

    with Chromium() as browser:
        browser.open(Path("page.html").resolve().as_uri())
        browser.wait("document.images.length")
        browser.screenshot(Path("page.png"))
        print(browser.complaints)

Used by benchmarks/gallery.py, benchmarks/faithful.py and tests/test_browser.py.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# the sandbox needs rights that containers seldom have; the pages are our own
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--mute-audio")  # fmt: skip
WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # drawn by the processor
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, "Enter": 13}
TICKS = os.sysconf("SC_CLK_TCK")


def find_chromium() -> str | None:
    """The first of the usual names that is installed."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """One browser with one page. `complaints` collects errors and warnings of its console, `requests` all
    addresses but data:; both begin anew with `open`."""

    def __init__(self, width: int = 1280, height: int = 900, *, webgl: bool = False) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._size = (width, height)
        self._flags = [*(flag for flag in FLAGS if flag != "--disable-gpu"), *WEBGL] if webgl else list(FLAGS)
        self._buffer, self._number, self._session = b"", 0, ""

    def __enter__(self) -> "Chromium":
        program = find_chromium()
        assert program, f"none of {NAMES} is installed"
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Chromium reads commands from descriptor 3 and writes replies to 4
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        flags = [
            *self._flags,
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", program, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(*self._size)
        return self

    def __exit__(self, *error: object) -> None:
        self._session = ""
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    # --- speaking -------------------------------------------------------------------------------

    def call(self, method: str, timeout_s: float = 60, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout_s
        while True:
            reply = self._receive(deadline, method)
            if reply.get("id") == self._number:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                result: dict[str, Any] = reply["result"]
                return result

    def _receive(self, deadline: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise RuntimeError(f"{what}: no reply from the browser")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise RuntimeError(f"{what}: the browser is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        event: dict[str, Any] = json.loads(line)
        self._note(event.get("method", ""), event.get("params", {}))
        return event

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.complaints.append(" ".join(str(one.get("value", one)) for one in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}".strip())
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {params['message']}")
        elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("data:"):
            self.requests.append(params["request"]["url"])

    # --- doing -------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Start to load a page; `wait` for what it should show."""
        self.call("Page.navigate", url="about:blank")
        self.requests.clear()
        self.complaints.clear()
        self.call("Page.navigate", url=url)

    def js(self, expression: str, timeout_s: float = 60) -> Any:
        """The value of an expression, awaited if it is a promise."""
        done = self.call(
            "Runtime.evaluate", timeout_s, expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in done:
            details = done["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return done["result"].get("value")

    def wait(self, expression: str, timeout_s: float = 20) -> Any:
        """Until an expression is true; its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.js(expression)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"never true: {expression}; the console said {self.complaints}")
            time.sleep(0.05)
        return value

    def press(self, key: str) -> None:
        """A key as a person presses it."""
        code = KEYS.get(key) or ord(key.upper())
        text: dict[str, Any] = {"Enter": {"text": "\r"}}.get(key, {} if key in KEYS else {"text": key})
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of the first element that fits."""
        self.drag(selector, 0, 0)

    def drag(self, selector: str, right_px: float, down_px: float) -> None:
        """Press in the middle of an element, move, and release."""
        x, y = self.js(
            f"(() => {{ const node = document.querySelector({json.dumps(selector)});"
            " node.scrollIntoView({block: 'center', behavior: 'instant'}); const r = "
            "node.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        mouse: dict[str, Any] = {"button": "left", "buttons": 1, "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **mouse)
        for part in (1, 2, 3, 4) if right_px or down_px else ():
            place: dict[str, Any] = {"x": x + right_px * part / 4, "y": y + down_px * part / 4}
            self.call("Input.dispatchMouseEvent", type="mouseMoved", **place, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + right_px, y=y + down_px, **mouse)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=phone
        )  # fmt: skip

    def prefer(self, **features: str) -> None:
        """Media features, such as `prefers_color_scheme="dark"`."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=named)

    def screenshot(self, target: Path) -> None:
        target.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    # --- cost --------------------------------------------------------------------------------------

    def cpu_s(self) -> float:
        """CPU time of the browser and all its children so far."""
        parents: dict[int, int] = {}
        spent: dict[int, float] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # gone meanwhile
            pid = int(entry.name)
            parents[pid], spent[pid] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
        family = {self._process.pid}
        while grown := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= grown
        return sum(spent.get(pid, 0.0) for pid in family)
