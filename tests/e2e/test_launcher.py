"""The launcher on machines that lack packages: apt, dpkg and sudo are scripts of this test, in a PATH of its own."""

import shutil
import subprocess

import pytest

from conftest import ROOT

# Programs of the machine that the launcher may use; anything else is not there.
REAL = ("awk", "bash", "basename", "cat", "chmod", "cp", "cut", "dirname", "env", "flock", "grep", "head", "mktemp", "mv", "nproc", "paste", "readlink", "rm", "sed", "sh",
        "tail", "touch")

FAKES = {
    "id": 'echo "$FAKE_UID"',
    "dpkg-query": 'for last; do :; done; grep -qx "$last" "$MACHINE/installed" && printf installed || exit 1',
    "apt-cache": '[ -f "$MACHINE/lists" ] && echo "$2 | 1 | somewhere"; exit 0',
    "sudo": 'echo "sudo $*" >>"$MACHINE/calls"; AS_ROOT=1 exec "$@"',
    # Nothing of the real machine's /etc is written.
    "mkdir": 'for a; do shift; case $a in /etc/*) a=$MACHINE$a;; esac; set -- "$@" "$a"; done; exec /bin/mkdir "$@"',
    "tee": 'for a; do shift; case $a in /etc/*) a=$MACHINE$a; /bin/mkdir -p "${a%/*}";; esac; set -- "$@" "$a"; done; exec /usr/bin/tee "$@"',
    "cmake": 'echo configured',
    "ninja": 'echo "ninja: no work to do."',
    "apt-get": r'''
        what= words=
        for a; do case $a in
            update|install|--assume-no) what="$what $a" ;;
            APT::Status-Fd=*) status=${a#*=} ;;
            -*|*::*) ;;
            *) words="$words $a" ;;
        esac; done
        echo "apt-get$what" >>"$MACHINE/calls"
        case $what in
            *assume-no*)
                printf 'Need to get 93.1 MB of archives.\nAfter this operation, 512 MB of additional disk space will be used.\nAbort.\n'
                exit 1 ;;  # as the real one does
        esac
        [ "$FAKE_UID" = 0 ] || [ -n "${AS_ROOT:-}" ] || { echo "E: are you root?" >&2; exit 100; }
        if [ -n "${status:-}" ]; then
            printf 'dlstatus:1:50.0000:Retrieving file 1 of 2\npmstatus:clang-19:20.0000:Unpacking clang-19\n' >&"$status"
            eval "exec $status>&-"  # as the real one does for what it starts
        fi
        case $what in
            *update*) [ ! -f "$MACHINE/no_network" ] || { echo "E: Failed to fetch: no route to host" >&2; exit 100; }
                      touch "$MACHINE/lists" "$MACHINE/fresh" ;;
            *install*)
                for n in 1 2 3 4 5 6 7 8 9; do echo "Selecting previously unselected package number-$n." || exit 100; done
                [ ! -f "$MACHINE/disk_full" ] || { echo "E: You don't have enough free space in /var/cache/apt/archives/." >&2; exit 100; }
                [ ! -f "$MACHINE/locked" ] || { echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)" >&2; exit 100; }
                [ ! -f "$MACHINE/lists_are_old" ] || [ -f "$MACHINE/fresh" ] || { echo "E: 404  Not Found: clang-19_1_amd64.deb" >&2; exit 100; }
                for w in $words; do echo "$w" >>"$MACHINE/installed"; done ;;
        esac''',
}


class Machine:
    def __init__(self, folder):
        self.folder, self.checkout, self.programs, self.uid = folder, folder / "checkout", folder / "bin", 0
        self.checkout.mkdir()
        self.programs.mkdir()
        shutil.copy(ROOT / "bv", self.checkout / "bv")
        for name in REAL:
            (self.programs / name).symlink_to(shutil.which(name))
        for name, text in FAKES.items():
            self.program(name, text)
        (folder / "installed").write_text("")
        (folder / "calls").write_text("")
        self.has("lists")

    def program(self, name, text):
        file = self.programs / name
        file.write_text(f"#!{shutil.which('bash')}\n{text}\n")
        file.chmod(0o755)

    def lacks(self, program):
        (self.programs / program).unlink()

    def has(self, what):
        (self.folder / what).touch()

    def run(self):
        environment = {"PATH": str(self.programs), "MACHINE": str(self.folder), "FAKE_UID": str(self.uid), "HOME": str(self.folder)}
        done = subprocess.run([shutil.which("bash"), str(self.checkout / "bv"), "build"], env=environment, capture_output=True, text=True, timeout=60, check=False)
        done.calls = (self.folder / "calls").read_text().splitlines()
        done.installed = (self.folder / "installed").read_text().split()
        done.log = self.checkout / "build/apt.log"
        return done


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_is_asked_of_apt_when_nothing_is_missing(machine):
    assert machine.run().returncode == 0
    (machine.folder / "calls").write_text("")
    again = machine.run()
    assert again.returncode == 0
    assert again.calls == []
    assert "Installing" not in again.stderr


def test_root_gets_what_is_missing_and_hears_how_large_it_is(machine):
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert {"clang-19", "postgresql-15", "libjemalloc-dev"} <= set(done.installed)
    assert done.calls == ["apt-get install --assume-no", "apt-get install"], "sizes first, and no update of lists that are there"
    assert "93.1 MB to download, 512 MB on disk" in done.stderr


def test_what_apt_and_dpkg_say_is_in_a_log_and_not_on_the_terminal(machine):
    done = machine.run()
    assert "Selecting" not in done.stderr + done.stdout
    assert done.stderr.count("installing") == 1, "one line of progress"
    assert "Selecting previously unselected package number-9." in done.log.read_text()
    assert "status:" not in done.log.read_text() + done.stderr


def test_an_account_with_sudo_gets_it_by_sudo(machine):
    machine.uid = 1000
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert "clang-19" in done.installed
    assert any(c.startswith("sudo env DEBIAN_FRONTEND=noninteractive") for c in done.calls)


def test_without_root_and_sudo_it_says_what_root_has_to_run(machine):
    machine.uid = 1000
    machine.lacks("sudo")
    done = machine.run()
    assert done.returncode == 1
    assert "As root, run: apt-get install --no-install-recommends clang-19 " in done.stderr
    assert done.calls == []


def test_a_machine_without_lists_reads_them_first(machine):
    (machine.folder / "lists").unlink()
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert done.calls == ["apt-get update", "apt-get install --assume-no", "apt-get install"]


def test_lists_that_are_weeks_old_are_read_again_once(machine):
    machine.has("lists_are_old")
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert done.calls == ["apt-get install --assume-no", "apt-get install", "apt-get update", "apt-get install"]
    assert "clang-19" in done.installed


@pytest.mark.parametrize("trouble,said", [
    ("disk_full", "the disk is full: the packages need 93.1 MB to download, 512 MB on disk"),
    ("locked", "another program installs packages at the moment"),
])
def test_a_failure_names_its_cause_the_last_lines_and_the_log(machine, trouble, said):
    machine.has(trouble)
    done = machine.run()
    assert done.returncode == 1
    assert said in done.stderr
    assert str(done.log) in done.stderr
    assert "  E: " in done.stderr, "what apt-get said last"
    assert len(done.stderr.splitlines()) < 30


def test_lists_that_cannot_be_read_are_told(machine):
    (machine.folder / "lists").unlink()
    machine.has("no_network")
    done = machine.run()
    assert done.returncode == 1
    assert "no route to host" in done.stderr
    assert "the package lists could not be read, and these packages are missing: clang-19" in done.stderr
    assert "apt-get install" not in done.calls


def test_a_system_without_apt_is_told_what_is_missing(machine):
    machine.lacks("apt-get")
    done = machine.run()
    assert done.returncode == 1
    assert "there is no apt-get to install them: clang-19 lld-19" in done.stderr


@pytest.mark.parametrize("words,asked", [("--with vault", True), ("--with=redis,vault", True), ("-d --with redis --with vault", True), ("--with redis --set vault.address=https://v", False),
                                         ("--set stack.with=redis --with-vault", False)])
def test_only_with_builds_vault(words, asked):
    """Half an hour of work is not begun because a setting has the word in it."""
    function = subprocess.run(["sed", "-n", "/^asks_for/,/^}/p", ROOT / "bv"], capture_output=True, text=True, check=True).stdout
    done = subprocess.run(["bash", "-c", function + '\nasks_for vault "$@"', "bv", "up", *words.split()], check=False)
    assert done.returncode == (0 if asked else 1)
