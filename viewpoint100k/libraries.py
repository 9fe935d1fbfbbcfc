"""Which shared libraries a compiled module asks for that this machine lacks, and which packages bring them.

The system's own loader is asked (`ldd`), so search paths, caches and what libraries need in turn are its
business. Where there is no `ldd`, what the loader said when an import failed names at least the first one.
"""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LDD_S = 20.0  # it takes hundredths of a second; a sleeping network disk takes longer
PACKAGES = {  # library -> its package for Debian's family, for Fedora's
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libGLX.so.0": ("libglx0", "libglvnd-glx"),
    "libGLdispatch.so.0": ("libglvnd0", "libglvnd"),
    "libICE.so.6": ("libice6", "libICE"),
    "libOpenGL.so.0": ("libopengl0", "libglvnd-opengl"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXau.so.6": ("libxau6", "libXau"),
    "libXcursor.so.1": ("libxcursor1", "libXcursor"),
    "libXdmcp.so.6": ("libxdmcp6", "libXdmcp"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libXfixes.so.3": ("libxfixes3", "libXfixes"),
    "libXi.so.6": ("libxi6", "libXi"),
    "libXinerama.so.1": ("libxinerama1", "libXinerama"),
    "libXrandr.so.2": ("libxrandr2", "libXrandr"),
    "libXrender.so.1": ("libxrender1", "libXrender"),
    "libXxf86vm.so.1": ("libxxf86vm1", "libXxf86vm"),
    "libbsd.so.0": ("libbsd0", "libbsd"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc"),
    "libgomp.so.1": ("libgomp1", "libgomp"),
    "libmd.so.0": ("libmd0", "libmd"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
    "libuuid.so.1": ("libuuid1", "libuuid"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libz.so.1": ("zlib1g", "zlib"),
}
_ABSENT = re.compile(r"^\s*(\S+) => not found|^(?:.*: )?(\S+): cannot open shared object file", re.MULTILINE)
_TOO_NEW = re.compile(r"version [`'](\S+)' not found")
_BROKEN = re.compile(
    r"(?:error while loading shared libraries|ImportError): (?:.*/)?(\S+\.so\S*): (?!cannot open)(.+)$",
    re.MULTILINE,
)


class Lacks(NamedTuple):
    """What a loader complains about. False if it does not."""

    absent: tuple[str, ...] = ()  # libraries that are nowhere
    too_new: tuple[str, ...] = ()  # versions of libraries that are there, such as GLIBC_2.38
    broken: tuple[str, ...] = ()  # a file that is there and no library, and what is wrong with it

    def __bool__(self) -> bool:
        return any(self)

    def names(self) -> list[str]:
        """Names of all libraries that are absent or broken."""
        return [*self.absent, *(text.partition(" (")[0] for text in self.broken)]


def read_complaints(text: str) -> Lacks:
    """What a loader's or `ldd`'s output complains about."""
    absent = (first or second for first, second in _ABSENT.findall(text))
    broken = (
        f"{name} ({reason.strip()})" for name, reason in _BROKEN.findall(text) if not _TOO_NEW.search(reason)
    )
    return Lacks(*(tuple(dict.fromkeys(names)) for names in (absent, _TOO_NEW.findall(text), broken)))


def find_lacks(module: Path) -> Lacks:
    """What the loader would complain about if it loaded a compiled module now. Nothing is loaded or run.

    Nothing, too, where there is no `ldd` to ask.
    """
    try:
        done = subprocess.run(
            ["ldd", str(module)],
            capture_output=True,
            text=True,
            timeout=LDD_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return Lacks()
    return read_complaints(done.stdout + "\n" + done.stderr)


def explain(lacks: Lacks, bundled: Iterable[str] = ()) -> str:
    """One line: what is missing and what to do.

    Args:
        bundled: names of libraries that the module's own package brings.
    """
    own = set(bundled)
    lost = [name for name in lacks.absent if name in own]
    lost += [text for text in lacks.broken if text.partition(" (")[0] in own]
    absent = [name for name in lacks.absent if name not in own]
    broken = [text for text in lacks.broken if text.partition(" (")[0] not in own]
    said = list[str]()
    if absent:
        said.append(
            f"bpy needs shared libraries that are not here: {', '.join(absent)}. Install them: "
            f"{_commands(absent)}"
        )
    if broken:
        names = [text.partition(" (")[0] for text in broken]
        said.append(
            f"shared libraries are damaged: {', '.join(broken)}. Install them again: "
            f"{_commands(names, again=True)}"
        )
    if lost:
        said.append(
            f"parts of bpy are missing or damaged: {', '.join(lost)}. Uninstall it, then pip install "
            "'viewpoint100k[render]'"
        )
    if lacks.too_new:
        wanted = ", ".join(lacks.too_new)
        said.append(
            f"this system's libraries are older than bpy needs (it wants {wanted}). Use a newer "
            "distribution, or a container of one"
        )
    return "; ".join(said)


def _commands(names: Iterable[str], again: bool = False) -> str:
    """What to type on either family of distributions; this machine's first."""
    by_apt, by_dnf = (
        ("apt-get install --reinstall", "dnf reinstall") if again else ("apt-get install", "dnf install")
    )
    known = [name for name in names if name in PACKAGES]
    debian = " ".join(dict.fromkeys(PACKAGES[name][0] for name in known))
    fedora = [PACKAGES[name][1] for name in known]
    others = [name for name in names if name not in PACKAGES]
    fedora += [f"'{name}()(64bit)'" for name in others]  # a package may be asked for by what it provides
    apt = [f"{by_apt} {debian}"] if known else []
    apt += [f"apt-file search {name}" for name in others]
    both = [
        f"{' and '.join(apt)} (Debian, Ubuntu)",
        f"{by_dnf} {' '.join(dict.fromkeys(fedora))} (Fedora, RHEL)",
    ]
    return ", or ".join(reversed(both) if _is_fedora() else both)


def _is_fedora() -> bool:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return bool({"fedora", "rhel", "centos"} & {release.get("ID", ""), *release.get("ID_LIKE", "").split()})
