# SPDX-License-Identifier: CC0-1.0
"""Rejected cases fail for the stated reason only: if the check that fails counted as passed, they would be accepted.

For each rejected case the reference runs with its rule switched off: the error that the case names is not raised. Where an
opcode raises it, the opcode has the effect instead that it has when it succeeds, with the result true or the result false,
or does nothing. Then the case must be accepted, so nothing else is wrong with it. Where that cannot be, other_reasons.jsonl has a reason.
"""

import json
from pathlib import Path

import vectors

REASONS = Path(__file__).resolve().parent / "other_reasons.jsonl"
# A switched-off check may let a script go on for long, but not for ever.
STEPS = 100_000


def effects(script):
    """For each opcode whose checks can be switched off: its effect if it succeeds, given true or false for its result.

    Given None, the opcode does nothing.
    """

    def takes(count, result=lambda m, taken, value: []):
        def effect(m, value):
            if value is None:
                return
            taken = m.stack[max(len(m.stack) - count, 0) :]
            del m.stack[max(len(m.stack) - count, 0) :]
            m.stack.extend(result(m, taken, value))

        return effect

    def boolean(m, taken, value):
        return [b"\x01" if value else b""]

    def added(m, taken, value):
        number = taken[-2] if len(taken) > 1 else b""
        return [script.encode_number(script.decode_number(number, False, 8) + value)]

    def joined(m, taken, value):
        return [b"".join(taken)[: script.MAX_ELEMENT_SIZE] if value else b""]

    def committed(m, taken, value):
        pair = [b""] * (2 - len(taken)) + taken
        return [script.digests.pair_commit(*pair)[1]]

    def compared(m, taken, value):
        # The 32 bytes that the script pushes next, to compare the result with them.
        return [m.script[m.next_byte + 1 : m.next_byte + 33]]

    return {
        script.OP_CHECKSIGFROMSTACK: takes(3, boolean),
        script.OP_CHECKSIG: takes(2, boolean),
        script.OP_CHECKSIGVERIFY: takes(2),
        script.OP_CHECKSIGADD: takes(3, added),
        script.OP_EQUALVERIFY: takes(2),
        script.OP_VERIFY: takes(1),
        script.OP_1ADD: takes(1, boolean),
        script.OP_CHECKTEMPLATEVERIFY: takes(0),
        script.OP_CAT: takes(2, joined),
        script.OP_PAIRCOMMIT: takes(2, committed),
        script.OP_INTERNALKEY: takes(0, compared),
        script.OP_TEMPLATEHASH: takes(0, compared),
    }


def switched_off(reference, error, value):
    """A copy of the reference that does not raise this error."""
    modules = reference.load()
    script, verify = modules["script"], modules["verify"]
    of_opcode = effects(script)

    def require(condition, name):
        if not condition and name != error:
            raise script.ScriptError(name)

    def forgiving(opcode, operation):
        def run(m):
            before = list(m.stack)
            try:
                operation(m)
            except script.ScriptError as raised:
                if raised.name != error:
                    raise
                m.stack[:] = before
                of_opcode[opcode](m, value)

        return run

    class Machine(script.Machine):
        def step(self, opcode, data):
            try:
                super().step(opcode, data)
            except script.ScriptError as raised:
                # An opcode that is none in this version of the script, or that is disabled.
                if raised.name != error or opcode not in of_opcode:
                    raise
                of_opcode[opcode](self, value)

        def run(self):
            try:
                super().run()
            except script.ScriptError as raised:
                # The script ends where a push is cut.
                if raised.name != error or error != "BAD_OPCODE":
                    raise

    for opcode, operation in list(script.OPERATIONS.items()):
        if opcode in of_opcode:
            script.OPERATIONS[opcode] = forgiving(opcode, operation)
    script.Machine = Machine
    strict = script.succeeds_at_once

    def succeeds_at_once(code, flags):
        try:
            return strict(code, flags)
        except script.ScriptError as raised:
            if raised.name != error:
                raise
            return False

    # Checks outside of opcodes; those of opcodes keep their order and have the effect above.
    verify.require, verify.succeeds_at_once = require, succeeds_at_once
    check_key_path = verify.check_key_path

    def key_path(*arguments):
        try:
            check_key_path(*arguments)
        except script.ScriptError as raised:
            if raised.name != error:
                raise

    verify.check_key_path = key_path
    if error == "STACK_SIZE":
        script.MAX_STACK = verify.MAX_STACK = 2 * script.MAX_STACK
    if error == "CLEANSTACK":
        execute = verify.execute

        def execute_and_keep_one(context, code, stack, version, leaf=None):
            execute(context, code, stack, version, leaf)
            # An implementation without this check looks at the top of the stack, or at its bottom.
            if value:
                del stack[:-1]
            else:
                del stack[1:]

        verify.execute = execute_and_keep_one
    return modules


def read_reasons():
    return [json.loads(line) for line in REASONS.read_text().splitlines()]


def check(reference, name, folders):
    """Prints the rejected cases of a target with another reason; returns how many there are, and how many were checked."""
    reasons = [entry for entry in read_reasons() if entry["target"] == name]
    copies, wrong, used, checked, explained = {}, 0, set(), 0, 0
    for case in vectors.read(folders):
        if case.expected == "OK":
            continue
        checked += 1
        case.steps = STEPS
        answers = []
        for value in (True, False, None):
            key = (case.expected, value)
            if key not in copies:
                copies[key] = switched_off(reference, *key)
            answers.append(case.run(copies[key]))
        reason = next((entry for entry in reasons if case.name.startswith(entry["begins"])), None)
        if "OK" in answers:
            continue
        if reason:
            used.add(reason["begins"])
            explained += 1
            continue
        wrong += 1
        print(f"  {case.name}: without {case.expected} it gives {' or '.join(sorted(set(answers)))}")
    for entry in reasons:
        if entry["begins"] not in used:
            wrong += 1
            print(f"  other_reasons.jsonl: no case needs the reason of {entry['begins']}")
    print(f"{name}: {checked} rejected cases, {checked - explained - wrong} accepted without their rule, {explained} with a reason")
    return wrong
