"""Generated requests, right and wrong, against a running platform: each answer is one that the document promises."""

import os
import pathlib
import subprocess

import requests

from conftest import tool

CONFIG = """
# Written by tests/contracts/test_schemathesis.py.
[auth.openapi.apiKey]
api_key = "{key}"
"""

# positive_data_acceptance: some of what a contract demands is beyond a JSON schema (a page token that this list gave, a
# currency of ISO 4217, an entity tag that is current), so what the schema allows may be refused, with the field named.
# negative_data_rejection: hooks.py has it as wrong_data_rejection, which allows the other forms of proto3 JSON.
EXCLUDED = "positive_data_acceptance,negative_data_rejection"

# Revokes API keys that it was shown, its own too: comes last, by itself.
REVOKE = "IdentityService_RevokeApiKey"


def schemathesis(platform, key, folder, *arguments):
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(key=key))
    command = [tool("schemathesis"), "--config-file", str(config), "run", platform.url + "/openapi.json", "--checks", "all", "--exclude-checks", EXCLUDED,
               "--phases", "coverage,fuzzing", "--seed", "1", "--max-examples", "10", "--generation-database", "none", "--no-shrink", "--continue-on-failure",
               "--suppress-health-check", "all", "--warnings", "off", "--no-color", "--request-timeout", "20", "--workers", "1", *arguments]
    hooks = pathlib.Path(__file__).parent / "hooks.py"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks), "PYTHONDONTWRITEBYTECODE": "1"},
                          capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr
    return done.stdout


def test_every_answer_is_as_documented(module_platform, tmp_path):
    schemathesis(module_platform, module_platform.secret("dev.operator.api_key"), tmp_path, "--exclude-operation-id", REVOKE)


def test_so_are_those_of_revoking(module_platform, tmp_path):
    made = module_platform.operator().post("/v1/apiKeys", {"label": "for Schemathesis", "roles": ["admin"]})
    schemathesis(module_platform, made["secret"], tmp_path, "--include-operation-id", REVOKE)


def test_the_platform_is_well_after_it(module_platform):
    assert requests.get(module_platform.url + "/readyz", timeout=10).status_code == 200
    result = module_platform.run("verify")
    assert result.code == 0, result.out + result.err
