#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Checks test vectors against this implementation: every verdict and every intermediate value.

    check.py [--values] [PATH...]   files or folders; without one, every vector file beside this folder

With --values only the cases that list values are verified; `sigstack conform` compares the verdicts of all.

Exit status: 0 if everything agreed and at least one case ran, 1 if not, 2 if a file could not be
read.
"""

import gzip
import json
import multiprocessing
import sys
import zlib
from pathlib import Path

from script import ALL_FLAGS, CORE_FLAGS, PROPOSALS
from transaction import parse_output, parse_transaction
from verify import usage_error, verify
from whole import TRANSACTION_FLAGS, verify_transaction

PROCESSES = 2

# A vector in the shape of BIP 446's basics.json names no flags: it is about a proposal, so all of
# them are active, on top of today's consensus rules.
CONSENSUS_FLAGS = frozenset(
    """P2SH DERSIG NULLDUMMY CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY WITNESS TAPROOT""".split()
)
assert CONSENSUS_FLAGS <= CORE_FLAGS
BASICS_FLAGS = CONSENSUS_FLAGS | PROPOSALS

# What `index` is in a case about a whole transaction.
ALL = "all"


class Unreadable(Exception):
    """The file, or the named field of a case in it, is not what the format says."""


# Reading the fields of a record.


def get(record, name, kind, default=None):
    if name not in record and default is not None:
        return default
    if name not in record:
        raise Unreadable(f"field {name}: missing")
    value = record[name]
    # In Python a boolean is an integer too.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Unreadable(f"field {name}: not of type {kind.__name__}")
    return value


def from_hex(text, name):
    # bytes.fromhex allows white space, which no vector should have.
    if not isinstance(text, str) or any(character.isspace() for character in text):
        raise Unreadable(f"field {name}: not hex text")
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Unreadable(f"field {name}: not hex text") from None


def parse(function, text, name):
    try:
        return function(from_hex(text, name))
    except ValueError as error:
        raise Unreadable(f"field {name}: {error}") from None


def get_index(record, name):
    return get(record, name, int)


def get_subject(record, name):
    """The number of an input, or the word for the whole transaction."""
    return ALL if record.get(name) == ALL else get_index(record, name)


def read_spend(record, tx_name, index_name, prevouts_name, read_index=get_index):
    tx = parse(parse_transaction, get(record, tx_name, str), tx_name)
    index = read_index(record, index_name)
    texts = get(record, prevouts_name, list)
    prevouts = [parse(parse_output, text, prevouts_name) for text in texts]
    if index != ALL and not 0 <= index < len(tx.inputs):
        raise Unreadable(f"field {index_name}: the transaction has no such input")
    if len(prevouts) != len(tx.inputs):
        raise Unreadable(f"field {prevouts_name}: not as many as inputs")
    return tx, index, prevouts


def read_flags(text):
    flags = frozenset() if text in ("", "NONE") else frozenset(text.split(","))
    for flag in sorted(flags - ALL_FLAGS - TRANSACTION_FLAGS):
        raise Unreadable(f"field flags: unknown flag {flag}")
    if usage_error(flags):
        raise Unreadable(f"field flags: {usage_error(flags)}")
    return flags


# Checking. Each checker takes a record and yields one Outcome for each spend in it.


class Outcome:
    """What came of one spend: the complaints about it, and how many values were compared."""

    def __init__(self):
        self.complaints = []
        self.values_compared = 0

    def expect(self, what, expected, got):
        # As JSON, since Python takes true, 1 and 1.0 for equal.
        if json.dumps(expected, sort_keys=True) != json.dumps(got, sort_keys=True):
            self.complaints.append(f"{what}: expected {expected}, got {got}")

    def expect_values(self, record, got):
        """The field `values`, where there is one: the same entries in the same order."""
        if "values" not in record:
            return
        expected = get(record, "values", list)
        self.values_compared += len(expected)
        for number, (a, b) in enumerate(zip(expected, got, strict=False)):
            self.expect(f"value {number}", a, b)
        self.expect("number of values", len(expected), len(got))


def judge(record):
    """The verdict and the values of a case of this project's format.

    Its `index` is that of an input, or the word `all` for the whole transaction.
    """
    tx, subject, prevouts = read_spend(record, "tx", "index", "prevouts", get_subject)
    flags = read_flags(get(record, "flags", str))
    if subject == ALL:
        return verify_transaction(tx, prevouts, flags)
    return verify(tx, subject, prevouts, flags)


def check_case(record):
    """The case format of this project."""
    outcome = Outcome()
    expected = get(record, "expect", str)
    verdict, values = judge(record)
    outcome.expect("verdict", expected, verdict)
    outcome.expect_values(record, values)
    yield outcome


def check_basics(record):
    """The shape of BIP 446's basics.json: a transaction that is valid or not.

    Beyond the fields of that file a record may have `flags`, `expect` and `values` as cases do,
    and an object `intermediary` of single values: see check_intermediary.
    """
    outcome = Outcome()
    tx, index, prevouts = read_spend(record, "spending_tx", "input_index", "spent_outputs")
    flags = read_flags(get(record, "flags", str)) if "flags" in record else BASICS_FLAGS
    verdict, values = verify(tx, index, prevouts, flags)
    valid = get(record, "valid", bool)
    if valid != (verdict == "OK"):
        outcome.complaints.append(f"expected valid to be {valid}, got the verdict {verdict}")
    if "expect" in record:
        outcome.expect("verdict", get(record, "expect", str), verdict)
    outcome.expect_values(record, values)
    if "intermediary" in record:
        check_intermediary(outcome, get(record, "intermediary", dict), values)
    yield outcome


def check_intermediary(outcome, expected, values):
    """Single values by name: KIND_FIELD is that field of the first value of that kind.

    So ctv_digest, templatehash_preimage, csfs_message, sighash_hash_type and so on.
    """
    for name, value in expected.items():
        kind, _, field = name.partition("_")
        found = [entry for entry in values if entry["kind"] == kind]
        outcome.values_compared += 1
        outcome.expect(name, value, found[0].get(field) if found else None)


def check_assets(record):
    """The shape of Core's script_assets_test.json: two ways to fill in the same input."""
    flags = read_flags(get(record, "flags", str))
    if not record.keys() & {"success", "failure"}:
        raise Unreadable("field success or failure: missing")
    for name, should_pass in (("success", True), ("failure", False)):
        if name not in record:
            continue
        outcome = Outcome()
        tx, index, prevouts = read_spend(record, "tx", "index", "prevouts")
        attempt = get(record, name, dict)
        tx.inputs[index].script_sig = from_hex(get(attempt, "scriptSig", str), "scriptSig")
        witness = get(attempt, "witness", list)
        tx.inputs[index].witness = [from_hex(item, "witness") for item in witness]
        verdict, values = verify(tx, index, prevouts, flags)
        if should_pass != (verdict == "OK"):
            outcome.complaints.append(f"expected {name}, got the verdict {verdict}")
        outcome.expect_values(attempt, values)
        yield outcome


# A file is known by the fields that all of its records have.
FORMATS = [
    ("cases", {"tx", "index", "prevouts", "flags", "expect"}, check_case),
    ("basics", {"spending_tx", "spent_outputs", "input_index"}, check_basics),
    ("assets", {"tx", "index", "prevouts", "flags"}, check_assets),
]
CHECKERS = {name: checker for name, _, checker in FORMATS}


def check_record(job):
    """Runs in a worker; returns (outcomes, what could not be read or None)."""
    format_name, record = job
    if not isinstance(record, dict):
        return [], "not an object"
    try:
        return list(CHECKERS[format_name](record)), None
    except Unreadable as error:
        return [], str(error)


# Files.


def read_records(path):
    """The records of a file: the elements of its array, or its lines."""
    place = "JSON"
    try:
        data = path.read_bytes()
        if path.name.endswith(".gz"):
            data = gzip.decompress(data)
        text = data.decode()
        if not path.name.removesuffix(".gz").endswith(".jsonl"):
            return json.loads(text)
        records = []
        for number, line in enumerate(text.split("\n"), 1):
            place = f"line {number}"
            if line.strip():
                records.append(json.loads(line))
        return records
    except json.JSONDecodeError as error:
        raise Unreadable(f"{place}: {error}") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Unreadable(str(error)) from None


def recognise(records):
    """The format's name, or None.

    The first record decides; a later one that lacks a field is a mistake in a vector file, and
    not a sign of another kind of file.
    """
    if not isinstance(records, list) or not records or not isinstance(records[0], dict):
        return None
    for name, fields, _ in FORMATS:
        if fields <= records[0].keys():
            return name
    return None


def find_files(folder):
    suffixes = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        # Hidden folders and a compiler's output hold no vectors.
        if any(part.startswith(".") or part == "target" for part in parts):
            continue
        if path.is_file() and path.name.endswith(suffixes):
            yield path


def title(number, record):
    known = record if isinstance(record, dict) else {}
    names = [str(known[name]) for name in ("id", "comment") if name in known]
    return f"case {number} ({': '.join(names) or 'no comment'})"


def has_values(record):
    return isinstance(record, dict) and not record.keys().isdisjoint(("values", "intermediary"))


class Run:
    def __init__(self, pool, values_only):
        self.pool = pool
        self.values_only = values_only
        self.cases = self.agreed = self.values = 0
        self.unreadable = False

    def complain(self, path, message):
        self.unreadable = True
        print(f"{path}: cannot be read: {message}", file=sys.stderr)

    def check_file(self, path, named):
        try:
            records = read_records(path)
        except Unreadable as error:
            self.complain(path, error)
            return
        format_name = recognise(records)
        if format_name is None:
            if named:
                self.complain(path, "not a vector file")
            else:
                print(f"{path}: not a vector file")
            return
        cases = agreed = values = 0
        numbered = [pair for pair in enumerate(records) if not self.values_only or has_values(pair[1])]
        jobs = ((format_name, record) for _, record in numbered)
        results = self.pool.imap(check_record, jobs, chunksize=8)
        for (number, record), (outcomes, unreadable) in zip(numbered, results, strict=True):
            if unreadable:
                self.complain(path, f"{title(number, record)}: {unreadable}")
            for outcome in outcomes:
                cases += 1
                agreed += not outcome.complaints
                values += outcome.values_compared
                for complaint in outcome.complaints:
                    print(f"{path}: {title(number, record)}: {complaint}")
        print(f"{path}: {cases} cases, {agreed} agreed, {values} values compared")
        self.cases += cases
        self.agreed += agreed
        self.values += values

    def status(self):
        if self.unreadable:
            return 2
        return 0 if self.cases and self.agreed == self.cases else 1


def main(arguments):
    values_only = "--values" in arguments
    paths = [Path(argument) for argument in arguments if argument != "--values"]
    if not paths:
        paths = [Path(__file__).resolve().parent.parent]
    with multiprocessing.Pool(PROCESSES) as pool:
        run = Run(pool, values_only)
        for path in paths:
            if path.is_dir():
                for file in find_files(path):
                    run.check_file(file, named=False)
            else:
                run.check_file(path, named=True)
    print(f"total: {run.cases} cases, {run.agreed} agreed, {run.values} values compared")
    if not run.cases:
        print("no case was run", file=sys.stderr)
    return run.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
