"""The contracts are well-formed, and what others rely on is not broken."""

import io
import shutil
import subprocess
import tarfile

import pytest

from conftest import ROOT, tool

CONTRACTS = ROOT / "contracts"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)


def commit(name):
    """The commit of that name when it has contracts, else None."""
    found = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").stdout.decode().strip()
    return found if found and git("cat-file", "-e", f"{found}:contracts/proto").returncode == 0 else None


def earlier():
    """What the working tree is compared with: main where this is something else, and else the commit before."""
    head, clean = commit("HEAD"), git("diff", "--quiet", "HEAD", "--", "contracts").returncode == 0
    for name in ("origin/main", "main"):
        found = commit(name)
        if found and (found != head or not clean):
            return found
    return commit("HEAD~1")


def test_buf_lint():
    done = subprocess.run([tool("buf"), "lint", str(CONTRACTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_buf_breaking(tmp_path):
    if shutil.which("git") is None or git("rev-parse", "--git-dir").returncode != 0:
        pytest.skip("buf breaking: this tree has no git history to compare with")
    base = earlier()
    if base is None:
        shallow = git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        pytest.skip("buf breaking: " + ("the clone is shallow; git fetch --unshallow brings the history" if shallow else "there is no earlier commit with contracts"))
    archive = git("archive", base, "contracts")
    assert archive.returncode == 0, archive.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path, filter="data")
    done = subprocess.run([tool("buf"), "breaking", str(CONTRACTS), "--against", str(tmp_path / "contracts")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"against {base[:12]}:\n{done.stdout}{done.stderr}"


def test_buf_breaking_finds_a_removed_field(tmp_path):
    """The check bites: a copy without one field is refused."""
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    file = tmp_path / "contracts/proto/bitvelocity/type/v1/money.proto"
    text = file.read_text()
    assert "int64 minor_units" in text
    file.write_text("\n".join(line for line in text.split("\n") if "int64 minor_units" not in line))
    done = subprocess.run([tool("buf"), "breaking", str(tmp_path / "contracts"), "--against", str(CONTRACTS)], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "minor_units" in done.stdout
