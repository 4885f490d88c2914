#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Answers the cases of `sigstack conform` with python-bitcoinlib (https://pypi.org/project/python-bitcoinlib), which has the
rules before segregated witness and names no errors.

    pip install python-bitcoinlib
    sigstack conform -- python3 serve_python_bitcoinlib.py
"""

import json
import sys

from bitcoin.core import CTransaction, CTxOut, ValidationError
from bitcoin.core.script import CScript
from bitcoin.core.scripteval import SCRIPT_VERIFY_FLAGS_BY_NAME, VerifyScript

OP_CHECKSEQUENCEVERIFY = 0xB2
# Rules that are missing in the package: a case can be answered if it has nothing that they are about.
WITNESS_RULES = {"WITNESS", "TAPROOT"}


def is_witness_program(script):
    return 4 <= len(script) <= 42 and script[0] in (0, *range(0x51, 0x61)) and script[1] + 2 == len(script)


def answer(case):
    if case["index"] == "all":
        return "? a question about a whole transaction"
    tx = CTransaction.deserialize(bytes.fromhex(case["tx"]))
    index = case["index"]
    script_pubkey = CTxOut.deserialize(bytes.fromhex(case["prevouts"][index])).scriptPubKey
    script_sig = tx.vin[index].scriptSig
    missing = set(case["flags"].split(",")) - {"NONE", *SCRIPT_VERIFY_FLAGS_BY_NAME}
    # In P2SH the script is the last push, so that a witness program would be at the end of the scriptSig.
    has_witness = tx.wit.vtxinwit and len(tx.wit.vtxinwit[index].scriptWitness.stack) > 0
    programs = any(is_witness_program(script_sig[at:]) for at in range(len(script_sig))) or is_witness_program(script_pubkey)
    if not has_witness and not programs:
        missing -= WITNESS_RULES
    if OP_CHECKSEQUENCEVERIFY not in script_sig + script_pubkey:
        missing.discard("CHECKSEQUENCEVERIFY")
    if missing:
        return f"? unknown flag {sorted(missing)[0]}"
    flags = {flag for name, flag in SCRIPT_VERIFY_FLAGS_BY_NAME.items() if name in case["flags"].split(",")}
    try:
        VerifyScript(CScript(script_sig), CScript(script_pubkey), tx, index, flags)
    except ValidationError as error:
        return f"error {type(error).__name__}: {error}"
    # Any other exception ends the process, which `sigstack conform` reports.
    return "OK"


for line in sys.stdin:
    print(" ".join(answer(json.loads(line)).split()), flush=True)
