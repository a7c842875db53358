"""The compiled path: every function that looks at each frame or packet, as plain loops.

Each module here stands alone: a cached kernel is not compiled anew when another file changes, so
none calls into another file. Importing one loads numba, which takes its time; only captures large
enough to repay that do (auditor.engine). All of it has a twin in plain Python that gives the same
results: auditor.capture, auditor.decode and auditor.flows without this package.
"""
