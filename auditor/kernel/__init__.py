"""The compiled path: every function that looks at each frame or packet, as plain loops.

Importing one loads numba, which takes its time; only captures large enough to repay that do
(auditor.engine). All of it has a twin in plain Python that gives the same results: auditor.capture,
auditor.decode and auditor.flows without this package. Whatever changes here compiles all of it
anew (jit.py): kernels may call into each other's files.
"""
