"""Starting where something is in the way: a clear answer, and nothing left behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BINARY, alive, wait_for


def up(folder, *more, account=None):
    command = [BINARY, "up", "--port", "0", "--data-dir", str(folder), *more]
    if account:
        command = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd="/tmp", check=False)


def test_a_file_in_the_place_of_the_data_directory(tmp_path):
    (tmp_path / "data").write_text("")
    done = up(tmp_path / "data")
    assert done.returncode == 1 and "it is a file" in done.stderr and "--data-dir" in done.stderr


def test_a_data_directory_that_cannot_be_made():
    done = up("/proc/bitvelocity")
    assert done.returncode == 1 and "/proc/bitvelocity" in done.stderr and "--data-dir" in done.stderr


def test_a_data_directory_of_another_account(tmp_path):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to become another account")
    if subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BINARY, "--version"], capture_output=True, cwd="/tmp", check=False).returncode != 0:
        pytest.skip(f"the account nobody cannot run {BINARY}")
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.name.startswith("pytest"):
            parent.chmod(0o711)
    done = up(folder, account=65534)
    assert done.returncode == 1 and "Permission denied" in done.stderr and str(folder) in done.stderr


def test_a_full_disk():
    folder = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/bv-full-XXXXXX"], capture_output=True, text=True, check=True).stdout.strip())
    folder.chmod(0o711)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "bv-full", str(folder)], capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("needs root and mount for a small file system")
    try:
        done = up(folder / "data")
        assert done.returncode == 1 and "free" in done.stderr.lower() and "MB" in done.stderr, done
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_while_it_runs_is_survived(own_platform):
    """Not a place to be, but one to come back from: the service refuses, and goes on when there is room."""
    p = own_platform()
    if os.geteuid() != 0:
        pytest.skip("needs root and mount for a small file system")
    p.folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "bv-full", str(p.folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and mount for a small file system")
    try:
        p.start()
        shopper = p.shopper()
        filler = p.folder / "filler"
        with open(filler, "wb") as f:
            try:
                while True:
                    f.write(b"x" * (1 << 20))
                    f.flush()
            except OSError:
                pass
        statuses = set()
        for _ in range(5):
            try:
                p.shopper()
                statuses.add(200)
            except Exception as e:  # noqa: BLE001 - any answer will do, an end will not
                statuses.add(getattr(e, "status", type(e).__name__))
        filler.unlink()
        wait_for(lambda: p.client().session.get(p.url + "/readyz", timeout=10).status_code == 200, 60)
        assert shopper.get("/v1/accounts/me")["id"] == shopper.id
        wait_for(lambda: again(p), 60)
        assert p.run("verify").code == 0
    finally:
        p.stop()
        p.run("down")
        subprocess.run(["umount", "-l", str(p.folder)], check=False)


def again(p):
    try:
        return p.shopper()
    except Exception:  # noqa: BLE001 - until there is room again
        return None


@pytest.mark.parametrize("when", [0.3, 1.5, 3.0])
def test_ctrl_c_while_it_starts_leaves_nothing(own_platform, when):
    p = own_platform()
    p.folder.mkdir()
    process = subprocess.Popen([BINARY, "up", "--port", "0", "--data-dir", str(p.folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               stdin=subprocess.DEVNULL, start_new_session=True)
    time.sleep(when)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode in (0, 1, -signal.SIGINT), out
    mine = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    assert [line for line in mine.splitlines() if str(p.folder) in line and "ps -eo" not in line] == []
    assert p.start().client().get("/v1/products")  # and the next start is none the worse


def test_detached(own_platform):
    p = own_platform()
    done = p.run("up", "--port", "0", "--detach")
    assert done.code == 0 and "Ready" in done.out and "bv down" in done.out
    state = p.state()
    assert p.run("status").code == 0
    assert p.run("down").code == 0
    assert p.run("status").code == 3
    assert not alive(state["pid"])
