"""Tar shards: the same samples give the same bytes, and no reader ever sees a torn one.

Written with webdataset's own writer, times and owners fixed; first beside the run's state, then renamed into
place. A shard is done when it and its receipt are there and the receipt's hash is the shard's.

Datasets come from strangers, so there is one reader, for all commands, and it is strict: it opens regular
files in the dataset's folder and nothing else, takes from a tar regular members of the names that we write
and nothing else, and knows what a size may be before it makes room for it. What is wrong is one `InputError`,
which says where.
"""

from viewpoint100k.shards.cutting import Kept, cut_digest, cut_shard, keep_samples
from viewpoint100k.shards.files import (
    REAL,
    folders_of,
    has_photographs,
    is_own_folder,
    open_inside,
    own_folder,
    read_inside,
    sha256_file,
    sweep,
    write_atomically,
)
from viewpoint100k.shards.members import MEMBER, MOST_JSON_BYTES, MOST_PICTURE_BYTES, Member, members_of
from viewpoint100k.shards.pictures import MOST_SCANS, decode, decoding, keep_picture_memory, open_picture
from viewpoint100k.shards.reading import (
    iter_records,
    iter_samples,
    iter_stored,
    read_members,
    read_shard,
    shard_paths,
    shard_start,
    split_of,
)
from viewpoint100k.shards.samples import StoredSample, first_fault, in_sample, parse_sample
from viewpoint100k.shards.writing import Receipt, write_shard

__all__ = [
    "MEMBER",
    "MOST_JSON_BYTES",
    "MOST_PICTURE_BYTES",
    "MOST_SCANS",
    "REAL",
    "Kept",
    "Member",
    "Receipt",
    "StoredSample",
    "cut_digest",
    "cut_shard",
    "decode",
    "decoding",
    "first_fault",
    "folders_of",
    "has_photographs",
    "in_sample",
    "is_own_folder",
    "iter_records",
    "iter_samples",
    "iter_stored",
    "keep_picture_memory",
    "keep_samples",
    "members_of",
    "open_inside",
    "open_picture",
    "own_folder",
    "parse_sample",
    "read_inside",
    "read_members",
    "read_shard",
    "sha256_file",
    "shard_paths",
    "shard_start",
    "split_of",
    "sweep",
    "write_atomically",
    "write_shard",
]
