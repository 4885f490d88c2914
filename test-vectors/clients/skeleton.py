#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""The beginning of a client for `sigstack conform`: it accepts every case whose flags it knows. Replace `verify`.

    sigstack conform --id verdict/bare -- python3 skeleton.py
"""

import json
import sys

# The flags that the implementation enforces. A case with another flag may have another verdict under it.
KNOWN = {"NONE", "P2SH", "DERSIG", "NULLDUMMY", "CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY", "WITNESS", "TAPROOT"}


def verify(tx, index, prevouts, flags):
    """Returns the error's name, or None if the input is valid under exactly these flags."""


for line in sys.stdin:
    case = json.loads(line)
    flags = set(case["flags"].split(","))
    if flags - KNOWN:
        answer = f"? unknown flag {min(flags - KNOWN)}"
    elif case["index"] == "all":
        # An implementation that verifies whole transactions answers these too.
        answer = "? a question about a whole transaction"
    else:
        prevouts = [bytes.fromhex(prevout) for prevout in case["prevouts"]]
        answer = verify(bytes.fromhex(case["tx"]), case["index"], prevouts, flags) or "OK"
    # Without the flush the answer stays in a buffer, and the case has no answer.
    print(answer, flush=True)
