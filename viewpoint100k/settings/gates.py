"""What may be asked: `gates`."""

from viewpoint100k.settings.fields import InnerShare, Range, Ratio, Section, Share, Step, Turn, setting


class GateConfig(Section):
    """When an object, a rendered view or a pair is not used, and when a question is not asked.

    A `*_grey` setting is a grey band. What is at most its lower end counts as nothing, what is at least its
    upper end counts as clear; in between, people would disagree, and nothing is asked.
    """

    min_thickness: float = setting(0.03, "ratio", ge=0, lt=1)
    """Thinnest over widest direction of the object. Below, it is flat as paper and has no sides."""
    min_main_part: float = setting(0.55, "share of the surface", ge=0, le=1)
    """How much of the object hangs together. Below, it is several things rather than one; not applied to
    scenes."""
    max_slab: float = setting(0.6, "share of the footprint", ge=0, le=1)
    """How much of what the object covers is bare floor around it. Above, it is something small on a slab of
    ground; not applied to scenes."""
    min_asymmetry: float = setting(0.06, "mean difference, 0 to 1", ge=0, lt=1)
    """How much the object differs from itself when turned about the vertical. Below, it is symmetric; of 111
    real objects, the default finds all 13 that a person called so, and one other."""
    min_opacity: float = setting(0.5, "mean alpha, 0 to 1", ge=0, le=1)
    """How opaque the object is where it is seen. Below, one sees more of the background than of the
    object."""
    min_object_share: float = setting(0.005, "share of the picture", ge=0, lt=1)
    """How much of the picture the object fills. Below, it is a speck: at 512 pixels about 36 x 36."""
    max_border_share: float = setting(0.002, "share of the picture's border", ge=0, le=1)
    """How much of the border shows the object. Above, it is cut off; the default forgives 4 pixels at 512."""
    luminance: Share = setting(Range(low=0.02, high=0.97), "mean luminance, 0 to 1 as displayed")
    """How bright the object may be on average. Outside, it is too dark or too bright to see its shape."""
    max_clipped: float = setting(0.6, "share of the object", ge=0, le=1)
    """How much of the object may be entirely black, or entirely white. Above, most of its surface shows
    nothing."""
    min_contrast: float = setting(0.012, "standard deviation of luminance, 0 to 1", ge=0)
    """How much brightness varies over the object. Below, it is one flat colour; 0.012 is 3 of 256 grey
    levels."""
    min_from_background: float = setting(0.04, "mean difference of colour, 0 to 1", ge=0, lt=1)
    """How much the object differs from the background it hides. Below, it can hardly be made out; 0.04 is 10
    of 256 levels."""
    min_covisible_fraction: float = setting(0.10, "share of the surface", ge=0, lt=1)
    """How much of the object's visible surface both views share. Below, too little is common to both for
    comparing them."""
    min_decidability: float = setting(0.03, "mean difference, 0 to 1", ge=0, lt=1)
    """How different the second picture would be if a wrong answer were true. Below, the question is not
    asked; symmetric objects come out below 0.026 (docs/conventions.md)."""
    exact_share: float = setting(0.05, "share of objects", ge=0, le=1)
    """Objects for which the views that wrong answers imply are really rendered and compared. Few, because
    that costs extra renders and agrees closely with the estimate."""
    min_part_pixels: int = setting(400, "pixels of a 512 x 512 picture", ge=1)
    """How large an object of a scene must be for questions to speak of it; scaled with the size of the
    picture. 400 is 20 x 20."""
    min_part_visible: float = setting(0.4, "share of its pixels", ge=0, le=1)
    """How much of an object of a scene must be seen, of what would be if it were alone, for questions to
    speak of it. Below, it can hardly be told."""
    min_parts: int = setting(2, "objects", ge=1, le=7)
    """How many objects in each view of a scene questions must be able to speak of. Two, because questions
    compare objects."""
    min_change: float = setting(0.08, "mean difference, 0 to 1", ge=0, le=1)
    """How much the picture shows of what happened in a scene. Below, a person could overlook it."""
    truck_grey: Step = setting(Range(low=0.02, high=0.25), "distances to the object")
    """Grey band of moves sideways, up and down. A quarter of the distance is clear whatever else the camera
    does."""
    dolly_grey: Step = setting(Range(low=0.02, high=0.15), "distances to the object")
    """Grey band of moves forward and back. It ends lower than `truck_grey`, so that short moves can be asked
    about, which the object's size gives away less."""
    yaw_grey_deg: Turn = setting(Range(low=1, high=10), "degrees")
    """Grey band of turns left and right. One degree cannot be seen; ten shift the object by a seventh of the
    picture."""
    azimuth_grey_deg: Turn = setting(Range(low=1, high=15), "degrees")
    """Grey band of the way around the object. Wider than `yaw_grey_deg`, because it must show in the object
    itself."""
    tilt_grey_deg: Turn = setting(Range(low=1, high=8), "degrees")
    """Grey band of tilt, roll and the change of elevation. It ends lower than `yaw_grey_deg`, because a
    difference against the horizontal is noticed sooner."""
    size_grey: Ratio = setting(Range(low=1.03, high=1.15), "ratio")
    """Grey band of the ratio of two distances or two focal lengths. Three per cent cannot be seen, fifteen
    can."""
    min_chirality: float = setting(0.06, "mean difference, 0 to 1", ge=0, lt=1)
    """How much the object differs from its mirror image, however turned. Below, it is not asked whether a
    picture is mirrored; as for `min_asymmetry`."""
    front_sector_deg: float = setting(45.0, "degrees", gt=0, le=90)
    """How far to either side of the object's front or back the first camera may stand for the object's own
    left and right to be asked about. Seen from further to the side, these are nearer and farther instead."""
    min_pixels: int = setting(200, "pixels", ge=1)
    """How large the object must be in both pictures, at any resolution, for questions about its sides or
    hidden points. Sides are then off by at most 0.07 of its pixels in 95 of 100 pictures, less than
    `side_grey` is wide."""
    side_grey: Share = setting(Range(low=0.05, high=0.15), "share of the object's pixels")
    """Grey band of how much one sees of a side of the object. Below it the side is hidden, above it shown."""
    min_covisible_for_size: float = setting(0.25, "share of the surface", ge=0, lt=1)
    """How much of the surface both views must share for it to be asked how far around the camera went, or
    whether a picture is mirrored. With less, one could only guess."""
    min_axis_share: float = setting(0.5, "share of the largest step", gt=0, le=1)
    """How large a step along one axis must be, beside the step along any other, for questions about it. A
    smaller one hardly shows beside the larger one, which people would name instead."""
    min_nearer_share: float = setting(0.5, "share of the step", ge=0, le=1)
    """How much of a step forward or back must change the distance to the object. With less, the camera passes
    the object or goes around it, and people judge by the distance."""
    min_motion_share: float = setting(0.7, "share of all motion", gt=0.5, le=1)
    """How much of all motion must be of one kind for the question which motion it was. With less, another one
    would be an answer too."""
    bin_grey: float = setting(0.2, "share of an angle", gt=0, lt=0.35)
    """How far, in proportion, an angle around the object must be from where two of the angles to choose from
    are equally near. With a fifth, 20 and 45 degrees are never mistaken for each other."""
    composed_bin_grey: float = setting(0.15, "share of an angle", gt=0, lt=0.3)
    """The same for the angle that two motions make together. Lower, because only two angles are to choose
    from."""
    min_dots_apart: float = setting(0.06, "sides of the picture", gt=0, lt=0.5)
    """How far apart dots must be. At 512 pixels 31, four times the size of a dot."""
    min_dotted_box: float = setting(0.15, "sides of the picture", ge=0, lt=1)
    """How large the object must be for a dot to mark whether a place can be seen. On a smaller one the dot
    hides what it marks."""
    min_map_turn_deg: float = setting(20.0, "degrees", gt=0, lt=90)
    """How far around the object from the first camera the right one on a map must be. Nearer, both are drawn
    as one."""
    min_map_apart_deg: float = setting(35.0, "degrees", gt=0, lt=72)
    """How far apart all cameras on a map must be. Closer ones could not be told apart by the pictures."""
    min_step_deg: float = setting(20.0, "degrees", ge=15, lt=60)
    """How far around the object neighbouring views of a set must be from each other for questions about the
    set. Closer ones look alike."""
    max_off_tens_deg: float = setting(3.5, "degrees", gt=0, lt=5)
    """How far a motion that a question gives in tens of degrees may be from these tens. Larger differences
    show in the picture."""
    max_off_level_deg: float = setting(6.0, "degrees", gt=0, lt=20)
    """How much a camera may rise or sink on a way that a question says leads around the object, and how far
    it may go around on one that is said to lead up."""
    scene_side: float = setting(0.07, "radii of the scene", gt=0, lt=1)
    """How much further right an object must stand than another for questions about left and right. Less could
    be mistaken in the picture."""
    scene_across: float = setting(0.05, "widths of the picture", gt=0, lt=1)
    """How much further right it must be in the picture. At 512 pixels 26."""
    scene_imagined_side: float = setting(0.15, "radii of the scene", gt=0, lt=1)
    """As `scene_side`, for where the camera would be after a move. More, because nobody sees it."""
    scene_before: float = setting(0.2, "radii of the scene", gt=0, lt=1)
    """How much deeper an object must stand than another to be asked about as behind it. Less is hard to see
    along the line of sight."""
    scene_closer: float = setting(1.15, "ratio", gt=1, lt=10)
    """How much farther from the camera one of two objects must be for the question which is closer. Fifteen
    per cent can be seen by where they stand on the floor."""
    scene_taller: float = setting(1.2, "ratio", gt=1, lt=10)
    """How much taller one of two objects must be. More than `scene_closer`, because distance must be reckoned
    with too."""
    scene_nearer: float = setting(1.25, "ratio", gt=1, lt=10)
    """How much farther from a third object one of two must stand for the question which is nearer to it. More
    than `scene_closer`, because distances over the floor are foreshortened."""
    scene_sector_deg: float = setting(20.0, "degrees", gt=0, lt=45)
    """How far a direction must be from the line between ahead and behind, and from that between left and
    right, for somebody who stands at an object."""
    scene_facing_deg: float = setting(15.0, "degrees", gt=0, lt=45)
    """How far the way that an object faces must be from halfway between two of four directions. With 15, it
    faces within 30 degrees of one of them."""
    scene_turn_deg: float = setting(12.5, "degrees", gt=0, lt=22.5)
    """How far a turn must be from halfway between two of the turns to choose from. With 12.5, it is within 10
    degrees of one; 60 and 75 degrees look alike on the ground."""
    scene_hidden: InnerShare = setting(Range(low=0.85, high=0.99), "share of the object that can be seen")
    """Grey band of whether another object hides a part of this one: up to its lower end it does, from its
    upper end on nothing does."""
    scene_shown: InnerShare = setting(Range(low=0.2, high=0.6), "share of the object that can be seen")
    """Grey band of whether a picture shows an object that others may hide: up to its lower end it is hidden,
    from its upper end on it is shown."""
    max_uncounted: float = setting(0.02, "share of the object that can be seen", ge=0, lt=1)
    """How much may be seen of an object that is not counted because nobody would notice it."""
    scene_moved: float = setting(0.15, "radii of the scene", gt=0, lt=2)
    """How far an object must have moved for questions about what moved."""
    scene_turned_deg: float = setting(25.0, "degrees", gt=0, le=180)
    """How far an object must have turned on the spot for questions about it. A smaller turn hardly shows."""
    camera_still: Step = setting(Range(low=0.02, high=0.1), "world units")
    """Grey band of a camera's way between two pictures of a scene, whose radius is 0.5 units: up to its lower
    end the camera stood still."""
    camera_still_deg: Turn = setting(Range(low=1, high=5), "degrees")
    """Grey band of a camera's turn between two pictures of a scene. One degree cannot be seen, five shift the
    picture by a twelfth."""


def widened(gates: GateConfig, turn_deg: float, move: float) -> GateConfig:
    """The same gates for a pair with uncertain poses: its grey bands are wider by that at both ends.

    Args:
        turn_deg: how far angles may be off.
        move: how far lengths over the distance to the object may be off.
    """

    def wider(band: Range, by: float) -> Range:
        return Range(low=max(band.low - by, 1e-9), high=band.high + by)

    size = Range(low=max(gates.size_grey.low / (1 + move), 1 + 1e-9), high=gates.size_grey.high * (1 + move))
    return gates.model_copy(
        update={
            "truck_grey": wider(gates.truck_grey, move),
            "dolly_grey": wider(gates.dolly_grey, move),
            "yaw_grey_deg": wider(gates.yaw_grey_deg, turn_deg),
            "azimuth_grey_deg": wider(gates.azimuth_grey_deg, turn_deg),
            "tilt_grey_deg": wider(gates.tilt_grey_deg, turn_deg),
            "size_grey": size,
        }
    )
