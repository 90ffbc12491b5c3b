"""The commands: what they print, and the codes that they end with."""

import json
import re
import subprocess

import pytest

from conftest import BINARY

COMMANDS = ("up", "down", "status", "logs", "settings", "secret", "reset", "provider", "demo", "replay", "load", "sim", "verify",
            "serve", "roles", "restart", "scale", "dlq", "dlq list", "dlq show", "dlq replay", "dlq discard", "events", "events list", "events rewind",
            "projections", "projections rebuild", "keys", "keys rotate",
            "identity", "identity issue", "migrate")


def bv(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of(command):
    done = bv(*command.split(), "--help")
    assert done.returncode == 0 and "Usage" in done.stdout and done.stderr == ""


def test_the_list_of_commands_is_whole():
    listed = set(re.findall(r"^  ([a-z]+)\s", bv("--help").stdout.split("Subcommands:")[1], re.MULTILINE))
    assert listed == {c for c in COMMANDS if " " not in c}


def test_wrong_use_is_2():
    for arguments in ((), ("dance",), ("up", "--dance"), ("dlq",), ("status", "--set", "http.port=dance"), ("replay",)):
        done = bv(*arguments)
        assert done.returncode == 2, (arguments, done)
        assert done.stderr


def test_an_unknown_setting_names_the_nearest(tmp_path):
    done = bv("settings", "--set", "http.prot=1")
    assert done.returncode == 2 and "did you mean http.port" in done.stderr
    assert done.stderr.count("did you mean") == 1
    file = tmp_path / "bitvelocity.yaml"
    file.write_text("http:\n  prot: 1\n")
    from_file = bv("settings", "--config", str(file))
    assert from_file.returncode == 2 and "http.port" in from_file.stderr and "bitvelocity.yaml line 2" in from_file.stderr


def test_settings_say_value_source_and_meaning(tmp_path):
    file = tmp_path / "bitvelocity.yaml"
    file.write_text("http:\n  request_timeout: 7s\ndatabase:\n  url: postgresql://me:hush@db/x\n")
    out = bv("settings", "--config", str(file), "--set", "http.port=1234").stdout
    assert re.search(r"^http\.port = 1234 .*command line", out, re.MULTILINE), out
    assert re.search(rf"^http\.request_timeout = 7s .*{re.escape(file.name)}", out, re.MULTILINE), out
    assert "hush" not in out


def test_not_running_is_3(tmp_path):
    for command in (("status",), ("dlq", "list"), ("keys", "rotate"), ("projections", "rebuild"), ("demo",)):
        done = bv(*command, "--data-dir", str(tmp_path / "none"))
        assert done.returncode == 3 and "bv up" in done.stderr, (command, done)


def test_down_of_nothing_is_no_failure(tmp_path):
    assert bv("down", "--data-dir", str(tmp_path / "none")).returncode in (0, 3)


def test_status(platform):
    done = platform.run("status", "--json")
    assert done.code == 0
    status = json.loads(done.out)
    assert status["url"] == platform.url
    assert {"platform", "postgres", "provider"} <= set(status["processes"])
    assert all(p["bytes"] > 1 << 20 for p in status["processes"].values())
    assert status["status"]["ready"] and all(m["ready"] for m in status["status"]["modules"])
    assert {"inventory", "payment", "orders-saga", "notification"} <= {g["group"] for g in status["status"]["groups"]}
    table = platform.run("status")
    assert table.code == 0 and "ready" in table.out and "orders-saga" in table.out


def test_logs_are_json_lines_and_readable(platform):
    raw = platform.run("logs", "--json", "-n", "5")
    assert raw.code == 0 and all({"level", "event"} <= set(json.loads(line)) for line in raw.out.splitlines())
    assert platform.run("logs", "-n", "3").code == 0


def test_secret_shows_development_logins_only(platform):
    assert platform.run("secret", "dev.admin.password").out.strip()
    hidden = platform.run("secret", "provider.api_key")
    assert hidden.code == 1 and hidden.out == ""


def test_reset_asks_first(own_platform):
    p = own_platform()
    p.folder.mkdir()
    (p.folder / "lock").touch()
    refused = p.run("reset")
    assert refused.code != 0 and p.folder.exists()


def test_the_demo_shows_the_journey(own_platform):
    p = own_platform().start()
    done = p.run("demo", "--fast")
    assert done.code == 0, done.out + done.err
    assert p.run("verify").code == 0


def test_verify_tells_programs_what_it_checked(platform):
    done = platform.run("verify", "--json")
    assert done.code == 0, done.out + done.err
    report = json.loads(done.out)
    assert len(json.dumps(report)) > 200
