"""The only code that imports bpy. It runs as its own process: `python -m render_scenes`, JSON lines in and
out.

It knows nothing about pairs, questions or datasets: it gets a file, cameras and lights as plain data, and
returns pictures, depth, albedo and the poses read back from Blender. It needs only bpy, numpy and Pillow, so
that the interpreter which renders can differ from the one which calls it.
"""
