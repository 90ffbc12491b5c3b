"""Instructions that a process executes, counted by callgrind: the same on a busy machine and on an idle one."""

import pathlib
import re
import subprocess
import time

from lib.environment import CannotMeasure, ensure


def stripped(folder, program):
    """A copy without debug information, which valgrind 3.19 cannot read as clang 19 writes it."""
    copy = pathlib.Path(folder) / (pathlib.Path(program).name + ".stripped")
    if not copy.exists():
        subprocess.run(["llvm-strip-19", "--strip-debug", "-o", str(copy), str(program)], check=True)
    return str(copy)


class Counter:
    """For one process: put `command` in front of its own, then count what it does for some work."""

    def __init__(self, folder):
        ensure("valgrind")
        self.file = pathlib.Path(folder) / "callgrind.out"
        self.file.parent.mkdir(exist_ok=True)
        self.file.parent.chmod(0o777)  # what the platform forks and runs as PostgreSQL's account writes there too
        self.command = ["valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no", f"--callgrind-out-file={self.file}.%p"]
        self._dumps = 0

    def begin(self, pid):
        """From now on it counts; until then the process is several times as fast."""
        self._control("-i=on", pid)

    def of(self, pid, work):
        """(instructions, seconds) that the process spends while work() runs."""
        self._control("-z", pid)
        begun = time.monotonic()
        work()
        took = time.monotonic() - begun
        self._control("-d", pid)
        self._dumps += 1
        dump = self.file.with_name(f"{self.file.name}.{pid}.{self._dumps}")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = re.findall(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE) if dump.exists() else []
            if found:
                # A process of several threads has a part for each.
                return sum(int(n) for n in re.findall(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)) or int(found[-1]), took
            time.sleep(0.1)
        raise CannotMeasure(f"callgrind wrote no {dump.name}")

    def _control(self, what, pid):
        r = subprocess.run(["callgrind_control", *what.split("="), str(pid)], capture_output=True, text=True)
        if r.returncode != 0 or "OK" not in r.stdout:
            raise CannotMeasure(f"callgrind_control {what}: {r.stdout[-200:]} {r.stderr[-200:]}")


def of_command(folder, command):
    """Instructions of a whole run of a program."""
    ensure("valgrind")
    file = pathlib.Path(folder) / "callgrind.once"
    r = subprocess.run(["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={file}", stripped(folder, command[0]), *command[1:]], capture_output=True, text=True)
    found = re.findall(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE) if file.exists() else []
    if r.returncode != 0 or not found:
        raise CannotMeasure(f"callgrind with {' '.join(command)}: {r.stderr[-300:]}")
    return int(found[-1])
