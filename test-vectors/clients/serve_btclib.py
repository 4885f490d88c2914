#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Answers the cases of `sigstack conform` with btclib (https://pypi.org/project/btclib), which has today's rules.

    pip install btclib
    sigstack conform -- python3 serve_btclib.py
"""

import json
import sys

from btclib.exceptions import ScriptError
from btclib.script.engine import ScriptFlag, verify_input
from btclib.tx.tx import Tx
from btclib.tx.tx_out import TxOut


def answer(case):
    if case["index"] == "all":
        return "? a question about a whole transaction"
    flags = case["flags"]
    unknown = sorted(set(flags.split(",")) - {"NONE", *ScriptFlag.__members__})
    if unknown:
        return f"? unknown flag {unknown[0]}"
    try:
        # The transactions of the vectors need not be valid in every other respect.
        tx = Tx.parse(bytes.fromhex(case["tx"]), check_validity=False)
        prevouts = [TxOut.parse(bytes.fromhex(output), check_validity=False) for output in case["prevouts"]]
    except Exception as error:
        return f"? {type(error).__name__}: {error}"
    try:
        verify_input(prevouts, tx, case["index"], flags)
    except ScriptError as error:
        return error.code.name
    # Any other exception ends the process, which `sigstack conform` reports.
    return "OK"


for line in sys.stdin:
    print(" ".join(answer(json.loads(line)).split()), flush=True)
