"""Applies the mutations of mutants.py one at a time, builds, and lets the simulation look for what each breaks, or the test that a mutation names.

The sources are copied to build/mutants/tree, which has a build directory of its own. Where the kernel lets us, the copy is mounted over the
repository in a namespace of this process, so that every path is the same and ccache serves the first build.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from mutants import MUTANTS

ROOT = pathlib.Path(os.environ.get("BV_ROOT", pathlib.Path(__file__).resolve().parents[2]))
TREE = ROOT / "build/mutants/tree"
INSIDE = "BV_MUTANTS_INSIDE"  # where the copy is seen, once the mount is made


def copy_sources() -> None:
    """What git would commit, with times kept, so that a second run compiles what has changed only."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    wanted = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        source, target = ROOT / name, TREE / name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(source.stat().st_mode)
    for path in [p for p in TREE.rglob("*") if p.is_file()]:
        name = str(path.relative_to(TREE))
        if name not in wanted and not name.startswith("build/"):
            path.unlink()


def enter_namespace(arguments: list[str]) -> None:
    """Runs this program again with the copy mounted at ROOT; in the copy itself where that is not allowed."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    command = f'mount --make-rprivate / && mount --bind "{TREE}" "{ROOT}" && cd "{ROOT}" && exec "$@"'
    again = [sys.executable, str(ROOT / "tests/mutants/run.py"), *arguments]
    if subprocess.run([*unshare, "sh", "-c", command, "sh", "true"], capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = str(ROOT)
        os.execvp(unshare[0], [*unshare, "sh", "-c", command, "sh", *again])
    os.environ[INSIDE] = str(TREE)


def build(tree: pathlib.Path, log: pathlib.Path, targets: set[str]) -> bool:
    folder = tree / "build/release"
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder / "CMakeCache.txt"
    if cache.exists() and f"CMAKE_HOME_DIRECTORY:INTERNAL={tree}\n" not in cache.read_text():
        shutil.rmtree(folder)
    with log.open("w") as out:
        if not (folder / "build.ninja").exists():
            if subprocess.run(["cmake", "--preset", "release"], cwd=tree, stdout=out, stderr=out, check=False).returncode != 0:
                return False
        return subprocess.run(["ninja", "-C", str(folder), *sorted(targets)], stdout=out, stderr=out, check=False).returncode == 0


def target_of(m) -> str:
    return m.test[0] if m.test else "bitvelocity"


def run_test(m, tree: pathlib.Path) -> str:
    """What became of the test: "passed", "failed", "no end", or why it says nothing."""
    program = next(p for p in (tree / "build/release").rglob(m.test[0]) if p.is_file())
    try:
        done = subprocess.run([str(program), f"--gtest_filter={m.test[1]}"], cwd=tree, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return "no end"
    if done.returncode != 0:
        return "failed"
    return "passed" if "[  PASSED  ] 0 tests" not in done.stdout and "[  SKIPPED ]" not in done.stdout else "it was skipped or is not there"


def simulate(tree: pathlib.Path, seeds: int, jobs: int, plan: str = "") -> tuple[str, str]:
    """(what was broken, by which seed); ("", "") when everything held. With a plan: that plan under as many schedules."""
    command = [str(tree / "build/release/app/bitvelocity"), "sim", "--seeds", str(seeds), "--jobs", str(jobs), "--until-broken", "--shrink", "0", "--json"]
    if plan:
        command += ["--plan", str(tree / "sim/regressions" / plan)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    except subprocess.TimeoutExpired:
        return "no end", "-"
    if done.returncode < 0 or done.returncode > 1:
        return "an assertion", "-"
    found = json.loads(done.stdout)
    if found["holds"]:
        return "", ""
    first = found["broken"][0]
    return ", ".join(sorted({v["invariant"] for v in first["violations"]})), str(first["seed"])


def try_mutant(m, tree: pathlib.Path, seeds: int, jobs: int) -> str:
    """One line of the table; begins with the verdict."""
    path = tree / m.file
    text = path.read_text(encoding="utf-8")
    if text.count(m.find) != 1:
        return f"ERROR     {m.name:<52} its text stands in {m.file} {text.count(m.find)} times"
    log = tree / f"build/{m.name}.log"
    path.write_text(text.replace(m.find, m.replace), encoding="utf-8")
    try:
        if not build(tree, log, {target_of(m)}):
            return f"ERROR     {m.name:<52} does not compile: {log}"
        if m.test:
            became = run_test(m, tree)
            return f"{'killed   ' if became in ('failed', 'no end') else 'SURVIVED '} {m.name:<52} {m.test[0]} {m.test[1]}: {became}"
        broken, seed = simulate(tree, seeds, jobs)
        kept = [plan for plan in m.plans if not simulate(tree, 40, jobs, plan)[0]]
    finally:
        path.write_text(text, encoding="utf-8")
    if not broken:
        return f"SURVIVED  {m.name:<52} {seeds} seeds, nothing broken"
    if kept:
        return f"SURVIVED  {m.name:<52} {', '.join(kept)}: 40 schedules, nothing broken"
    expected = not m.catches or any(c in broken for c in m.catches)
    return f"killed    {m.name:<52} seed {seed:>4}: {broken}" + ("" if expected else f" (expected {', '.join(m.catches)})")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./bv test mutants --", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these; * stands for anything")
    parser.add_argument("--seeds", type=int, default=1200, help="how long to look before a mutant counts as survived (default: 1200)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="only show what there is")
    flags = parser.parse_args()
    chosen = [m for m in MUTANTS if not flags.names or any(fnmatch.fnmatch(m.name, n) for n in flags.names)]
    if not chosen:
        print(f"no mutant is called {' or '.join(flags.names)}; ./bv test mutants -- --list shows all", file=sys.stderr)
        return 2
    if flags.list:
        for m in chosen:
            print(f"{m.name:<52} {m.file:<60} {' '.join(m.test) or ', '.join(m.catches)}{'; real: ' + m.real if m.real else ''}")
        return 0
    if INSIDE not in os.environ:
        copy_sources()
        enter_namespace(sys.argv[1:])
    tree = pathlib.Path(os.environ[INSIDE])
    print("building the code as it is", flush=True)
    if not build(tree, tree / "build/unchanged.log", {target_of(m) for m in chosen}):
        print(f"the code as it is does not build: {tree}/build/unchanged.log", file=sys.stderr)
        return 2
    # A test that fails as it is, or does not run here, shows nothing.
    for m in {m.test: m for m in chosen if m.test}.values():
        if (became := run_test(m, tree)) != "passed":
            print(f"the code as it is: {m.test[0]} --gtest_filter={m.test[1]}: {became}", file=sys.stderr)
            return 2
    begun, verdicts = time.monotonic(), []
    for m in chosen:
        line = try_mutant(m, tree, flags.seeds, flags.jobs)
        verdicts.append(line.split()[0])
        print(line, flush=True)
    killed = verdicts.count("killed")
    print(f"kill rate: {killed} of {len(verdicts)} mutants ({100 * killed / len(verdicts):.0f} %), {verdicts.count('SURVIVED')} survived, "
          f"{verdicts.count('ERROR')} errors in {(time.monotonic() - begun) / 60:.1f} min")
    return 0 if killed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
