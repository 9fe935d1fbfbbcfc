"""Poses, frames, signs and visibility in numpy, over leading batch axes.

World: right-handed, +Z up. Cameras: OpenCV axes (x right, y down, z forward). Poses are 4x4
`world_from_camera`. Pixels: (0, 0) is the top left corner of the image, pixel centres at half integers.
"""
