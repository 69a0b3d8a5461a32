"""Starts processes one after another and measures them from outside.

Each line of the input is a JSON object {"argv", "env", "cwd", "out", "err"}. Each line of the output is its result: the
wall time from just before the start to the end, the processor time, and the peak memory. The kernel counts the last two
and returns them with the exit status (wait4), so nothing watches the process while it runs.

Peak memory is that of the largest process: the started one, or one of its children that it waited for.
"""

import json
import os
import sys
import time

for line in sys.stdin:
    job = json.loads(line)
    os.chdir(job["cwd"])
    into = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, job["out"], into, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, job["err"], into, 0o600),
    ]
    started = time.monotonic_ns()
    process = os.posix_spawn(job["argv"][0], job["argv"], job["env"], file_actions=streams)
    _, status, usage = os.wait4(process, 0)
    ended = time.monotonic_ns()
    answer = {
        "wall": (ended - started) / 1e6,
        "cpu": (usage.ru_utime + usage.ru_stime) * 1e3,
        "peak": usage.ru_maxrss / 1024,
        "code": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(answer), flush=True)
