#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Writes the tables of BIP-DRAFT.md again, from the commands and files that their comments name.

    python3 tools/draft_tables.py [SIGSTACK]      the command to ask; without it `sigstack` of the PATH

A comment `<!-- table: sigstack ARGUMENTS` has a line with the names of the columns where they differ from the command's, and
`<!-- blocks: FILE -->` names a run of the search for worst blocks. The rows, that is the first column, stay; the other cells are made
again. What the prose says of the figures is for a person to read again. cli/tests/bip_draft.rs fails where a cell is not up to date.

Exit status: 0 if the tables are up to date now, 2 if it could not be told.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRAFT = ROOT / "BIP-DRAFT.md"
COMMENT = re.compile(r"<!-- (?:table: sigstack (?P<command>[^\n]*)\n(?P<names>.*?)|blocks: (?P<file>\S+) )-->\n", re.DOTALL)


def ask(sigstack, command):
    """The objects that a command writes as JSON; of `compile` those of the leaves."""
    arguments = command.split()
    compiles = arguments[0] == "compile"
    arguments += ["--json"] if compiles else ["--format", "json"]
    written = subprocess.run([sigstack, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    answer = json.loads(written.stdout)
    if not compiles:
        return answer
    sizes = ({"leaf": nth, "bytes": len(leaf["script"]) // 2} for nth, leaf in enumerate(answer["leaves"]))
    return [leaf | size for leaf, size in zip(answer["leaves"], sizes)]


def worst_blocks(path):
    """The blocks of a recorded run, with the columns of the draft."""
    ratio = "to_schnorr"
    for block in json.loads((ROOT / path).read_text(encoding="utf-8"))["blocks"]:
        figures = {
            "seconds": block["seconds"]["median"],
            "lower quartile": block[ratio]["lower_quartile"],
            "times 80,000 checks": block[ratio]["median"],
            "upper quartile": block[ratio]["upper_quartile"],
            "times today's tapscript": block["to_tapscript_today"],
        }
        rounded = {name: f"{figure:.2f}" for name, figure in figures.items() if figure is not None}
        yield {"worst block": block["subject"]} | rounded


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows_again(lines, names, objects):
    """The lines of a table with the cells of the objects."""
    columns = [names.get(name, name) for name in cells(lines[0])]
    again = lines[:2]
    for line in lines[2:]:
        key = cells(line)[0]
        row = next((row for row in objects if str(row[columns[0]]) == key), None)
        if row is None:
            raise KeyError(f"no row {key}")
        again.append("| " + " | ".join(str(row[column]) for column in columns) + " |")
    return again


def main():
    sigstack = sys.argv[1] if len(sys.argv) > 1 else "sigstack"
    text = DRAFT.read_text(encoding="utf-8")
    parts, at = [], 0
    for comment in COMMENT.finditer(text):
        parts.append(text[at : comment.end()])
        table = re.match(r"(?:\|.*\n)+", text[comment.end() :])[0]
        pairs = (name.split(" = ") for name in (comment["names"] or "").strip().split("; "))
        names = dict(pair for pair in pairs if len(pair) == 2)
        objects = ask(sigstack, comment["command"]) if comment["command"] else list(worst_blocks(comment["file"]))
        parts.append("\n".join(rows_again(table.splitlines(), names, objects)) + "\n")
        at = comment.end() + len(table)
    DRAFT.write_text("".join(parts) + text[at:], encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
