"""What is shown on the terminal: progress bars while something runs, tables when it is done."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from viewpoint100k.errors import InputError, ViewpointError, load_line, one_line, printable, shell_line

out_console = Console()
err_console = Console(stderr=True)
REMOTE_LOOK_S = 15.0  # between looks at a run behind a URL


class counting(AbstractContextManager[Callable[[int, int], None]]):
    """A progress bar fed by `progress(done, of)`."""

    def __init__(self, what: str) -> None:
        self.bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            console=err_console,
            transient=True,
            # what is piped away must not turn up above the bar instead
            redirect_stdout=out_console.is_terminal,
        )

    def __enter__(self) -> Callable[[int, int], None]:
        self.bar.start()
        task = self.bar.add_task("", total=None)
        return lambda done, of: self.bar.update(task, completed=done, total=of)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


class sending(AbstractContextManager[Callable[[int, int, str], None]]):
    """Bytes that are there, of all, and what is going on."""

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("Sending"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
            console=err_console,
        )

    def __enter__(self) -> Callable[[int, int, str], None]:
        self.bar.start()
        task = self.bar.add_task("", total=None, what="")
        return lambda done, of, what: self.bar.update(task, completed=done, total=of, what=what)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


class RunBar(AbstractContextManager["RunBar"]):
    """Pairs done, pairs a minute, rejects, time left."""

    def __init__(self, status: Callable[[], Any], look_s: float = 1.0) -> None:
        self.status = status
        self.look_s = look_s
        self.started = time.monotonic()
        self.at_start = -1
        self.bar = Progress(
            TextColumn("Rendering"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pairs  {task.fields[rate]}  {task.fields[rejects]} rejects  left"),
            TimeRemainingColumn(),
            console=err_console,
        )
        self.task = self.bar.add_task("", total=None, rate="", rejects=0)
        self.seen = 0.0

    def __enter__(self) -> "RunBar":
        self.bar.start()
        self.update()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def update(self, now: bool = False) -> None:
        if time.monotonic() - self.seen < self.look_s and self.at_start >= 0 and not now:
            return
        found = self.status()
        self.seen = time.monotonic()
        done = sum(receipt.samples for receipt in found.done) + found.pairs_in_work
        self.at_start = done if self.at_start < 0 else self.at_start
        minutes = (time.monotonic() - self.started) / 60
        rate = f"{(done - self.at_start) / minutes:.0f}/min" if minutes > 0.05 else ""
        rejects = sum(receipt.rejects for receipt in found.done) + found.rejects_in_work
        self.bar.update(self.task, completed=done, total=found.pairs_wanted, rate=rate, rejects=rejects)


def unfinished(logs: Path, missing: int, of: int, failures: list[Any]) -> ViewpointError:
    """The error of the first shard that failed, and how many are missing."""
    code, line = failures[0] if failures else (0, "")
    line = line.removeprefix("error: ") or f"a shard ended with code {code}"
    text = f"{line} ({missing} of {of} shards are missing; what they printed is in {logs})"
    return InputError(text) if code == 2 else ViewpointError(text)


def print_problems(problems: list[Any]) -> None:
    for problem in problems[:200]:
        line = escape(one_line(f"{problem.where}: {problem.what}", 2000))
        err_console.print(line, soft_wrap=True, highlight=False)
    if len(problems) > 200:
        err_console.print(f"... and {len(problems) - 200} more")


def print_missing(report: Any) -> None:
    """An array specification on stdout and nothing else."""
    print(report.missing_spec, flush=True)
    if report.running:
        numbers = ", ".join(str(one.number) for one in report.running)
        err_console.print(
            f"not listed, because somebody is at work: {numbers}", soft_wrap=True, highlight=False
        )


def _table_of_machines(machines: Sequence[Any]) -> Table:
    table = Table("machine", "shards", "pairs", "pairs an hour", "CPU-s a pair")
    for machine in machines:
        table.add_row(
            escape(machine.name),
            str(machine.shards),
            str(machine.pairs),
            f"{machine.pairs_per_hour:.0f}",
            f"{machine.cpu_s_per_pair:.2f}",
        )
    return table


def print_report(report: Any, *, anew: bool = False) -> None:
    """How a run goes; `anew`: on an empty screen."""
    from viewpoint100k.monitor import duration

    if anew:
        out_console.clear()
    speed = f"; {report.pairs_per_minute:.1f} pairs a minute" if report.pairs_per_minute else ""
    speed += f", about {duration(report.eta_s)} left" if speed and report.done < report.shards else ""
    out_console.print(
        f"{report.pairs_done} of {report.pairs_wanted} pairs in {report.done} shards; "
        f"{len(report.running)} shards running, "
        f"{len(report.failed)} failed, {len(report.missing)} missing{speed}",
        soft_wrap=True,
        highlight=False,
    )
    if report.missing:
        out_console.print(f"missing: {report.missing_spec}", soft_wrap=True, highlight=False)
    if report.fetching:
        out_console.print(report.fetching, soft_wrap=True, highlight=False)
    if report.machines:
        out_console.print(_table_of_machines(report.machines))
    for one in report.failed:
        out_console.print(
            f"shard {one.number} failed on {escape(one.machine)}, attempt {one.attempt}: {escape(one.error)}",
            soft_wrap=True,
            highlight=False,
        )
    for what, counts in (
        ("refused objects", report.rejects),
        ("pairs and questions not used", report.dropped),
    ):
        if counts:
            table = Table(what, "")
            for reason, count in counts.items():
                table.add_row(escape(reason), str(count))
            out_console.print(table)


def _colour_of(asymmetry: float, least: float) -> str:
    """Red for what a run would refuse, yellow for what it might refuse in other light."""
    if asymmetry < least:
        return "red"
    return "yellow" if asymmetry < 2 * least else "green"


def print_findings(findings: list[Any], min_asymmetry: float) -> None:
    """A row per object; the asymmetry is green where it is far from the threshold.

    Meshes where trimesh was asked.
    """
    from viewpoint100k.mesh_facts import describe

    if not findings:
        return
    meshes = any(finding.mesh for finding in findings)
    table = Table("object", "verdict", "asymmetry", *(["mesh"] if meshes else []), "reason")
    for finding in findings:
        value = finding.asymmetry
        colour = _colour_of(value or 0, min_asymmetry)
        table.add_row(
            escape(finding.uid),
            f"[{'green' if finding.verdict == 'ok' else 'red'}]{escape(finding.verdict)}[/]",
            "" if value is None else f"[{colour}]{value:.3f}[/]",
            *([escape(", ".join(describe(finding.mesh)))] if meshes else []),
            escape(finding.reason),
        )
    out_console.print(table)


def print_health(report: Any) -> None:
    """A row per finding; what is red once more below, as it can be copied."""
    table = Table("", "verdict", "found", "what to do")
    for finding in report.findings:
        colour = f"[{finding.verdict}]{finding.verdict}[/]"
        table.add_row(
            escape(finding.name), colour, escape(one_line(finding.found, 600)), escape(finding.advice)
        )
    out_console.print(table)
    for finding in report.findings:
        if finding.verdict == "red":
            line = f"[red]{escape(finding.name)}:[/red] {escape(printable(finding.advice))}"
            out_console.print(line, soft_wrap=True, highlight=False)
    verdicts = Counter(finding.verdict for finding in report.findings)
    said = "a run will fail" if report.failed else "ready to render"
    out_console.print(
        f"{verdicts['green']} green, {verdicts['yellow']} yellow, {verdicts['red']} red: {said}"
    )


def print_probes(probes: list[Any]) -> None:
    """A row per probe: verdict, number (of the worst part), bound, and why it did not pass."""
    colours = {"pass": "green", "fail": "red"}
    table = Table("probe", "verdict", "value", "bound", "because")
    for probe in probes:
        colour = colours.get(probe.verdict, "dim")
        value = "" if probe.value is None else f"{probe.value:.4g}"
        bound = "" if probe.value is None else str(probe.threshold)
        because = "" if probe.verdict == "pass" else escape(probe.because)  # in full in the page and the JSON
        table.add_row(probe.name, f"[{colour}]{probe.verdict}[/]", value, bound, because)
    out_console.print(table)


def print_would_fail(out: Any, probes: list[Any]) -> None:
    """What an audit would fail, as far as its quick probes tell: a line each."""
    failed = [probe for probe in probes if probe.verdict == "fail"]
    for probe in failed:
        out_console.print(
            f"The audit would fail {probe.name}: {escape(probe.because)}", soft_wrap=True, highlight=False
        )
    said = f"{len(failed)} fail" if failed else "none fails"
    command = escape(shell_line("audit", out))
    out_console.print(
        f"Of {len(probes)} quick probes {said}. All of them: {command}", soft_wrap=True, highlight=False
    )


def print_shipment(shipment: Any) -> None:
    """What publishing would send, and under which licences its objects are."""
    parcel = shipment.parcel
    here = [*shipment.parcel.shards, *shipment.parcel.rest]
    table = Table("", "files", "MB")
    for name, files in (
        ("in the dataset", here),
        ("shards to send", shipment.send),
        ("other files to send", shipment.place),
    ):
        table.add_row(name, str(len(files)), f"{sum(file.bytes for file in files) / 1e6:.1f}")
    if shipment.delete:
        table.add_row("to be deleted there", str(len(shipment.delete)), "")
    out_console.print(
        f"{escape(str(parcel.dataset))} to {escape(shipment.repo_id)}, {shipment.branch}, {shipment.tag}",
        soft_wrap=True,
    )
    out_console.print(table)
    licences = ", ".join(f"{number} {licence}" for licence, number in parcel.licences.most_common())
    out_console.print(f"Licences of its objects: {escape(licences)}", soft_wrap=True, highlight=False)


def print_scores(summary: list[tuple[str, Any]], scores: Any) -> None:
    """Shares with their intervals: in all, then by type, tier, family, angle, form."""
    table = Table("", "share", "95 %", "of")

    def add(name: str, cell: Any) -> None:
        interval = f"{100 * cell.low:.1f} to {100 * cell.high:.1f}"
        table.add_row(escape(name), f"{100 * cell.value:.1f} %", interval, str(cell.n))

    for name, cell in summary:
        add(name, cell)
    for group, cells in scores.by.items():
        table.add_section()
        for name, cell in cells.items():
            add(f"{group}: {name}", cell)
    out_console.print(table)
    out_console.print(
        f"{scores.answered} of {scores.questions} questions answered, {scores.unread} answers could not "
        "be read, "
        f"{len(scores.unknown_ids)} ids unknown; guessing would score {100 * scores.chance:.1f} %",
        soft_wrap=True,
    )
    for name, ids in (("unknown", scores.unknown_ids), ("unanswered", scores.unanswered_ids)):
        if ids:
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            err_console.print(
                f"{name}: {escape(one_line(', '.join(ids[:5])))}{more}", soft_wrap=True, highlight=False
            )


def print_forecast(out: str, expected: Any, workers: int, free_bytes: int | None) -> None:
    """What a run would make and cost, a row each."""
    from viewpoint100k.monitor import duration

    cpu_s = expected.about_cpu_s
    cost = f"{cpu_s / 3600:,.1f} CPU-hours" if cpu_s > 360 else f"{cpu_s:.0f} CPU-seconds"
    wall = duration(expected.about_cpu_s / workers)
    size = expected.about_bytes
    disk = f"{size / 1e9:,.1f} GB" if size > 1e9 else f"{size / 1e6:,.1f} MB"
    free = f"; {free_bytes / 1e9:,.1f} GB are free" if free_bytes is not None else ""
    source = "objects of this source" if expected.fetched == 0 else f"objects of {expected.probe_source}"
    rows = [
        (
            "pairs to make",
            f"{expected.pairs:,}" + (f" ({expected.done:,} are done)" if expected.done else ""),
        ),
        (
            "scenes" if expected.scenes else "objects",
            f"{expected.objects:,}" + (f" ({expected.refused:,} refused)" if expected.refused else ""),
        ),
        ("views to render", f"about {expected.about_views:,}"),
        ("shards", f"{expected.shards:,}"),
        ("cost", f"about {cost} of rendering; {wall} with {workers} render processes"),
        ("disk", f"about {disk}{free}"),
        ("to be fetched", f"up to {expected.fetched:,} objects" if expected.fetched else "nothing"),
    ]
    table = Table(show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    out_console.print(table)
    out_console.print(
        f"From a probe of {expected.probe_pairs} pairs of {source}, {expected.probe_cpu_s:.0f} CPU-s on "
        "this machine. "
        f"Nothing was written to {escape(out)}: --dry-run",
        soft_wrap=True,
        highlight=False,
    )


def print_cpu(cpu_s: Counter[str], what: str) -> None:
    parts = ", ".join(f"{name} {value:.0f}" for name, value in cpu_s.items())
    out_console.print(f"{sum(cpu_s.values()):.0f} CPU-s for {what}: {parts}", soft_wrap=True)


def print_summary(out: str, manifest: Any, rejects: list[Any], receipts: list[Any], problems: int) -> None:
    from viewpoint100k.storage import is_url

    cpu = Counter[str]()
    for receipt in receipts:
        cpu.update(receipt.cpu_s)
    views = sum(receipt.views_rendered for receipt in receipts)
    objects = len({uid for receipt in receipts for uid in receipt.objects})
    refused = len({reject.uid for reject in rejects})
    verdict = f"[red]{problems} problems, listed above.[/red]" if problems else "Everything validates."
    out_console.print(
        f"[bold]{manifest.samples} pairs[/bold] of {objects} objects, {manifest.questions} questions, in "
        f"{len(manifest.shards)} shards; "
        f"{refused} objects refused at least once (reasons in {escape(str(out))}/.run/rejects.jsonl). "
        f"{verdict}",
        soft_wrap=True,
    )
    print_cpu(cpu, f"{views} views")
    if is_url(out):
        out_console.print(
            f"Fetch it with what your store has for that, then look at it; it lies in {escape(out)}"
        )
        return
    out_console.print("Look at it:", soft_wrap=True)
    page = shell_line("gallery", out, f"{out}.html")
    out_console.print(f"  {page}", soft_wrap=True, markup=False, highlight=False)
    out_console.print(
        f"  {load_line(str(out))}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
