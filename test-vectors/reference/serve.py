#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Answers the cases of `sigstack conform`: a JSON case a line in, a line out.

    sigstack conform --errors -- python3 test-vectors/reference/serve.py
"""

import json
import sys

from check import Unreadable, get, read_flags, read_spend
from verify import verify


def answer(line):
    """OK, the error's name, or ? with a reason if the line is no case or has a flag that is unknown here."""
    try:
        case = json.loads(line)
        tx, index, prevouts = read_spend(case, "tx", "index", "prevouts")
        flags = read_flags(get(case, "flags", str))
    except (Unreadable, json.JSONDecodeError, AttributeError) as error:
        return f"? {error}"
    return verify(tx, index, prevouts, flags)[0]


def main():
    for line in sys.stdin:
        print(answer(line), flush=True)


if __name__ == "__main__":
    main()
