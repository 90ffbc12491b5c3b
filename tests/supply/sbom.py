#!/usr/bin/env python3
"""What the binary is made of, as SPDX 2.3: the libraries that it links, and the packages whose headers are compiled into it.

    python3 tests/supply/sbom.py [--build build/release] [--output build/bitvelocity.spdx.json]

Versions are those of the Debian packages on this machine. Exit code 1 names what has no licence in licences.toml, or one
that may not be linked into a program under terms of its own.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
LICENCES = pathlib.Path(__file__).with_name("licences.toml")
# A choice is fine when one side is; an exception can make a copyleft licence fit for linking.
LINKABLE = ("MIT", "BSD-", "BSL-", "Apache-", "CC0-", "Zlib", "PostgreSQL", "OLDAP-", "LGPL-", "LicenseRef-public-domain")
EXCEPTIONS = ("GCC-exception", "Linux-syscall-note", "LLVM-exception")


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    source: str
    linked: bool   # false: only headers
    direct: bool


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def owners(paths: list[str]) -> dict[str, str]:
    """The package of each file; files of no package are left out."""
    found = {}
    said = subprocess.run(["dpkg-query", "-S", *paths], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        names, _, path = line.partition(": ")
        if not line.startswith("diversion"):
            found[path] = names.split(",")[0].strip()
    return found


def libraries(binary: pathlib.Path) -> dict[str, bool]:
    """Each library's path, and whether the binary itself names it."""
    named = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "--dynamic", "--wide", str(binary))))
    found = {}
    for line in output_of("ldd", str(binary)).splitlines():
        if "not found" in line:
            raise SystemExit(f"sbom: {line.strip()}: install it, ./bv build does")
        if at := re.search(r"(\S+) => (/\S+)", line):
            found[at[2]] = at[1] in named
    return found


def headers(build: pathlib.Path) -> list[str]:
    """What Ninja saw the objects of the binary include from the system."""
    listed = output_of("ninja", "-C", str(build), "-t", "deps")
    tests = False
    found = set()
    for line in listed.splitlines():
        if not line.startswith(" "):
            tests = "_test.dir/" in line or "testing" in line or line.startswith(("codegen/", "bench/"))
        elif not tests and line.lstrip().startswith("/usr/"):
            found.add(line.strip())
    return sorted(found)


def packages(build: pathlib.Path) -> list[Package]:
    libs = libraries(build / "app/bitvelocity")
    # Debian 12 lists some libraries below /lib, which is a link to /usr/lib.
    spelled = {p: [p, str(pathlib.Path(p).resolve()), str(pathlib.Path(p).resolve()).removeprefix("/usr")] for p in libs}
    owner = owners([s for all_of_one in spelled.values() for s in all_of_one])
    linked: dict[str, bool] = {}
    for path, direct in libs.items():
        package = next((owner[s] for s in spelled[path] if s in owner), None)
        if package is None:
            raise SystemExit(f"sbom: {path} belongs to no Debian package: licences and versions of such are unknown")
        linked[package] = linked.get(package, False) or direct
    included = set(owners(headers(build)).values())
    facts = {}
    for line in output_of("dpkg-query", "-W", "-f=${binary:Package}\t${Version}\t${source:Package}\n", *linked, *included).splitlines():
        name, version, source = line.split("\t")
        facts[name] = facts[name.split(":")[0]] = (version, source)
    sources = {facts[p][1] for p in linked}
    out = [Package(p.split(":")[0], *facts[p], True, direct) for p, direct in linked.items()]
    out += [Package(p.split(":")[0], *facts[p], False, True) for p in included if facts[p][1] not in sources]
    return sorted(out, key=lambda p: (not p.linked, p.name))


def licence_of(package: Package, table: dict) -> str | None:
    return table["linked"].get(package.source) or (None if package.linked else table["headers"].get(package.source))


def may_be_linked(expression: str) -> bool:
    return any(choice.strip().startswith(LINKABLE) or any(e in choice for e in EXCEPTIONS) for choice in expression.split(" OR "))


def objections(found: list[Package], table: dict) -> list[str]:
    out = []
    for p in found:
        licence = licence_of(p, table)
        if licence is None:
            out.append(f"{p.name} {p.version} (source {p.source}) has no licence in {LICENCES.relative_to(ROOT)}: read /usr/share/doc/{p.name}/copyright and add it")
        elif not may_be_linked(licence):
            out.append(f"{p.name} {p.version} is under {licence}: it may not be linked")
    return out


def document(binary: pathlib.Path, found: list[Package], table: dict) -> dict:
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    commit = output_of("git", "-C", str(ROOT), "log", "-1", "--format=%H %cI").split()
    described = [{
        "SPDXID": "SPDXRef-bitvelocity", "name": "bitvelocity", "versionInfo": commit[0], "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseDeclared": "NOASSERTION", "licenseConcluded": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-bitvelocity"}]
    for p in found:
        id_ = f"SPDXRef-deb-{p.name.replace('+', '-')}"
        licence = licence_of(p, table) or "NOASSERTION"
        described.append({
            "SPDXID": id_, "name": p.name, "versionInfo": p.version, "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseDeclared": licence, "licenseConcluded": licence, "primaryPackagePurpose": "LIBRARY",
            "sourceInfo": f"Debian source package {p.source}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{p.name}@{p.version}?arch=amd64"}],
        })
        relations.append({"spdxElementId": "SPDXRef-bitvelocity", "relatedSpdxElement": id_,
                          "relationshipType": "CONTAINS" if not p.linked else "DYNAMIC_LINK" if p.direct else "DEPENDS_ON"})
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"bitvelocity-{commit[0][:12]}",
        "documentNamespace": f"urn:bitvelocity:{digest}", "creationInfo": {"created": commit[1], "creators": ["Tool: tests/supply/sbom.py"]},
        "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-public-domain", "extractedText": "In the public domain."}],
        "packages": described, "relationships": relations,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="build directory (default: build/release)")
    parser.add_argument("--output", type=pathlib.Path, help="where to write it (default: BUILD/bitvelocity.spdx.json)")
    arguments = parser.parse_args()
    binary = arguments.build / "app/bitvelocity"
    if not binary.is_file():
        print(f"sbom: there is no {binary}: ./bv build makes it", file=sys.stderr)
        return 1
    table = tomllib.loads(LICENCES.read_text(encoding="utf-8"))
    found = packages(arguments.build)
    target = arguments.output or arguments.build / "bitvelocity.spdx.json"
    target.write_text(json.dumps(document(binary, found, table), indent=1) + "\n", encoding="utf-8")
    for p in found:
        how = "headers" if not p.linked else "linked" if p.direct else "linked by these"
        print(f"{p.name:<22} {p.version:<26} {how:<16} {licence_of(p, table) or 'unknown'}")
    wrong = objections(found, table)
    print(f"{len(found)} packages, written to {target}")
    for line in wrong:
        print(f"sbom: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
