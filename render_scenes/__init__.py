"""The only code that imports bpy. Runs as its own process: `python -m render_scenes`, JSON lines in and out.

Knows nothing of pairs, questions or datasets: it gets a file, cameras and lights as plain data, and returns
pictures, depth, albedo and the poses read back from Blender. Needs bpy, numpy and Pillow, no more, so that
the interpreter which renders can differ from the one which calls.
"""
