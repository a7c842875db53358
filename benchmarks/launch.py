"""Run one command and print what it took: wall s, CPU s, peak KiB, exit status.

    python -I -S launch.py COMMAND...

It imports next to nothing on purpose. A new process counts the memory of the one that started it
as its own peak until it is replaced, so whoever measures memory must be small.
"""

import os
import sys
import time

_KIB = 1024 if sys.platform == "darwin" else 1

environment = dict(os.environ)
# An installed program has its modules compiled; with this they would be anew at every start.
environment.pop("PYTHONDONTWRITEBYTECODE", None)
begun = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], environment)
_, status, used = os.wait4(child, 0)
took = time.perf_counter() - begun
print(
    "launched", took, used.ru_utime + used.ru_stime, used.ru_maxrss // _KIB,
    os.waitstatus_to_exitcode(status), file=sys.stderr,
)  # fmt: skip
