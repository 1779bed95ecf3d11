"""Runs a command in a limited address space: measured.py MIB COMMAND...

Writes its status, the milliseconds of processor that it took, and the most memory that it had, in MiB, to standard
output; what the command writes there goes to the file `out`."""
import resource
import subprocess
import sys


def limit():
    most = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


with open("out", "wb") as out:
    status = subprocess.run(sys.argv[2:], stdout=out, preexec_fn=limit, check=False).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, int(1000 * (usage.ru_utime + usage.ru_stime)), usage.ru_maxrss // 1024)
