"""Every header compiles alone: who includes it need not know what it needs.

A header's own lines come after its includes, and each of those is looked at by itself. So one of them may come out of a precompiled header:
what is read is the same, and hundreds of headers do not read Asio again each. The dearest few that many include are precompiled.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BV_BUILD", ROOT / "build/release"))
FOLDERS = ("platform", "domains", "gateway", "app", "verify", "sim", "codegen", "bench")
# What it takes to read a header from outside the project, roughly in seconds; the standard library's are the rest.
DEAR = {"boost/": 0.4, "bitvelocity/": 1.0, "google/": 1.0, "gtest/": 1.5, "gmock/": 1.5}
KEPT = re.compile(r"-(D|I|W|std=)")


def headers(root):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f"{f}/**.hpp" for f in FOLDERS)],
                            cwd=root, capture_output=True, text=True, check=True).stdout.split()
    return [n for n in listed if (root / n).is_file() and n != "platform/pch/pch.hpp"]


def included(root, names):
    """What each header includes, itself or by other headers."""
    direct = {n: re.findall(r'^\s*#\s*include\s+[<"](.+?)[>"]', (root / n).read_text(encoding="utf-8"), re.MULTILINE) for n in names}
    reached = {}
    for name in names:
        seen, left = set(), direct[name][:]
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                left += direct.get(one, [])
        reached[name] = seen
    return reached


def prefixes(reached):
    """For each header the dearest one that it includes, of the few that are worth precompiling; None for those that include none of them."""
    cost = {}
    for one in {i for seen in reached.values() for i in seen}:
        cost[one] = sum(next((c for p, c in DEAR.items() if h.startswith(p)), 0.03) for h in {one, *reached.get(one, ())})
    users = {one: [n for n in reached if one in reached[n] and n not in reached.get(one, ())] for one in cost}
    chosen = dict.fromkeys(reached)
    saved = dict.fromkeys(reached, 0.0)
    while cost:
        gain, best = max((sum(max(0.0, cost[one] - saved[n]) for n in users[one]) - 2 * cost[one], one) for one in cost)
        if gain <= 0:
            break
        for name in users[best]:
            if cost[best] > saved[name]:
                chosen[name], saved[name] = best, cost[best]
        del cost[best]
    return chosen


def flags():
    """Those of the project's sources, with the folders of every library."""
    found = []
    for entry in json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        for at, word in enumerate(words):
            pair = [word, words[at + 1]] if word == "-isystem" else [word] if KEPT.match(word) else []
            if pair and pair not in found:
                found.append(pair)
    return [w for pair in found for w in pair] + ["-I."]


def compiler_says(source, options, cwd):
    done = subprocess.run(["clang++-19", *options, "-"], cwd=cwd, input=f'#include "{source}"\n', capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def broken(root, names, options, scratch):
    """The headers that do not compile alone, each with what the compiler says."""
    chosen = prefixes(included(root, names))
    wanted = sorted({c for c in chosen.values() if c})
    made = {one: scratch / f"{number}.pch" for number, one in enumerate(wanted)}

    def precompile(one):
        compiler_says(one, [*options, "-x", "c++-header", "-o", str(made[one])], root)

    def compile_alone(name):
        ready = made.get(chosen[name])
        prefix = ["-include-pch", str(ready)] if ready and ready.exists() else []
        return compiler_says(name, [*options, *prefix, "-fsyntax-only", "-x", "c++"], root)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(precompile, wanted))
        return {name: said for name, said in zip(names, pool.map(compile_alone, names)) if said}


@pytest.fixture(scope="module")
def options():
    return flags()


def test_every_header_compiles_alone(options, tmp_path):
    found = broken(ROOT, headers(ROOT), options, tmp_path)
    assert found == {}, "\n".join(found.values())


def test_a_header_that_lacks_an_include_is_found(options, tmp_path):
    (tmp_path / "whole.hpp").write_text("#pragma once\n#include <string>\nstruct whole { std::string text; };\n", encoding="utf-8")
    (tmp_path / "leans.hpp").write_text('#pragma once\n#include "whole.hpp"\nstruct leans { std::string text; std::vector<int> numbers; };\n', encoding="utf-8")
    (tmp_path / "vector.hpp").write_text("#pragma once\n#include <vector>\ninline std::vector<int> numbers;\n", encoding="utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = broken(tmp_path, ["whole.hpp", "leans.hpp", "vector.hpp"], options, scratch)
    assert list(found) == ["leans.hpp"]
    assert "leans.hpp:3" in found["leans.hpp"] and "vector" in found["leans.hpp"]
