"""Which views are planned: `plan`, with its motions and scenes."""

from pydantic import model_validator

from viewpoint100k.settings.fields import (
    FieldOfView,
    HalfAngle,
    Range,
    Ratio,
    Section,
    Slope,
    Step,
    Turn,
    setting,
)


class MotionShares(Section):
    """In what share of the pairs the camera does what.

    Each is drawn independently, so that none answers for another.
    """

    right: float = setting(0.85, "share of pairs", ge=0, le=1)
    """The camera moves sideways, to the right as often as to the left. High, like `yaw`: only a camera that
    both moves and turns can shift the object against what one would expect."""
    up: float = setting(0.65, "share of pairs", ge=0, le=1)
    """The camera moves up or down. High, like `pitch`: only a camera that does both can shift the object up
    or down against what one would expect."""
    forward: float = setting(0.5, "share of pairs", ge=0, le=1)
    """The camera moves forward or back. In half of the pairs, so that it is as likely as not."""
    yaw: float = setting(0.85, "share of pairs", ge=0, le=1)
    """The camera turns left or right. High for the reason given at `right`."""
    pitch: float = setting(0.65, "share of pairs", ge=0, le=1)
    """The camera tilts up or down. High for the reason given at `up`."""
    roll: float = setting(0.35, "share of pairs", ge=0, le=1)
    """The camera rolls about its line of sight. In about a third of the pairs: enough to ask about, while
    most pictures stay upright."""
    zoom: float = setting(0.4, "share of pairs", ge=0, le=1)
    """The second picture is taken through another lens. The question states both lenses, and often enough for
    them not to tell where the camera went."""
    orbits: float = setting(0, "share of pairs", ge=0, le=1)
    """Plain orbits around the object, in place of all the above. None by default: in an orbit, moving
    sideways and turning always go together, so that one answers for the other."""


class ScenesConfig(Section):
    """How scenes of several objects are composed. Lengths are over the scene's radius.

    In the preset `scenes`.
    """

    fewest: int = setting(3, "objects", ge=2, le=7)
    """Fewest objects in a scene. With two, there is nothing to compare a third with."""
    most: int = setting(6, "objects", ge=2, le=7)
    """Most objects in a scene. More hide each other and become small in the picture."""
    gap: float = setting(0.05, "scene radii", ge=0.01, le=0.5)
    """Least distance between the outlines of any two objects on the ground. Small but visible, so that
    objects never touch."""
    largest_over_smallest: float = setting(2.0, "ratio", ge=1, le=4)
    """Largest size over smallest in a scene. True ratios are compressed into this, so that a mug can be seen
    beside a car."""
    events: float = setting(0.0, "share of pairs", ge=0, le=1)
    """One object moves, turns, appears or vanishes between the two views. None unless asked for; the preset
    `scenes` asks for it."""
    still_events: float = setting(0.5, "share of pairs with an event", ge=0, le=1)
    """The camera stays where it is while something happens. In half of them, so that an event does not tell
    whether the camera moved."""
    still: float = setting(0.1, "share of pairs without an event", ge=0, le=1)
    """Nothing happens at all and the camera stays. Some such pairs are needed for the answer that nothing
    changed to be true at times."""
    move: Step = setting(Range(low=0.25, high=0.7), "scene radii")
    """How far an object moves in an event. Questions need 0.15; the default is clearly more."""
    turn_deg: Turn = setting(Range(low=40, high=140), "degrees")
    """How far an object turns about the vertical in an event. Questions need 25; the default is clearly
    more."""

    @model_validator(mode="after")
    def _ordered(self) -> "ScenesConfig":
        if self.fewest > self.most:
            raise ValueError(f"fewest = {self.fewest} is above most = {self.most}")
        return self


class PlanConfig(Section):
    """Which cameras look at each object, and how pairs are made of them."""

    pairs_per_object: int | None = setting(None, "pairs", ge=1, le=60)
    """Pairs made in one visit to an object. null: 6 for a scene; 12 for objects that are downloaded, since
    each costs time; and for a folder 4 to 12, so that all its objects are used."""
    sets: bool = setting(False, "yes or no")
    """Make samples of four views, in arcs and stars around the object, instead of pairs. They have questions
    of their own; the preset `viewpoint-sets` turns this on."""
    scenes: ScenesConfig | None = setting(None, "section")
    """Put several objects together in each picture, as the section `plan.scenes` says. null: each object by
    itself. The preset `scenes` turns this on."""
    both_orders: float = setting(0.1, "share of pairs", ge=0, le=1)
    """The pair is also asked about from the second view to the first. A tenth suffices to measure whether a
    model answers consistently, and costs few near-duplicates."""
    pairs_per_view: int = setting(4, "pairs", ge=1)
    """Most pairs that share a view, counting a pair in both orders twice. Shared views save rendering; more
    would repeat the same pictures too often."""
    motions: MotionShares = MotionShares()
    orbit_deg: Turn = setting(Range(low=20, high=100), "degrees")
    """How far around the object a camera goes that keeps turning back to it. The default is that of the
    paper."""
    move: Step = setting(Range(low=0.265, high=0.34), "distances to the object")
    """How far a camera moves sideways or vertically without an orbit. Questions need 0.25
    (`gates.truck_grey`); more would move the object out of the picture."""
    dolly: Step = setting(Range(low=0.17, high=0.26), "distances to the object")
    """How far a camera moves forward or back. Questions need 0.15 (`gates.dolly_grey`); more would let the
    object's size alone tell the answer."""
    pan_deg: Turn = setting(Range(low=10.5, high=14), "degrees")
    """How far a camera turns left or right without an orbit. Questions need 10 (`gates.yaw_grey_deg`); more
    would turn the object out of the picture."""
    tilt_deg: Turn = setting(Range(low=8.5, high=12), "degrees")
    """How far a camera tilts up or down. Questions need 8 (`gates.tilt_grey_deg`); more would tilt the object
    out of the picture."""
    roll_deg: Turn = setting(Range(low=9, high=20), "degrees")
    """How far a camera rolls. Questions need 8 (`gates.tilt_grey_deg`); a roll hardly moves the object, so it
    may be larger than a tilt."""
    zoom: Ratio = setting(Range(low=1.4, high=1.7), "ratio of focal lengths")
    """How much longer or shorter the other lens is. It changes the object's size by more than a move forward
    does, so that growth does not tell one from the other."""
    still_deg: float = setting(0.5, "degrees", ge=0, le=1)
    """Largest turn of a camera that is meant not to turn. Too small to see, and half of what questions still
    count as none (`gates.yaw_grey_deg`)."""
    elevation_deg: Slope = setting(Range(low=6, high=38), "degrees above the horizontal")
    """From how high the first camera looks at the object. Lower, no top can be seen; higher, left and right
    lose their meaning."""
    lowest_deg: float = setting(-8.0, "degrees above the horizontal", ge=-60, le=30)
    """How low a motion may lead a camera. Where the object is seen to stand on something, never below 3
    degrees: a camera would look from under the floor."""
    hfov_deg: FieldOfView = setting(Range(low=60, high=70), "degrees, the full horizontal angle")
    """Field of view. Wide, so that an object that several motions shift stays in the picture."""
    half_angle_deg: HalfAngle = setting(Range(low=10, high=20), "degrees")
    """Half the angle under which the camera sees the object; it sets the distance. The range is wide, so that
    the object's size tells little about a move forward or back."""
    aside: float = setting(0.6, "share of the room there is", ge=0, le=1)
    """How far from the middle of the first picture the object may be, where 1 is as far as it can go without
    being cut off. The default varies its place and leaves room for motions."""
    overturn_deg: float = setting(12.0, "degrees", ge=0, le=30)
    """How much too far, or not far enough, a camera at most turns back to the object after moving around it
    or past it. With 0 the object would stay put in the picture, and its shift would tell the motion."""
    aim_jitter_deg: float = setting(4.0, "degrees", ge=0, le=15)
    """How far plain orbits and sets of views look past the object, at random. Without it the object would
    always be in the same place."""
    elevation_jitter_deg: float = setting(4.0, "degrees", ge=0, le=15)
    """How much plain orbits and arcs of views rise or fall, at random. Small, so that the way around the
    object stays the main motion."""
    distance_jitter: float = setting(0.08, "distances to the object", ge=0, le=0.3)
    """How much plain orbits and sets of views come nearer or go away, at random. Too little to count as a
    move forward or back (`gates.dolly_grey`)."""
    roll_jitter_deg: float = setting(2.0, "degrees", ge=0, le=10)
    """How far cameras are rolled without being asked to. As little as in a photograph taken by hand, and too
    little to count as a roll (`gates.tilt_grey_deg`)."""
    max_rounds: int = setting(6, "visits", ge=1)
    """How often an object may be visited with new views. Replaces pairs that fail a gate, without trying a
    hopeless object forever."""
    validation_share: float = setting(0.1, "share of pairs", ge=0, lt=0.5)
    """Pairs of the validation split, whose objects are in no other split. A tenth is usual; with fewer than
    10 objects (40 for scenes) all pairs are for training."""
    test_share: float = setting(0.1, "share of pairs", ge=0, lt=0.5)
    """Pairs of the test split, whose objects are in no other split. As for validation."""
