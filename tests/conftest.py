"""What the tests share: their two speeds, where the real objects are, and one small rendered dataset."""

import fcntl
import importlib.util
import json
import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from support.command import FORKS, SHARED, SMALL, viewpoint100k

# --- two speeds ---------------------------------------------------------------------------------

SLOW = Path(__file__).parent / "slow.txt"
COSTS = pytest.StashKey[dict]()


def pytest_addoption(parser):
    parser.addoption(
        "--all", action="store_true", help="run all tests; without it those of tests/slow.txt are left out"
    )
    parser.addoption(
        "--costs", metavar="FILE.json", help="write the CPU-seconds of each test's setup and call"
    )


def pytest_collection_modifyitems(config, items):
    """Leave out what is slow, unless all tests are wanted or one is named."""
    named = any("::" in argument for argument in config.args)
    if config.getoption("--all") or named:
        return
    slow = [line.strip() for line in SLOW.read_text().splitlines() if line.strip() and line[0] != "#"]
    functions = {line for line in slow if "::" in line}
    files = tuple(line for line in slow if line.endswith((".py", "/")))
    fixtures = {line.removeprefix("fixture ") for line in slow if line.startswith("fixture ")}

    def is_slow(item):
        name = item.nodeid.partition("[")[0]
        return name in functions or name.startswith(files) or bool(fixtures & {*item.fixturenames})

    left_out = [item for item in items if is_slow(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]


def _cpu_s():
    """Of this process and of all that it has waited for; what it forked waits for is counted apart."""
    return sum(os.times()[:4]) + FORKS.cpu_s


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    before = _cpu_s()
    yield
    _count(item, "setup", _cpu_s() - before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    before = _cpu_s()
    try:
        return (yield)
    finally:
        _count(item, "call", _cpu_s() - before)


def _count(item, phase, seconds):
    if item.config.getoption("--costs"):
        costs = item.config.stash.setdefault(COSTS, defaultdict(lambda: {"setup": 0.0, "call": 0.0}))
        costs[item.nodeid.partition("[")[0]][phase] += round(seconds, 3)


def pytest_sessionfinish(session):
    """Write the costs; a worker of xdist hands its own to the process that started it."""
    config = session.config
    out = config.getoption("--costs")
    if not out or COSTS not in config.stash:
        return
    if hasattr(config, "workeroutput"):
        config.workeroutput["costs"] = dict(config.stash[COSTS])
    else:
        Path(out).write_text(json.dumps(config.stash[COSTS], indent=1))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Keep what a worker of xdist that has ended says of its costs."""
    costs = getattr(node, "workeroutput", {}).get("costs", {})
    node.config.stash.setdefault(COSTS, {}).update(costs)


# --- what they share ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def needs_bpy():
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed: pip install 'viewpoint100k[render]' on Python 3.13 or 3.11")


@pytest.fixture(scope="session")
def real_objects():
    if not (SHARED / "objects").is_dir():
        pytest.skip(f"the folder of real objects is not here ({SHARED / 'objects'})")
    return SHARED / "objects"


@pytest.fixture(scope="session")
def bad_objects():
    if not (SHARED / "bad").is_dir():
        pytest.skip(f"the folder of bad files is not here ({SHARED / 'bad'})")
    return SHARED / "bad"


@pytest.fixture(scope="session")
def rendered_once(tmp_path_factory, needs_bpy):
    """Renders a dataset once for all workers of xdist, and gives each of them a copy of its own.

    Called with the dataset's name and the words behind `generate OUT`.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def render(name, *arguments):
        first = shared / "rendered_once" / name
        first.parent.mkdir(exist_ok=True)
        with open(first.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the second worker waits here for the first one
            if not (first / "manifest.json").exists():
                done = viewpoint100k("generate", first, *arguments)
                assert done.returncode == 0, done.stderr
        return Path(shutil.copytree(first, tmp_path_factory.mktemp("rendered") / name))

    return render


@pytest.fixture(scope="session")
def dataset(rendered_once):
    """24 pairs of builtin objects at 64 px, rendered once by the command line with two workers.

    Not to be changed.
    """
    return rendered_once("viewpoint-100k", "--pairs", 24, "--seed", 5, "--workers", 2, *SMALL)


@pytest.fixture(scope="session")
def dotted(tmp_path_factory, dataset):
    """The dataset with a red dot in the first picture of each sample's first question. Not to be changed."""
    from viewpoint100k.records import Mark
    from viewpoint100k.shards import read_shard, shard_paths, write_shard

    out = tmp_path_factory.mktemp("dotted") / "viewpoint-100k"
    shutil.copytree(dataset, out, ignore=shutil.ignore_patterns("index", ".run"))
    for path in shard_paths(out):
        samples = []
        for stored in read_shard(path):
            first, *others = stored.sample.questions
            first = first.model_copy(update={"marks": [Mark(image=0, x=30, y=34, colour="red")]})
            samples.append(
                stored._replace(sample=stored.sample.model_copy(update={"questions": [first, *others]}))
            )
        write_shard(path, out, samples)
    return out
