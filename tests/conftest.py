"""What the tests share: where the real objects are, whether bpy is here, and one small rendered dataset."""

import importlib.util
import shutil

import pytest
from support.command import SHARED, SMALL, viewpoint100k


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
def dataset(tmp_path_factory, needs_bpy):
    """24 pairs of builtin objects at 64 px, rendered once by the command line with two workers.

    Not to be changed.
    """
    out = tmp_path_factory.mktemp("rendered") / "viewpoint-100k"
    done = viewpoint100k("generate", out, "--pairs", 24, "--seed", 5, "--workers", 2, *SMALL)
    assert done.returncode == 0, done.stderr
    return out


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
