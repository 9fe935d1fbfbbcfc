"""The nouns by which people call objects, and the usual sizes of such things."""

import re
from functools import lru_cache

from viewpoint100k.records import ObjectRecord

# noun -> approximate metres along the longest side; only the ratios matter, and they are compressed
SIZES: dict[str, float] = {
    "airplane": 12.0, "apple": 0.08, "armchair": 0.9, "avocado": 0.12, "axe": 0.9, "backpack": 0.5,
    "ball": 0.22, "banana": 0.2, "barrel": 0.95, "basket": 0.4, "bathtub": 1.7, "bear": 1.6, "bed": 2.0,
    "bell": 0.2, "bench": 1.6, "bicycle": 1.7, "bird": 0.25, "boat": 5.0, "book": 0.25, "bookcase": 1.8,
    "boombox": 0.5, "boot": 0.3, "bottle": 0.3, "bowl": 0.2, "box": 0.4, "bridge": 15.0, "broom": 1.3,
    "bucket": 0.35, "burger": 0.12, "bus": 10.0, "cabinet": 1.2, "cactus": 0.5, "cake": 0.25, "camera": 0.14,
    "candle": 0.2, "car": 4.4, "carrot": 0.2, "castle": 20.0, "cat": 0.5, "chair": 0.9, "chandelier": 0.8,
    "chest": 0.8, "church": 18.0, "clock": 0.3, "closet": 1.9, "coffin": 2.0, "coin": 0.03, "computer": 0.45,
    "couch": 2.0, "cow": 2.2, "crane": 15.0, "crate": 0.6, "crossbow": 0.8, "crown": 0.22, "crypt": 4.0,
    "cup": 0.1, "cupcake": 0.08, "deer": 1.7, "desk": 1.4, "dinosaur": 5.0, "dog": 0.8, "doll": 0.3,
    "donut": 0.1, "door": 2.0, "dragon": 4.0, "drill": 0.3, "drum": 0.5, "duck": 0.5, "dumpster": 2.0,
    "elephant": 4.0, "fan": 0.5, "fish": 0.4, "flashlight": 0.2, "flower": 0.4, "flowerpot": 0.3,
    "fork": 0.2, "fountain": 2.5, "fox": 0.9, "frog": 0.12, "giraffe": 4.5, "glasses": 0.14, "globe": 0.4,
    "goat": 1.2, "guitar": 1.0, "gun": 0.3, "hammer": 0.4, "hat": 0.35, "headphones": 0.2,
    "helicopter": 10.0, "helmet": 0.3, "horse": 2.3, "house": 9.0, "hydrant": 0.8, "jar": 0.2, "key": 0.08,
    "keyboard": 0.45, "kettle": 0.25, "knife": 0.25, "knight": 1.8, "ladder": 2.5, "lamp": 0.5,
    "lantern": 0.35, "laptop": 0.35, "lighthouse": 20.0, "lion": 2.2, "locomotive": 10.0, "mailbox": 1.2,
    "microphone": 0.2, "microscope": 0.4, "microwave": 0.5, "milkshake": 0.2, "mirror": 0.8, "monitor": 0.55,
    "monkey": 0.7, "motorcycle": 2.1, "mouse": 0.12, "mug": 0.12, "mushroom": 0.1, "octopus": 0.8,
    "owl": 0.4, "oven": 0.8, "panda": 1.5, "pen": 0.15, "penguin": 0.8, "piano": 1.6, "pig": 1.3,
    "pillow": 0.5, "pineapple": 0.3, "pistol": 0.22, "pizza": 0.32, "plane": 12.0, "plate": 0.25,
    "pot": 0.25, "printer": 0.45, "pug": 0.5, "pumpkin": 0.35, "rabbit": 0.4, "radio": 0.3,
    "refrigerator": 1.8, "rifle": 1.1, "robot": 1.5, "rocket": 15.0, "sailboat": 8.0, "sandwich": 0.15,
    "saxophone": 0.8, "scissors": 0.18, "shark": 4.0, "sheep": 1.3, "shelf": 1.0, "shield": 0.7,
    "ship": 20.0, "shoe": 0.28, "shovel": 1.2, "sink": 0.6, "skateboard": 0.8, "skeleton": 1.7,
    "skull": 0.22, "snail": 0.06, "snowman": 1.6, "sofa": 2.0, "speaker": 0.4, "spoon": 0.18, "statue": 2.0,
    "stool": 0.5, "stove": 0.8, "streetlight": 5.0, "submarine": 15.0, "suitcase": 0.65, "surfboard": 2.0,
    "swan": 1.2, "sword": 0.95, "table": 1.5, "tank": 7.0, "taxi": 4.5, "teapot": 0.25, "teddy bear": 0.35,
    "telephone": 0.25, "telescope": 1.2, "television": 1.0, "tent": 2.5, "tiger": 2.4, "toaster": 0.3,
    "toilet": 0.7, "torch": 0.5, "tower": 15.0, "tractor": 4.0, "traffic light": 3.0, "train": 15.0,
    "tree": 6.0, "trex": 8.0, "triceratops": 7.0, "trophy": 0.35, "truck": 7.0, "trumpet": 0.5, "trunk": 0.9,
    "turtle": 0.4, "typewriter": 0.4, "umbrella": 0.9, "van": 5.0, "vase": 0.3, "violin": 0.6, "watch": 0.1,
    "watering can": 0.35, "watermelon": 0.3, "well": 2.0, "whale": 12.0, "wheel": 0.6, "wheelbarrow": 1.4,
    "wheelchair": 1.1, "windmill": 12.0, "zebra": 2.3,
}  # fmt: skip
# category in a file that says no more -> the nouns that people may use for one of them, and its size
GENERIC: dict[str, tuple[str, float]] = {
    "animal": ("animal", 1.5),
    "building": ("building", 9.0),
    "character": ("character", 1.7),
    "food": ("food item", 0.25),
    "furniture": ("piece of furniture", 1.3),
    "plant": ("plant", 2.0),
    "vehicle": ("vehicle", 4.5),
}
# too general to be used as names: a pillar is filed under buildings, a carved pumpkin under food. They still
# exclude other names
UNSAID = {"building", "food item"}
# of the words above, those that are also one of these
KINDS_OF: dict[str, set[str]] = {
    "animal": {
        "bear", "bird", "cat", "cow", "deer", "dinosaur", "dog", "dragon", "duck", "elephant", "fish", "fox",
        "frog", "giraffe", "goat", "horse", "lion", "monkey", "mouse", "octopus", "owl", "panda", "penguin",
        "pig", "rabbit", "shark", "sheep", "snail", "swan", "tiger", "turtle", "whale", "zebra",
    },
    "building": {
        "bridge", "castle", "church", "crypt", "fountain", "house", "lighthouse", "tower", "windmill",
    },
    "character": {
        "doll", "dragon", "knight", "monkey", "robot", "skeleton", "snowman", "statue", "teddy bear",
    },
    "food item": {
        "apple", "avocado", "banana", "burger", "cake", "carrot", "cupcake", "donut", "milkshake",
        "mushroom", "pineapple", "pizza", "plate", "pumpkin", "sandwich", "watermelon",
    },
    "piece of furniture": {
        "armchair", "bed", "bench", "bookcase", "cabinet", "chair", "chest", "closet", "desk", "shelf",
        "sofa", "stool", "table", "trunk",
    },
    "plant": {"cactus", "flower", "flowerpot", "mushroom", "tree"},
    "vehicle": {
        "airplane", "bicycle", "boat", "bus", "car", "helicopter", "locomotive", "motorcycle", "rocket",
        "sailboat", "ship", "skateboard", "submarine", "tank", "tractor", "train", "truck", "van",
        "wheelbarrow", "wheelchair",
    },
    "airplane": {"helicopter"},
    "boat": {"sailboat", "ship", "submarine"},
    "bottle": {"jar"},
    "cabinet": {"closet", "chest"},
    "cake": {"cupcake"},
    "chair": {"armchair", "stool", "bench", "wheelchair"},
    "chest": {"trunk"},
    "box": {"chest", "crate", "trunk"},
    "car": {"van"},
    "cup": {"mug", "bowl"},
    "desk": {"table"},
    "gun": {"pistol", "rifle"},
    "lamp": {"lantern", "streetlight", "chandelier", "flashlight"},
    "locomotive": {"train"},
    "pot": {"flowerpot", "teapot", "kettle"},
    "ship": {"sailboat"},
    "shelf": {"bookcase"},
    "shoe": {"boot"},
    "tower": {"lighthouse", "windmill", "castle", "church"},
    "truck": {"van"},
}  # fmt: skip
NOTHING_KNOWN = {
    "",
    "unknown",
    "objects",
    "object",
    "models",
    "model",
    "assets",
    "glb",
    "glbs",
    "misc",
    "other",
}
UNKNOWN_M = 0.8
SAME = {
    "couch": "sofa",
    "trex": "dinosaur",
    "triceratops": "dinosaur",
    "plane": "airplane",
    "pug": "dog",
    "taxi": "car",
}


def noun_of(record: ObjectRecord) -> str:
    """The noun that people would use, without an article; empty if category and title do not tell it.

    The category is used if it is a known noun. Otherwise the title is, if it holds exactly one known noun: a
    "car wheel" may or may not be a car.
    """
    return _noun(record.category, record.title)


@lru_cache(100_000)
def _noun(category: str, title: str) -> str:
    category = _plain(category)
    if category in SIZES:
        return SAME.get(category, category)
    title = f" {_plain(title)} "
    found = {noun for noun in SIZES if f" {noun} " in title or f" {noun}s " in title}
    found = {
        SAME.get(noun, noun)
        for noun in found
        if not any(noun != other and noun in other.split() for other in found)
    }
    if len(found) == 1:
        return found.pop()
    return "" if found else GENERIC.get(category, ("", 0.0))[0]


def size_m(record: ObjectRecord) -> float:
    """The approximate length of the longest side of such a thing, in metres."""
    noun = noun_of(record)
    return SIZES.get(noun) or dict(GENERIC.values()).get(noun, UNKNOWN_M)


def might_be(record: ObjectRecord, noun: str) -> bool:
    """Whether a noun might also fit an object; an object without a known noun might be anything."""
    mine = noun_of(record)
    if not mine:
        return _plain(record.category) in NOTHING_KNOWN
    return mine == noun or mine in KINDS_OF.get(noun, ()) or noun in KINDS_OF.get(mine, ())


def _plain(text: str) -> str:
    """Lower case, with single spaces and without LVIS's explanations in brackets, as in "bow (weapon)"."""
    text = re.sub(r"\(.*?\)", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return " ".join(re.sub(r"[^a-z]+", " ", text).split())
