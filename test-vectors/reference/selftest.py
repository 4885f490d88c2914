#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Tests this implementation against vectors that others have published.

    selftest.py FOLDER      the folder that has the files named in TESTS below

Files in the formats that check.py reads are left to check.py. Exit status: 0 if all agreed, 1 if
not, 2 if a file could not be read.
"""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path

import digests
import script
import secp256k1
import whole
from check import CONSENSUS_FLAGS
from ripemd160 import ripemd160
from transaction import Input, Output, Transaction, hash256, le, parse_transaction, sized
from verify import usage_error, verify

# BIP 341, Constructing and spending Taproot outputs: a point that nobody knows the key of.
NUMS = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")


class Tally:
    """Counts of one file, and a line for each disagreement."""

    def __init__(self, name):
        self.name = name
        self.count = self.agreed = 0

    def check(self, title, expected, got):
        self.count += 1
        self.agreed += expected == got
        if expected != got:
            print(f"{self.name}: {title}: expected {expected}, got {got}")


def verdict(tx, index, prevouts, flags):
    return verify(tx, index, prevouts, frozenset(flags))[0]


# Hashes and signatures.


def test_ripemd160(tally, _):
    """The vectors of the RIPEMD-160 paper, appendix B."""
    for message, digest in (
        (b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        (b"1234567890" * 8, "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
    ):
        tally.check(message, digest, ripemd160(message).hex())


def test_bip340(tally, path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            names = ("public key", "message", "signature")
            arguments = (bytes.fromhex(row[name]) for name in names)
            expected = row["verification result"] == "TRUE"
            tally.check(row["index"], expected, secp256k1.schnorr_verify(*arguments))


# Digests.


def test_sighash(tally, path):
    for row in json.loads(path.read_text())[1:]:
        raw, script_hex, index, hash_type, expected = row
        script_code = script.legacy_script_code(bytes.fromhex(script_hex))
        tx = parse_transaction(bytes.fromhex(raw))
        _, digest = digests.legacy(tx, index, script_code, hash_type)
        tally.check(raw, expected, digest[::-1].hex())


def test_ctvhash(tally, path):
    for entry in json.loads(path.read_text()):
        if isinstance(entry, str):
            continue
        tx = parse_transaction(bytes.fromhex(entry["hex_tx"]))
        for index, expected in zip(entry["spend_index"], entry["result"], strict=True):
            tally.check(entry["desc"], expected, digests.ctv(tx, index)[1].hex())


def tree_hash(tree, leaf_hashes):
    """The root of a tree in the form of BIP 341's wallet vectors; notes each leaf's hash."""
    if tree is None:
        return b""
    if isinstance(tree, list):
        left, right = (tree_hash(branch, leaf_hashes) for branch in tree)
        return digests.tapbranch(left, right)[1]
    leaf = digests.tapleaf(tree["leafVersion"], bytes.fromhex(tree["script"]))[1]
    leaf_hashes[tree["id"]] = leaf.hex()
    return leaf


def test_bip341_wallet(tally, path):
    vectors = json.loads(path.read_text())
    for number, vector in enumerate(vectors["scriptPubKey"]):
        given, middle = vector["given"], vector["intermediary"]
        leaf_hashes = {}
        root = tree_hash(given["scriptTree"], leaf_hashes)
        if given["scriptTree"] is not None:
            tally.check(f"output {number}: root", middle["merkleRoot"], root.hex())
            expected = dict(enumerate(middle["leafHashes"]))
            tally.check(f"output {number}: leaves", expected, leaf_hashes)
        point, tweak = secp256k1.taproot_tweak(bytes.fromhex(given["internalPubkey"]), root)
        output_key = le(point[0], 32)[::-1].hex()
        tally.check(f"output {number}: tweak", middle["tweak"], tweak.hex())
        tally.check(f"output {number}: key", middle["tweakedPubkey"], output_key)

    for spending in vectors["keyPathSpending"]:
        tx = parse_transaction(bytes.fromhex(spending["given"]["rawUnsignedTx"]))
        prevouts = [
            Output(le(spent["amountSats"], 8), bytes.fromhex(spent["scriptPubKey"]))
            for spent in spending["given"]["utxosSpent"]
        ]
        parts = {
            "hashAmounts": digests.sha_amounts(prevouts),
            "hashOutputs": digests.sha_outputs(tx),
            "hashPrevouts": digests.sha_prevouts(tx),
            "hashScriptPubkeys": digests.sha_scriptpubkeys(prevouts),
            "hashSequences": digests.sha_sequences(tx),
        }
        for name, expected in spending["intermediary"].items():
            tally.check(name, expected, parts[name].hex())
        # The whole transaction, in which the inputs that are not taproot are signed already.
        signed = parse_transaction(bytes.fromhex(spending["auxiliary"]["fullySignedTx"]))
        for index in range(len(signed.inputs)):
            tally.check(f"input {index}", "OK", verdict(signed, index, prevouts, CONSENSUS_FLAGS))
        for vector in spending["inputSpending"]:
            index, hash_type = vector["given"]["txinIndex"], vector["given"]["hashType"]
            preimage, digest = digests.bip341(tx, index, prevouts, hash_type, None)
            middle = vector["intermediary"]
            tally.check(f"input {index}: message", middle["sigMsg"], preimage.hex())
            tally.check(f"input {index}: digest", middle["sigHash"], digest.hex())
            signed.inputs[index].witness = [bytes.fromhex(w) for w in vector["expected"]["witness"]]
            tally.check(f"input {index}", "OK", verdict(signed, index, prevouts, CONSENSUS_FLAGS))


# Scripts in the assembly of Core's tests.

NAMES = {
    name.removeprefix("OP_"): value
    for name, value in vars(script).items()
    if name.startswith("OP_") and isinstance(value, int) and value > script.OP_16
}
# Opcodes that the interpreter knows no name for, since they do nothing but fail or succeed.
NAMES |= {
    "RESERVED": 0x50, "VER": 0x62, "RESERVED1": 0x89, "RESERVED2": 0x8A, "NOP2": 0xB1,
    "NOP3": 0xB2, "NOP4": 0xB3, "SUBSTR": 0x7F, "LEFT": 0x80, "RIGHT": 0x81, "INVERT": 0x83,
    "AND": 0x84, "OR": 0x85, "XOR": 0x86, "2MUL": 0x8D, "2DIV": 0x8E, "MUL": 0x95, "DIV": 0x96,
    "MOD": 0x97, "LSHIFT": 0x98, "RSHIFT": 0x99, "INVALIDOPCODE": 0xFF, "1NEGATE": 0x4F,
}  # fmt: skip


def assemble(text):
    """Numbers and 'text' are pushed, 0x-hex is copied as it is, names are opcodes."""
    result = b""
    for word in text.split():
        if word.lstrip("-").isdigit():
            value = int(word)
            if value == 0 or value == -1 or 1 <= value <= 16:
                result += le(value + 0x50 if value else 0, 1)
            else:
                result += script.push(script.encode_number(value))
        elif word.startswith("0x"):
            result += bytes.fromhex(word[2:])
        elif word.startswith("'") and word.endswith("'") and len(word) >= 2:
            result += script.push(word[1:-1].encode())
        else:
            result += le(NAMES[word.removeprefix("OP_")], 1)
    return result


def fill_in(flags):
    """The flags that others need are added, as Core's own runner does."""
    if "CLEANSTACK" in flags:
        flags = flags | {"P2SH", "WITNESS"}
    return flags | {"P2SH"} if "WITNESS" in flags else flags


def read_core_flags(text):
    """In Core's files an opcode that Core does not know is discouraged by the general flags."""
    flags = frozenset() if text in ("", "NONE") else frozenset(text.split(","))
    if "DISCOURAGE_UPGRADABLE_NOPS" in flags:
        flags |= {"DISCOURAGE_CHECKTEMPLATEVERIFY"}
    if "DISCOURAGE_OP_SUCCESS" in flags:
        flags |= {f"DISCOURAGE_{name}" for name, _ in script.REDEFINED_OP_SUCCESS.values()}
    if "DISCOURAGE_UPGRADABLE_PUBKEYTYPE" in flags:
        flags |= {"DISCOURAGE_ANYPREVOUT"}
    return flags


# Verdicts that older files name otherwise than Core does now, by the name of now.
OLDER_NAMES = {
    "SCRIPTNUM": {"UNKNOWN_ERROR"},
    "TAPSCRIPT_EMPTY_PUBKEY": {"PUBKEYTYPE"},
    "INVALID_STACK_OPERATION": {"UNBALANCED_CONDITIONAL"},
}


def credit_and_spend(script_sig, script_pubkey, witness, amount):
    """The two transactions of Core's script_tests."""
    credit_output = Output(le(amount, 8), script_pubkey)
    # Version 1, one input that spends nothing with the scriptSig "0 0", final, no lock time.
    credit = le(1, 4) + le(1, 1) + bytes(32) + b"\xff" * 4 + sized(b"\x00\x00") + b"\xff" * 4
    credit += le(1, 1) + credit_output.serialize() + le(0, 4)
    spend_input = Input(hash256(credit) + le(0, 4), script_sig, 0xFFFFFFFF, witness)
    return Transaction(1, [spend_input], [Output(le(amount, 8), b"")], 0), [credit_output]


def read_witness(items, script_pubkey):
    """Hex, or the macros for a tree of one leaf over the NUMS point."""
    witness, control_block = [], b""
    for item in items:
        if item.startswith("#SCRIPT#"):
            leaf = assemble(item.removeprefix("#SCRIPT#"))
            root = digests.tapleaf(0xC0, leaf)[1]
            (x, y), _ = secp256k1.taproot_tweak(NUMS, root)
            control_block = le(0xC0 | y & 1, 1) + NUMS
            script_pubkey = script_pubkey.replace("#TAPROOTOUTPUT#", f"0x{x:064x}")
            witness.append(leaf)
        elif item == "#CONTROLBLOCK#":
            witness.append(control_block)
        else:
            witness.append(bytes.fromhex(item))
    return witness, script_pubkey


def test_script_tests(tally, path):
    for row in json.loads(path.read_text()):
        if len(row) == 1:
            continue
        witness, amount = [], 0
        if isinstance(row[0], list):
            *items, coins = row[0]
            # The amount is written in decimal and must not pass through a binary fraction.
            amount = int(Decimal(str(coins)) * 100_000_000)
            witness, row[2] = read_witness(items, row[2])
            row = row[1:]
        script_sig, script_pubkey, flags, expected, *_ = row
        tx, prevouts = credit_and_spend(
            assemble(script_sig), assemble(script_pubkey), witness, amount
        )
        flags = fill_in(read_core_flags(flags))
        got = verdict(tx, 0, prevouts, flags)
        if expected in OLDER_NAMES.get(got, ()):
            got = expected
        tally.check(row, expected, got)


def read_transaction_row(row):
    """Returns the transaction and the outputs that it spends, in the order of its inputs."""
    spent, raw, flags = row
    tx = parse_transaction(bytes.fromhex(raw))
    outputs = {}
    for txid, position, script_pubkey, *amount in spent:
        outpoint = bytes.fromhex(txid)[::-1] + le(position % 2**32, 4)
        outputs[outpoint] = Output(le((amount or [0])[0], 8), assemble(script_pubkey))
    return tx, [outputs[txin.outpoint] for txin in tx.inputs], flags


def test_tx_valid(tally, path):
    """The flags of a row are those to leave out of all of Core's."""
    for row in json.loads(path.read_text()):
        if len(row) == 1:
            continue
        tx, prevouts, excluded = read_transaction_row(row)
        flags = script.CORE_FLAGS - frozenset(excluded.split(","))
        # What the excluded flags are needed for goes with them.
        if "P2SH" not in flags:
            flags -= {"WITNESS", "CLEANSTACK"}
        if "WITNESS" not in flags:
            flags -= {"CLEANSTACK"}
        flags = read_core_flags(",".join(flags))
        assert usage_error(flags) is None
        got = [verdict(tx, index, prevouts, flags) for index in range(len(tx.inputs))]
        tally.check(row[1], ["OK"] * len(got), got)


def test_tx_invalid(tally, path):
    """The flags of a row are those to verify with; BADTX is a matter of the whole transaction."""
    for row in json.loads(path.read_text()):
        if len(row) == 1 or row[2] == "BADTX":
            continue
        tx, prevouts, named = read_transaction_row(row)
        flags = fill_in(read_core_flags(named))
        verdicts = [verdict(tx, index, prevouts, flags) for index in range(len(tx.inputs))]
        tally.check(row[1], True, any(got != "OK" for got in verdicts))


def test_sequence(tally, path):
    """Leaves without a transaction, each wrapped into an output of its own."""
    vectors = json.loads(path.read_text())
    internal_key = bytes.fromhex(vectors["internal_key"])
    flags = CONSENSUS_FLAGS | {"CHECKSIGFROMSTACK", "OP_CAT", "INTERNALKEY", "PAIRCOMMIT"}
    for case in vectors["cases"]:
        leaf = bytes.fromhex(case["script"])
        (x, y), _ = secp256k1.taproot_tweak(internal_key, digests.tapleaf(0xC0, leaf)[1])
        witness = [bytes.fromhex(item) for item in case["witness"]]
        witness += [leaf, le(0xC0 | y & 1, 1) + internal_key]
        script_pubkey = b"\x51\x20" + le(x, 32)[::-1]
        tx, prevouts = credit_and_spend(b"", script_pubkey, witness, 0)
        for name, active in (
            ("consensus_ok", flags),
            ("ok_with_minimaldata", flags | {"MINIMALDATA"}),
        ):
            got = verdict(tx, 0, prevouts, active)
            tally.check(f"{case['note']}: {name}, {got}", case[name], got == "OK")


def test_txsize(tally, path):
    """BIP 54's transactions of 64 bytes and of other sizes, without what they spend."""
    for case in json.loads(path.read_text()):
        tx = parse_transaction(bytes.fromhex(case["tx"]))
        try:
            whole.check_size(tx, {"FORBID_64_BYTE_TX"})
            got = True
        except script.ScriptError:
            got = False
        tally.check(case["comment"], case["valid"], got)


TESTS = [
    ("RIPEMD-160", test_ripemd160),
    ("bip340/test-vectors.csv", test_bip340),
    ("core/sighash.json", test_sighash),
    ("bip119/ctvhash.json", test_ctvhash),
    ("bip54/txsize.json", test_txsize),
    ("core/bip341_wallet_vectors.json", test_bip341_wallet),
    ("core/script_tests.json", test_script_tests),
    ("core/tx_valid.json", test_tx_valid),
    ("core/tx_invalid.json", test_tx_invalid),
    ("sequence/cases.json", test_sequence),
]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    status = 0
    for name, test in TESTS:
        tally = Tally(name)
        try:
            test(tally, Path(arguments[0]) / name)
        except OSError as error:
            print(f"{name}: cannot be read: {error}", file=sys.stderr)
            return 2
        print(f"{name}: {tally.count} checks, {tally.agreed} agreed")
        if not tally.count or tally.agreed != tally.count:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
