#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Answers the cases of `sigstack conform`: a JSON case a line in, a line out.

    sigstack conform --errors -- python3 test-vectors/reference/serve.py
"""

import json
import sys

from check import Unreadable, judge


def answer(line):
    """OK, the error's name, or ? with a reason if the line is no case or has a flag that is unknown here."""
    try:
        return judge(json.loads(line))[0]
    except (Unreadable, json.JSONDecodeError, AttributeError) as error:
        return f"? {error}"


def main():
    for line in sys.stdin:
        print(answer(line), flush=True)


if __name__ == "__main__":
    main()
