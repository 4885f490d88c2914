#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Writes digests of signature and template messages as this implementation computes them.

    digest_table.py           writes interpreter/tests/digests.txt
    digest_table.py --check   exit status 1 if the file is not what this script writes

The interpreter's tests compare its digests with the table. Each line is a digest of the transaction
of the last line that begins with "tx"; "-" stands for nothing.
"""

import random
import sys
from pathlib import Path

import digests
from script import legacy_script_code
from transaction import Input, Output, Transaction, compact_size, le, sized

TABLE = Path(__file__).resolve().parents[2] / "interpreter/tests/digests.txt"

HEADER = """\
# Digests computed by test-vectors/reference/digest_table.py, which writes this file.
# tx TRANSACTION PREVOUT...
# legacy INPUT HASH_TYPE SCRIPT_CODE DIGEST
# bip143 INPUT HASH_TYPE SCRIPT_CODE DIGEST
# bip341 INPUT HASH_TYPE ANNEX DIGEST
# bip342 INPUT HASH_TYPE ANNEX LEAF_HASH CODESEP_POS DIGEST
# bip118 INPUT HASH_TYPE ANNEX LEAF_HASH CODESEP_POS DIGEST
# ctv INPUT DIGEST
# templatehash INPUT ANNEX DIGEST
"""

ECDSA_HASH_TYPES = (0x00, 0x01, 0x02, 0x03, 0x04, 0x1F, 0x43, 0x80, 0x81, 0x82, 0x83, 0xC3, 0xFF)
# With types that are not defined.
SCHNORR_HASH_TYPES = (*digests.BIP118_HASH_TYPES, 0x04, 0x40, 0x80, 0xC0, 0xC4, 0xFF)


class Draw:
    """Numbers and bytes that are the same in every run."""

    def __init__(self):
        self.random = random.Random(18)

    def number(self, size):
        return self.random.getrandbits(8 * size)

    def bytes(self, size):
        return le(self.number(size), size) if size else b""


def serialize(tx):
    """The serialization without witnesses."""
    inputs = b"".join(i.outpoint + sized(i.script_sig) + le(i.sequence, 4) for i in tx.inputs)
    outputs = b"".join(output.serialize() for output in tx.outputs)
    counts = compact_size(len(tx.inputs)), compact_size(len(tx.outputs))
    return le(tx.version, 4) + counts[0] + inputs + counts[1] + outputs + le(tx.lock_time, 4)


def make(draw, script_sigs, scripts, version=2, prevout_size=34):
    """A transaction with scriptSigs and output scripts of these sizes, and what it spends."""
    inputs = [Input(draw.bytes(36), draw.bytes(size), draw.number(4)) for size in script_sigs]
    outputs = [Output(draw.bytes(8), draw.bytes(size)) for size in scripts]
    prevouts = [Output(draw.bytes(8), draw.bytes(prevout_size)) for _ in script_sigs]
    return Transaction(version, inputs, outputs, draw.number(4)), prevouts


def transactions(draw):
    """Transactions at the borders of what digests tell apart, and the inputs that sign."""
    yield make(draw, [0], [22]), [0]
    # A scriptSig of another input; an input without an output of its index.
    yield make(draw, [0, 5, 0], [22, 34], version=1), [0, 1, 2]
    yield make(draw, [3, 253], []), [1]
    # Scripts at the border of the sizes of one byte.
    yield make(draw, [0, 0], [252, 253, 0], version=0xFFFFFFFF, prevout_size=253), [0, 1]
    yield make(draw, [0] * 253, [0] * 253, version=3, prevout_size=0), [252]


def show(data):
    if data is None:
        return "-"
    return data.hex() if data else '""'


def ecdsa(tx, prevouts, index, code, hash_type):
    # OP_CODESEPARATORs are left out of legacy script codes only.
    _, legacy = digests.legacy(tx, index, legacy_script_code(code), hash_type)
    _, bip143 = digests.bip143(tx, index, code, prevouts[index].amount, hash_type)
    yield "legacy", index, hash_type, show(code), show(legacy)
    yield "bip143", index, hash_type, show(code), show(bip143)


def schnorr(tx, prevouts, index, annex, hash_type, leaf, codesep_pos):
    found = digests.bip341(tx, index, prevouts, hash_type, annex)
    yield "bip341", index, hash_type, show(annex), show(found and found[1])
    for name in ("bip342", "bip118"):
        found = getattr(digests, name)(tx, index, prevouts, hash_type, annex, leaf, codesep_pos)
        yield name, index, hash_type, show(annex), show(leaf), codesep_pos, show(found and found[1])


def of_input(draw, tx, prevouts, index):
    for hash_type in ECDSA_HASH_TYPES:
        yield from ecdsa(tx, prevouts, index, b"\x51\xab\x02\xab\xab\xab\xac", hash_type)
    leaf, position = draw.bytes(32), draw.number(2)
    for hash_type in SCHNORR_HASH_TYPES:
        yield from schnorr(tx, prevouts, index, None, hash_type, leaf, digests.NO_CODESEPARATOR)
        yield from schnorr(tx, prevouts, index, b"\x50\x07", hash_type, leaf, position)
    # Lengths at the borders of their encodings.
    for code in (b"", b"\x61" * 252, b"\x61" * 253):
        yield from ecdsa(tx, prevouts, index, code, 0x01)
    for annex in (None, b"\x50", b"\x50" + draw.bytes(251), b"\x50" + draw.bytes(252)):
        yield from schnorr(tx, prevouts, index, annex, 0x00, leaf, position)
        yield "templatehash", index, show(annex), show(digests.template_hash(tx, index, annex)[1])
    yield "ctv", index, show(digests.ctv(tx, index)[1])


def table():
    draw = Draw()
    lines = [HEADER.rstrip("\n")]
    for (tx, prevouts), signers in transactions(draw):
        lines.append(" ".join(["tx", show(serialize(tx)), *(show(it.serialize()) for it in prevouts)]))
        for index in signers:
            lines += (" ".join(map(str, line)) for line in of_input(draw, tx, prevouts, index))
    return "\n".join(lines) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        TABLE.write_text(table())
        return 0
    if TABLE.read_text() == table():
        return 0
    print(f"{TABLE} is not what digest_table.py writes", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
