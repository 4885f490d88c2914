# SPDX-License-Identifier: CC0-1.0
"""Reads the vector files that a proposal's mutants meet, and runs a copy of the reference over their cases."""

import gc
import json
import resource
import signal
import sys
from pathlib import Path

from reference import STEPS, TooManySteps

VECTORS = Path(__file__).resolve().parents[3] / "test-vectors"
# A mutant may take this many times the steps that the reference takes for a case, and some more.
STEPS_TIMES, STEPS_MORE = 20, 20_000
# Large integers and byte strings are no loops; these limits are far above what any case needs.
SECONDS, MEMORY = 20, 4 << 30


class Case:
    """One input or one whole transaction to verify, with what the file expects."""

    def __init__(self, name, rule, spend, flags, expected, twin=None):
        self.name, self.rule, self.twin = name, rule, twin
        # The index is that of an input, or the word `all`.
        self.tx_hex, self.index, self.prevouts_hex, self.attempt = spend
        self.flags = frozenset() if flags in ("", "NONE") else frozenset(flags.split(","))
        # OK, the name of an error, or None for a rejected case whose error the file does not name.
        self.expected = expected
        self.steps, self.seconds = STEPS_MORE, 0.0
        self.built = None

    def build(self, transaction):
        tx = transaction.parse_transaction(bytes.fromhex(self.tx_hex))
        prevouts = [transaction.parse_output(bytes.fromhex(text)) for text in self.prevouts_hex]
        if self.attempt is not None:
            tx.inputs[self.index].script_sig = bytes.fromhex(self.attempt["scriptSig"])
            tx.inputs[self.index].witness = [bytes.fromhex(item) for item in self.attempt["witness"]]
        return tx, prevouts

    def run(self, modules, own_transactions=False):
        """The verdict of a copy of the reference: OK, the name of an error, or what went wrong with the copy.

        `own_transactions`: the copy's transaction module is changed, so the transaction must be built by it.
        """
        STEPS.reset(self.steps)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            if own_transactions or self.built is None:
                built = self.build(modules["transaction"])
                if not own_transactions:
                    self.built = (*built, witnesses(built[0]))
            tx, prevouts = built if own_transactions else self.built[:2]
            if self.index == "all":
                return modules["whole"].verify_transaction(tx, prevouts, self.flags)[0]
            return modules["verify"].verify(tx, self.index, prevouts, self.flags)[0]
        except TooManySteps:
            return "does not end"
        except Exception as error:
            return f"crashes: {type(error).__name__}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            # A mutant may have changed the transaction that the next one gets.
            if self.built is not None and witnesses(self.built[0]) != self.built[2]:
                self.built = None

    def differs(self, verdict):
        """How a verdict differs from the expected one: `verdict`, `error`, or an empty text."""
        if (verdict == "OK") != (self.expected == "OK") or verdict.startswith(("crashes", "does not")):
            return "verdict"
        return "error" if self.expected not in (None, verdict) else ""


def witnesses(tx):
    """Copies of the witness of each input."""
    return [list(txin.witness) for txin in tx.inputs]


def limit_this_process():
    """A mutant can ask for as much time and memory as it likes."""

    def too_long(*_):
        raise TooManySteps

    signal.signal(signal.SIGALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.setrecursionlimit(500)
    # The cases are many and stay.
    gc.freeze()


def files(folders):
    """The files that have the cases: those of these folders below `test-vectors`, or the files that are named themselves."""
    found = []
    for folder in folders:
        path = VECTORS / folder
        found.extend([path] if path.is_file() else sorted(path.glob("*.json*")))
    return [path for path in found if path.name in READERS or path.suffix == ".jsonl"]


def read(folders):
    """Every case of these folders and files below `test-vectors`, once."""
    cases = []
    for path in files(folders):
        text = path.read_text()
        records = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
        cases.extend(READERS.get(path.name, own)(records))
    return cases


def own(records):
    for record in records:
        spend = (record["tx"], record["index"], record["prevouts"], None)
        yield Case(record["id"], record.get("rule"), spend, record["flags"], record["expect"], record.get("twin"))


def assets(records):
    for number, record in enumerate(records):
        for part in ("success", "failure"):
            if part in record:
                attempt = record[part]
                spend = (record["tx"], record["index"], record["prevouts"], attempt)
                expected = "OK" if part == "success" else attempt.get("expect")
                name = record.get(f"{part}_id") or f"{record['comment']} ({number}, {part})"
                yield Case(name, attempt.get("rule"), spend, record["flags"], expected)


# Other .json files have no further cases: those of basics.json are those of script_assets_test.json.
READERS = {"script_assets_test.json": assets}
