"""Services of other ecosystems that do the same cached read. One that cannot be built here is left out, by name."""

import pathlib
import shutil
import subprocess

INSTALL_SECONDS = 180
HERE = pathlib.Path(__file__).resolve().parent.parent / "peers"


def say(line):
    print(f"   {line}", flush=True)


def fastify(run):
    """The command of the Node service, before its port and product; None where it cannot run."""
    if not (shutil.which("node") and shutil.which("npm")):
        return say("Node fastify is left out: node and npm are not installed")
    folder = run.folder / "fastify"
    shutil.copytree(HERE / "fastify", folder, ignore=shutil.ignore_patterns("node_modules"))
    try:
        r = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return say(f"Node fastify is left out: npm ci took more than {INSTALL_SECONDS} s")
    if r.returncode != 0:
        return say(f"Node fastify is left out: npm ci failed: {r.stderr.strip().splitlines()[-1] if r.stderr.strip() else 'no reason given'}")
    return ["node", str(folder / "server.js")]


def go(run):
    if not shutil.which("go"):
        return say("Go net/http is left out: go is not installed")
    program = run.folder / "go-peer"
    r = subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / "go", capture_output=True, text=True)
    if r.returncode != 0:
        return say(f"Go net/http is left out: go build failed: {r.stderr.strip()[-300:]}")
    return [str(program)]


PEERS = {"Node fastify": fastify, "Go net/http": go}
