#!/usr/bin/env python3
"""Checks that no dependency asks for a newer Rust than the packages that use it.

Usage: check_msrv.py [MANIFEST...]

For each workspace, reads the versions that Cargo.lock names and compares the `rust-version` of every package with that of every
package it depends on, directly or not, for any platform, tests and benchmarks included. Dependencies without a `rust-version` are
not judged. Exit status: 0 if no dependency asks for more, 1 if one does.
"""

import json
import subprocess
import sys


def version(text):
    parts = [int(part) for part in text.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def reached(package, edges):
    """Packages that a package depends on, directly or not."""
    found, open_ = set(), [package]
    while open_:
        for dependency in edges[open_.pop()]:
            if dependency not in found:
                found.add(dependency)
                open_.append(dependency)
    return found


def problems(metadata):
    """Lines about dependencies that ask for more than a member of the workspace does."""
    packages = {package["id"]: package for package in metadata["packages"]}
    edges = {node["id"]: node["dependencies"] for node in metadata["resolve"]["nodes"]}
    for member in sorted(metadata["workspace_members"]):
        name, minimum = packages[member]["name"], packages[member]["rust_version"]
        if minimum is None:
            yield f"{name} has no rust-version"
            continue
        for dependency in sorted(reached(member, edges)):
            package = packages[dependency]
            asked = package["rust_version"]
            if asked is not None and version(asked) > version(minimum):
                yield f"{name} supports Rust {minimum}, but {package['name']} {package['version']} needs {asked}"


def selftest():
    """A dependency of a dependency that asks for more is found, one that asks for as much is not."""

    def metadata(asked):
        names = [("a", "1.88"), ("b", None), ("c", asked)]
        packages = [{"id": n, "name": n, "version": "1.0.0", "rust_version": r} for n, r in names]
        nodes = [{"id": n, "dependencies": d} for n, d in [("a", ["b"]), ("b", ["c"]), ("c", [])]]
        return {"packages": packages, "resolve": {"nodes": nodes}, "workspace_members": ["a"]}

    assert not list(problems(metadata("1.88.0")))
    assert list(problems(metadata("1.88.1"))) == ["a supports Rust 1.88, but c 1.0.0 needs 1.88.1"]


def main():
    selftest()
    found = []
    for manifest in sys.argv[1:] or ["Cargo.toml"]:
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", manifest]
        metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        found += problems(metadata)
        print(f"{manifest}: {len(metadata['packages'])} packages compared")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
