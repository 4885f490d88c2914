#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Holds BIP-DRAFT.md to the rules that the repository of BIPs checks automatically, and to its form.

    python3 tools/check_bip.py                                   the draft as it is, before it has a number
    python3 tools/check_bip.py --number 9999 --date 2026-01-31   a copy with a number and a date filled in
    python3 tools/check_bip.py --number 9999 --date 2026-01-31 --folder OUT
                                                                 that copy with its folder of files, as the repository lays them out
    python3 tools/check_bip.py --selftest                        every check refuses a draft that is broken for it

The rules are those of scripts/buildtable.pl and scripts/link-format-chk.sh of bitcoin/bips at 7fe0b034 (2026-08-20) and of BIP 3.
Not checked: the row in the repository's README, and the spelling, for which that repository runs another program.

Exit status: 0 if nothing is wrong, 1 if something is, 2 if it could not be told.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRAFT = "BIP-DRAFT.md"

# The fields in their order; True: required.
FIELDS = {
    "BIP": True, "Layer": False, "Title": True, "Authors": True, "Deputies": False, "Status": True,
    "Type": True, "Assigned": True, "License": True, "Discussion": False, "Version": False,
    "Requires": False, "Replaces": False, "Proposed-Replacement": False,
}  # fmt: skip
MAY_CONTINUE = {"Authors", "Deputies", "Discussion"}
LAYERS = {
    "Consensus (soft fork)", "Consensus (hard fork)", "Peer Services", "API/RPC", "Applications",
}  # fmt: skip
STATUSES = {"Draft", "Complete", "Deployed", "Closed"}
TYPES = {"Specification", "Informational", "Process"}
LICENSES = {
    "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "FSFAP", "MIT", "CC-BY-4.0", "Apache-2.0", "BSL-1.0",
}  # fmt: skip
TITLE_MAX = 50

PERSON = re.compile(r"\S[^<@>]*\S <[^@>]*@[\w.-]+\.\w+>")
DATE = re.compile(r"20\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|30|31)")
VERSION = re.compile(r"\d+\.\d+\.\d+")
NUMBERS = re.compile(r"\d+(?:, \d+)*")

SECTIONS = [
    "Abstract", "Motivation", "Specification", "Rationale", "Backward Compatibility",
    "Reference Implementation", "Test Vectors", "Security Considerations", "Deployment", "Copyright",
]  # fmt: skip

# Links as MediaWiki writes them, and links whose text is their address.
MEDIAWIKI_LINK = re.compile(
    r"\[\s*https?://[^\]\[\s]+\s+[^\]\[]*\]|\[\[https?://[^\]\[]*\]\]|\[\[(?:\.\./|/)?bip-[^\]\[]*\]\]"
)
REDUNDANT_LINK = re.compile(r"\[(https?://[^\]]+)\]\(\1\)")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)

# What the folder of the BIP holds: from the project, below the folder.
FOLDER = {
    "test-vectors/bips/README.md": "vectors/README.md",
    "test-vectors/bips/bip-0348": "vectors/bip-0348",
    "test-vectors/bips/bip-0118": "vectors/bip-0118",
    "test-vectors/bips/draft/rules.json": "vectors/rules.json",
    "test-vectors/proposals/csfs.jsonl": "vectors/csfs.jsonl",
    "test-vectors/proposals/anyprevout.jsonl": "vectors/anyprevout.jsonl",
    "test-vectors/channels/sequence-apo.jsonl": "vectors/sequence-apo.jsonl",
    "test-vectors/channels/sequence-apo-only.jsonl": "vectors/sequence-apo-only.jsonl",
    "test-vectors/channels/symmetry-apo.jsonl": "vectors/symmetry-apo.jsonl",
    "test-vectors/channels/attacks.jsonl": "vectors/attacks.jsonl",
    "benches/results/worst-blocks.json": "vectors/worst-blocks.json",
    "test-vectors/reference": "reference",
    "test-vectors/bips/draft/README.md": "README.md",
}


def read_preamble(text, problems):
    """The fields in order, each with its values; the first fence of the text holds them."""
    lines = text.split("\n")
    if "```" not in lines:
        problems.append("no ``` that opens the preamble")
        return []
    if lines[0] != "```":
        problems.append("the preamble is not at the beginning")
    fields = []
    for line in lines[lines.index("```") + 1 :]:
        if line == "```":
            return fields
        field = re.fullmatch(r"  ([\w-]+): (.*\S)", line)
        continued = re.fullmatch(r"  ( +)(.*\S)", line)
        if field:
            name, value = field.groups()
            if value[0].isspace():
                problems.append(f"{name}: too many spaces")
            if name in (known for known, _ in fields):
                problems.append(f"{name}: twice")
            fields.append((name, [value]))
        elif continued and fields:
            name, values = fields[-1]
            if name not in MAY_CONTINUE:
                problems.append(f"{name}: has more than one line")
            if len(continued[1]) != 2 + len(name):
                problems.append(f"{name}: the second line is not below the value")
            values.append(continued[2])
        else:
            problems.append(f"bad line in the preamble: {line!r}")
    problems.append("the preamble does not end")
    return fields


def check_value(name, value, number, problems):
    def need(right, what):
        if not right:
            problems.append(f"{name}: {what}: {value!r}")

    if name == "BIP":
        need(value == (str(number) if number else "?"), "is not the number, or ? before there is one")
    elif name == "Layer":
        need(value in LAYERS, "unknown")
    elif name == "Title":
        need(len(value) <= TITLE_MAX, f"longer than {TITLE_MAX} characters")
    elif name in ("Authors", "Deputies"):
        need(PERSON.fullmatch(value), "is not Name <mail@dom.ain>")
    elif name == "Status":
        need(value in STATUSES, "unknown")
    elif name == "Type":
        need(value in TYPES, "unknown")
    elif name == "Assigned":
        need(DATE.fullmatch(value) if number else value == "?", "is not a date, or ? before the number")
    elif name == "License":
        need(all(one in LICENSES for one in value.split(" OR ")), "not acceptable")
    elif name == "Discussion":
        day, _, address = value.partition(": ")
        need(DATE.fullmatch(day) and re.match(r"https?://\S+$", address), "is not yyyy-mm-dd: URL")
    elif name == "Version":
        need(VERSION.fullmatch(value), "is not MAJOR.MINOR.PATCH")
    elif name in ("Requires", "Replaces", "Proposed-Replacement"):
        need(NUMBERS.fullmatch(value), "is not a list of numbers with commas and spaces")
    else:
        problems.append(f"{name}: unknown field")


def check_preamble(text, number, problems):
    fields = read_preamble(text, problems)
    names = [name for name, _ in fields]
    for name, values in fields:
        for value in values:
            check_value(name, value, number, problems)
    problems.extend(f"{name}: is missing" for name in FIELDS if FIELDS[name] and name not in names)
    ordered = [name for name in FIELDS if name in names]
    if [name for name in names if name in FIELDS] != ordered:
        problems.append(f"the fields are not in the order {', '.join(ordered)}")
    values = dict(fields)
    version, status = values.get("Version", ["1"])[0], values.get("Status", [""])[0]
    if version.startswith("0.") and status in ("Complete", "Deployed"):
        problems.append(f"Version: {version} with the status {status}")


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def check_sections(text, problems):
    found = re.findall(r"^## (.*)$", without_code(text), re.MULTILINE)
    if found != SECTIONS:
        problems.append(f"the sections are {', '.join(found)}; they must be {', '.join(SECTIONS)}")
    if re.search(r"^# ", without_code(text), re.MULTILINE):
        problems.append("there is a heading of the first level")


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def check_links(text, base, problems):
    for line in text.split("\n"):
        if MEDIAWIKI_LINK.search(line):
            problems.append(f"a link as MediaWiki writes it: {line}")
        if REDUNDANT_LINK.search(line):
            problems.append(f"a link whose text is its address, which is written <URL>: {line}")
    body = without_code(text)
    for inline, reference in LINK.findall(body):
        target = inline or reference
        if target.startswith("#"):
            if target[1:] not in anchors(text):
                problems.append(f"no heading for the link {target}")
        elif not target.startswith(("https://", "http://")) and not (base / target.split("#")[0]).exists():
            problems.append(f"a dead link: {target}")
    defined = set(re.findall(r"^\[([^\]]+)\]: ", body, re.MULTILINE))
    used = set(re.findall(r"\]\[([^\]]+)\]", body))
    problems.extend(f"the reference [{name}] is not defined" for name in sorted(used - defined))
    problems.extend(f"the reference [{name}] is not used" for name in sorted(defined - used))


def check(text, base, number=None):
    """Everything that is wrong with a text whose links begin at a folder."""
    problems = []
    check_preamble(text, number, problems)
    check_sections(text, problems)
    check_links(text, base, problems)
    return problems


def numbered(text, number, date):
    """A copy with a number and the date of its assignment."""
    text = text.replace("\n  BIP: ?\n", f"\n  BIP: {number}\n", 1)
    return text.replace("\n  Assigned: ?\n", f"\n  Assigned: {date}\n", 1)


def lay_out(text, number, folder):
    """Writes the copy and its folder, with the links changed to where the files are then. Returns the text."""
    own = f"bip-{number:04}"
    for source, target in sorted(FOLDER.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"\]\({re.escape(source)}(/?[^)]*)\)", rf"]({own}/{target}\1)", text)
    # What remains is code that no folder of a BIP holds: it is named, and a link has to be to its repository.
    text = re.sub(r"\[([^\]]+)\]\(interpreter/[^)]*\)", r"\1", text)
    for source, target in FOLDER.items():
        place = folder / own / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", ".gitignore"))
        else:
            shutil.copyfile(ROOT / source, place)
    for page in (folder / own).rglob("*.md"):
        page.write_text(without_dead_links(page), encoding="utf-8")
    (folder / f"{own}.md").write_text(text, encoding="utf-8")
    return text


def without_dead_links(page):
    """The text of a page whose links to files that are not there are only their words."""

    def word(link):
        alive = link[2].startswith(("http", "#")) or (page.parent / link[2]).exists()
        return link[0] if alive else link[1]

    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", word, page.read_text(encoding="utf-8"))


# What is wrong with a draft after each change, and a part of what must be said about it.
BROKEN = [
    ("  Layer: Consensus (soft fork)", "  Layer: Consensus", "Layer: unknown"),
    ("  Title: ", "  Title: " + 50 * "x", "longer than 50"),
    ("  Title: ", "  Title:  ", "too many spaces"),
    (">\n  Status", "\n  Status", "is not Name <mail@dom.ain>"),
    ("  Status: Draft", "  Status: Standards Track", "Status: unknown"),
    ("  Status: Draft", "  Status: Complete", "with the status Complete"),
    ("  Type: Specification\n", "", "Type: is missing"),
    ("  Type: Specification", "  Type: Standards Track", "Type: unknown"),
    ("  Assigned: ?", "  Assigned: 2026-13-01", "is not a date"),
    ("  Assigned: ?", "  Created: ?", "Created: unknown field"),
    ("  License: CC0-1.0", "  License: PD", "not acceptable"),
    ("  License: CC0-1.0", "  License: CC0-1.0 or MIT", "not acceptable"),
    ("  License: CC0-1.0", "  License: CC0-1.0\n           MIT", "more than one line"),
    ("  Version: 0.1.0", "  Version: 0.1", "MAJOR.MINOR.PATCH"),
    ("  Version: 0.1.0", "  Discussion: soon: https://example.org", "yyyy-mm-dd: URL"),
    ("  Version: 0.1.0\n  Requires: 340, 341, 342", "  Requires: 340, 341, 342\n  Version: 0.1.0", "order"),
    ("  Requires: 340, 341, 342", "  Requires: 340,341", "list of numbers"),
    ("  Requires: 340", "  Layer: Applications\n  Requires: 340", "Layer: twice"),
    ("  BIP: ?\n", "  BIP: 1\n", "is not the number"),
    ("```\n  BIP", "\n```\n  BIP", "not at the beginning"),
    ("  BIP: ?\n", "BIP: ?\n", "bad line"),
    ("## Rationale", "## Reasons", "the sections are"),
    ("## Abstract", "# Draft\n\n## Abstract", "first level"),
    ("## Copyright\n", "## Copyright\n\n[https://example.org a link]\n", "MediaWiki"),
    ("## Copyright\n", "## Copyright\n\n[[bip-0340.mediawiki|BIP 340]]\n", "MediaWiki"),
    ("## Copyright\n", "## Copyright\n\n[https://a.org](https://a.org)\n", "text is its address"),
    ("## Copyright\n", "## Copyright\n\n[a](nowhere.md)\n", "dead link"),
    ("## Copyright\n", "## Copyright\n\n[a](#nowhere)\n", "no heading"),
    ("## Copyright\n", "## Copyright\n\n[a][nowhere]\n", "is not defined"),
    ("## Copyright\n", "## Copyright\n\n[nobody]: https://a.org\n", "is not used"),
]


def selftest(text):
    """The changes of BROKEN that nothing was said about."""
    missed = [f"the draft itself: {problem}" for problem in check(text, ROOT)]
    for old, new, said in BROKEN:
        changed = text.replace(old, new, 1)
        if changed == text:
            missed.append(f"{old!r} is not in the draft")
        elif not any(said in problem for problem in check(changed, ROOT)):
            missed.append(f"{new!r} in place of {old!r} is not refused ({said})")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, help="the number to fill in")
    parser.add_argument("--date", help="the date to fill in")
    parser.add_argument("--folder", type=Path, help="a folder to lay the copy and its files out in")
    parser.add_argument("--selftest", action="store_true", help="check the checks")
    options = parser.parse_args()
    if (options.number is None) != (options.date is None):
        parser.error("--number and --date go together")
    if options.folder and options.number is None:
        parser.error("--folder needs --number and --date")
    try:
        text = (ROOT / DRAFT).read_text(encoding="utf-8")
        base = ROOT
        if options.selftest:
            problems = selftest(text)
        else:
            if options.number:
                text = numbered(text, options.number, options.date)
            if options.folder:
                text, base = lay_out(text, options.number, options.folder), options.folder
            problems = check(text, base, options.number)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    what = f"{len(BROKEN)} broken drafts" if options.selftest else DRAFT
    print(f"{what}: {len(problems)} problems" if problems else f"{what}: as it must be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
