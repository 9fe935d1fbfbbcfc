"""What runs elsewhere, and whether it answers: the Hub, Ray, SLURM, Kubernetes."""

import os
import shutil
import subprocess
from collections.abc import Iterator

from viewpoint100k.doctor.findings import PATIENCE_S, Finding, absent, version_of
from viewpoint100k.errors import MissingExtra, one_line
from viewpoint100k.hub_client import HubLook, look_at_hub


def hub() -> Iterator[Finding]:
    """Nothing here is red: what needs the Hub says so itself."""
    try:
        seen = look_at_hub(PATIENCE_S)
    except MissingExtra:
        advice = "pip install 'viewpoint100k[publish]' to publish, [objaverse] to fetch objects"
        yield Finding(name="Hub", verdict="yellow", found="no client", advice=advice)
        return
    found, advice = _what_the_hub_says(seen)
    if advice:
        yield Finding(name="Hub", verdict="yellow", found=found, advice=advice)
    else:
        yield Finding(name="Hub", verdict="green", found=found)


def _what_the_hub_says(seen: HubLook) -> tuple[str, str]:
    """What a look at the Hub has found, and what to do about it; empty: nothing."""
    token = "a token is set" if seen.has_token else "no token"
    login = (
        f"`hf auth login` with a token that may write, made at {seen.endpoint}/settings/tokens; only "
        "to publish"
    )
    if seen.offline:
        advice = "unset HF_HUB_OFFLINE to publish or to fetch objects"
        return f"offline, as HF_HUB_OFFLINE says; {token}", advice
    if seen.status is None:
        advice = (
            "check the network, proxies and HF_ENDPOINT; needed only to publish, and to fetch "
            "objects and models"
        )
        return f"{seen.endpoint} is out of reach ({seen.error}); {token}", advice
    if not seen.has_token:
        return f"{seen.endpoint} answers; {token}", login
    if seen.status in (401, 403):
        return f"{seen.endpoint} does not take the token ({seen.status})", login
    if seen.status != 200:
        found = f"{seen.endpoint} answers with status {seen.status}; {token}"
        return found, "try again later; check HF_ENDPOINT"
    if seen.role == "read":
        return f"{seen.endpoint} takes the token, which may only read", login
    role = f" (role {seen.role})" if seen.role else ""
    return f"{seen.endpoint} takes the token{role}", ""


def ray() -> Iterator[Finding]:
    version = version_of("ray")
    if version is None:
        yield absent("Ray", "pip install 'viewpoint100k[ray]'", "--runner ray")
    else:
        address = os.environ.get("RAY_ADDRESS")
        yield Finding(
            name="Ray", verdict="green", found=version + (f", RAY_ADDRESS={address}" if address else "")
        )


def slurm() -> Iterator[Finding]:
    if shutil.which("sbatch") is None:
        yield absent("SLURM", "log in to a node that has sbatch", "--runner slurm")
        return
    code, said = _ask("sinfo", "--noheader", "--format=%P")
    if code == 0:
        partitions = ", ".join(said.split()) or "none"
        yield Finding(
            name="SLURM", verdict="green", found=f"its controller answers; partitions: {one_line(partitions)}"
        )
    else:
        advice = "ask the site why `sinfo` fails; needed only for --runner slurm"
        yield Finding(
            name="SLURM", verdict="yellow", found=f"sbatch is here; sinfo fails: {said}", advice=advice
        )


def kubectl() -> Iterator[Finding]:
    if shutil.which("kubectl") is None:
        yield absent("kubectl", "install it", "`viewpoint100k k8s`")
        return
    code, said = _ask("kubectl", "auth", "can-i", "create", "jobs", f"--request-timeout={PATIENCE_S:.0f}s")
    if code == 0:
        yield Finding(
            name="kubectl", verdict="green", found="a cluster answers, and you may create Jobs there"
        )
    else:
        advice = "check `kubectl config current-context` and your rights; needed only for `viewpoint100k k8s`"
        yield Finding(name="kubectl", verdict="yellow", found=f"cannot create Jobs: {said}", advice=advice)


def _ask(*command: str) -> tuple[int, str]:
    """Exit code and last line of a program that may hang, or wait for somebody to log in."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer in {2 * PATIENCE_S:.0f} s"
    except OSError as error:
        return -1, str(error)
    if done.returncode == 0:
        return 0, done.stdout
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"code {done.returncode}"]
    return done.returncode, one_line(lines[-1])
