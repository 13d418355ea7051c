"""Runs a command and says how long it took, how much memory it had at most, and how it ended.

    python -I -S launch.py ANSWER COMMAND…

Writes JSON to the file ANSWER: seconds, CPU seconds, peak bytes, exit code. A process of its own, and a small
one, since Linux counts the memory of a child from what its parent had at that moment (getrusage(2), ru_maxrss
is kept over execve). Only the standard library may be used here, and as little of it as will do.
"""

import json
import os
import sys
import time


def main() -> None:
    answer, command = sys.argv[1], sys.argv[2:]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    result = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    with open(answer, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost more than all else here
        json.dump(result, file)


if __name__ == "__main__":
    main()
