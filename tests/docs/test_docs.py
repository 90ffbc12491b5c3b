"""What the documents tell people to type exists, and what they point at is there."""

import functools
import os
import re
import shlex
import subprocess

import pytest
import requests

from conftest import BINARY, ROOT

GLOBAL = {"--data-dir", "--config", "--set", "--help", "-h", "--version"}
LAUNCHER = {"build", "test", "bench", "soak", "help", "commands"}  # of the script ./bv; the rest is the binary's
BENCHES = {p.stem for p in (ROOT / "bench/benches").glob("[a-z]*.py")}
PROGRAMS = {"soak": "tests/faults/soak.py", "bench": "bench/run"}  # what the launcher hands over to, other than the binary
# Run as they stand against a platform of the tests: they lose nothing and end by themselves.
HARMLESS = {"status", "settings", "secret", "verify", "dlq list", "logs", "keys fields", "roles", "keys rotate-fields", "keys encrypt-again", "events list", "events rewind orders-projections beginning"}


def documents():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in sorted(listed.stdout.splitlines()) if (ROOT / name).exists()]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def shell_lines():
    """(document, line) of each line of the fenced blocks that are for a shell; continued lines are joined."""
    for name in documents():
        for block in re.finditer(r"^```(?:sh|bash|console|shell)\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL):
            for line in block.group(1).replace("\\\n", " ").splitlines():
                yield name, line.strip().removeprefix("$ ")


def simple_commands(line):
    """The commands of a line as words, without assignments in front and what follows a redirection."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a quote that goes on in the next line
        return
    command = []
    for word in [*words, ";"]:
        if set(word) <= set("|&;"):
            while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
                command.pop(0)
            if command:
                yield command
            command = []
        else:
            command.append(word)


def bv_commands():
    seen = {}
    for name, line in shell_lines():
        for words in simple_commands(line):
            if words[0] in ("./bv", "bv") and tuple(words) not in seen:
                seen[tuple(words)] = name
    return [pytest.param(list(words[1:]), id=f"{name}: {' '.join(words)}") for words, name in seen.items()]


@functools.cache
def help_of(path):
    done = subprocess.run([BINARY, *path, "--help"], capture_output=True, text=True, timeout=20, check=False)
    return done.stdout if done.returncode == 0 else None


def resolve(words):
    """(path of subcommands, their help, the other words)."""
    path, rest = (), list(words)
    while rest and not rest[0].startswith("-"):
        deeper = help_of((*path, rest[0]))
        if deeper is None or "Subcommands:" not in (help_of(path) or ""):
            break
        path, rest = (*path, rest[0]), rest[1:]
    return path, help_of(path), rest


@pytest.mark.parametrize("words", bv_commands())
def test_the_command_is_known(words):
    if words and words[0] in LAUNCHER:
        return known_to_the_launcher(words)
    path, text, rest = resolve(words)
    assert path or not rest or rest[0].startswith("-"), f"there is no command {words[0]}"
    for word in rest:
        if word.startswith("-") and not re.fullmatch(r"-?\d+", word):
            option = word.split("=")[0]
            assert option in GLOBAL or re.search(rf"(^|[\s,]){re.escape(option)}\b", text), f"{' '.join(path)} has no option {option}"
    return None


def known_to_the_launcher(words):
    if words[0] in PROGRAMS:
        usage = subprocess.run([ROOT / PROGRAMS[words[0]], "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
        for word in words[1:]:
            if words[0] == "bench" and not word.startswith("-"):
                assert word == "all" or word in BENCHES, f"there is no bench {word}"
            assert not word.startswith("-") or re.search(rf"(^|[\s,\[]){re.escape(word)}\b", usage), f"./bv {words[0]} has no option {word}"
    if words[0] == "test":
        environment = {**os.environ, "BV_ROOT": str(ROOT)}
        usage = subprocess.run(["bash", str(ROOT / "tests/run"), "--help"], env=environment, capture_output=True, text=True, timeout=20, check=True).stdout
        for word in words[1:]:
            if word == "--":
                if "fuzz" in words:
                    known_to_the_fuzzers(words[words.index("--") + 1:])
                break
            assert re.search(rf"(^|\s){re.escape(word)}\b", usage), f"./bv test has no {word}"


def known_to_the_fuzzers(words):
    targets = {p.name for p in (ROOT / "tests/fuzz/corpus").iterdir()}
    for before, word in zip(["", *words], words):
        assert word in targets or word.isdigit() or word == "--seed" or before == "--seed", f"./bv test fuzz has no {word}"


def is_harmless(words):
    if words[:1] == ["load"]:  # what follows are its scenario and the values of options
        return True
    if words[:1] == ["sim"]:  # needs no platform; as many seeds as there is time for are too many here
        return "--for" not in words
    return " ".join(w for w in words if not w.startswith("-")) in HARMLESS and "-f" not in words and "--follow" not in words


@pytest.mark.parametrize("words", [p for p in bv_commands() if is_harmless(p.values[0])])
def test_the_command_works(platform, words):
    done = platform.run(*words)
    assert done.code == 0, done


def test_the_launchers_help_names_commands_that_exist():
    text = subprocess.run(["bash", str(ROOT / "bv"), "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
    named = set(re.findall(r"\./bv ([a-z]+)", text)) | {w for line in re.findall(r"\./bv ([a-z]+(?: \| [a-z]+)+)", text) for w in line.split(" | ")}
    assert named
    for name in named - LAUNCHER:
        assert help_of((name,)) is not None, name


def test_programs_of_bench_exist():
    missing = []
    targets = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "bench").rglob("CMakeLists.txt"))
    for name, line in shell_lines():
        for words in simple_commands(line):
            for word in words:
                match = re.match(r"(?:\./)?((?:build/[a-z]+/)?)(bench/[\w./-]+)", word)
                if not match:
                    continue
                if match[1]:  # built: a target of that name
                    if not re.search(rf"\b{re.escape(match[2].rsplit('/', 1)[-1])}\b", targets):
                        missing.append(f"{name}: {word}")
                elif not (ROOT / match[2]).exists():
                    missing.append(f"{name}: {word}")
    assert missing == []


def slug(heading):
    """As GitHub makes anchors."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(name):
    body = re.sub(r"^```.*?^```", "", text_of(name), flags=re.MULTILINE | re.DOTALL)
    return {slug(h) for h in re.findall(r"^#+ (.*)$", body, re.MULTILINE)} | set(re.findall(r"(?:id|name)=\"([^\"]+)\"", body))


def test_relative_links_resolve():
    broken = []
    for name in documents():
        body = re.sub(r"^```.*?^```|`[^`\n]*`", "", text_of(name), flags=re.MULTILINE | re.DOTALL)
        links = re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", body) + re.findall(r"(?:src|href)=\"([^\"]+)\"", body) + re.findall(r"^\[[^\]]+\]: (\S+)", body, re.MULTILINE)
        for link in links:
            if re.match(r"[a-z][a-z0-9+.-]*:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (ROOT / name).parent / path if path else ROOT / name
            if not target.exists():
                broken.append(f"{name}: {link}")
            elif anchor and target.suffix == ".md" and anchor not in anchors(os.path.relpath(target, ROOT)):
                broken.append(f"{name}: {link} (no such heading)")
    assert broken == []


def test_urls_of_the_platform_are_served(platform):
    """`curl localhost:8080/v1/…` names a path that the platform has."""
    paths = requests.get(platform.url + "/openapi.json", timeout=10).json()["paths"]
    patterns = [re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(p))) for p in paths]
    unknown = []
    for name, line in shell_lines():
        for path in re.findall(r"(?:localhost|127\.0\.0\.1):8080(/[^\s\"'?#]*)", line):
            if any(p.fullmatch(path) for p in patterns):
                continue
            if requests.get(platform.url + path, timeout=10).status_code == 404:
                unknown.append(f"{name}: {path}")
    assert unknown == []
