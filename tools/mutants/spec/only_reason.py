# SPDX-License-Identifier: CC0-1.0
"""Rejected cases fail for the stated reason only: if the check that fails counted as passed, they would be accepted.

For each rejected case the reference runs with its rule switched off, that is, without the error that the case names. There are
several ways to go on where the error would be raised, and one of them must accept the case, so nothing else is wrong with it:

- the opcode has the effect of a success with the result true, or false, or it does nothing;
- the check alone is left out, and the opcode goes on after it;
- the opcode leaves the stacks and branches that it leaves in the accepted case with which the rejected one is paired.

Where that cannot be, other_reasons.jsonl has a reason.
"""

import json
from pathlib import Path

import vectors

REASONS = Path(__file__).resolve().parent / "other_reasons.jsonl"
# A switched-off check may let a script go on for long, but not for ever.
STEPS = 100_000
# The ways to go on. The first three are the value of `effects`.
TRUE, FALSE, NOTHING, PASSED, PAIRED = True, False, None, "passed", "paired"
WAYS = (TRUE, FALSE, NOTHING, PASSED, PAIRED)


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


class Paired:
    """What every opcode leaves in an accepted case: its stacks and branches."""

    def __init__(self, reference):
        self.modules, self.left = reference.load(), {}
        script, left = self.modules["script"], self.left

        class Machine(counting(script)):
            def step(self, opcode, data):
                super().step(opcode, data)
                left[self.place(opcode)] = (list(self.stack), list(self.altstack), list(self.conditions))

        script.Machine = Machine

    def of(self, case):
        self.left.clear()
        run(case, self.modules)
        return dict(self.left)


def counting(script):
    """A machine that knows which script of the verification it runs, and how often each opcode was there in it."""

    class Machine(script.Machine):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.nth, self.times = script.machines, {}
            script.machines += 1

        def step(self, opcode, data):
            self.times[opcode] = self.times.get(opcode, 0) + 1
            super().step(opcode, data)

        def place(self, opcode):
            return self.nth, opcode, self.times[opcode]

    return Machine


def run(case, modules, paired=None):
    """The verdict of a copy, which gets what the opcodes leave in the paired case."""
    case.steps = STEPS
    modules["script"].machines, modules["script"].paired = 0, paired or {}
    return case.run(modules)


def switched_off(reference, error, way):
    """A copy of the reference that does not raise this error."""
    modules = reference.load()
    script, verify = modules["script"], modules["verify"]

    def require(condition, name):
        if not condition and name != error:
            raise script.ScriptError(name)

    # Checks outside of opcodes; those of opcodes keep their order, unless the opcode goes on after the check.
    verify.require = modules["whole"].require = require
    verify.succeeds_at_once = without_error(script, verify.succeeds_at_once, error, not error.startswith("BAD"))
    verify.check_key_path = without_error(script, verify.check_key_path, error, None)
    verify.verify_v0 = without_error(script, verify.verify_v0, error, None, "WITNESS_PROGRAM_WRONG_LENGTH")
    switch_opcodes(script, error, way)
    if way == PASSED:
        script.require = require
        if error == "SCRIPTNUM":
            decode_number = script.decode_number
            script.decode_number = lambda element, minimal, size=4: decode_number(element, False, len(element))
    if error == "STACK_SIZE" and way != PASSED:
        script.MAX_STACK = verify.MAX_STACK = 2 * script.MAX_STACK
    if error == "CLEANSTACK":
        keep_one(verify, way)
    if error == "TAPROOT_WRONG_CONTROL_SIZE" and way is NOTHING:
        # Bytes of a path that are no whole node have no effect.
        merkle_root = modules["digests"].merkle_root
        modules["digests"].merkle_root = lambda leaf, path: merkle_root(leaf, path[: len(path) // 32 * 32])
    return modules


def without_error(script, function, error, result, only=None):
    """The function, which returns this result where it would raise the error."""
    if only not in (None, error):
        return function

    def forgiving(*arguments):
        try:
            return function(*arguments)
        except script.ScriptError as raised:
            if raised.name != error:
                raise
            return result

    return forgiving


def switch_opcodes(script, error, way):
    """Opcodes that would raise the error have an effect instead."""
    of_opcode = effects(script) if way in (TRUE, FALSE, NOTHING) else {}
    most = script.MAX_STACK

    class Machine(counting(script)):
        raised = False

        def as_paired(self, opcode):
            """Returns true if the paired case has an effect of this opcode, which this machine then has too."""
            left = script.paired.get(self.place(opcode)) if way == PAIRED else None
            if left:
                self.stack[:], self.altstack[:], self.conditions[:] = (list(part) for part in left)
            return bool(left)

        def step(self, opcode, data):
            before = list(self.stack)
            try:
                super().step(opcode, data)
            except script.ScriptError as raised:
                self.raised = True
                if raised.name != error:
                    raise
                if opcode in of_opcode:
                    self.stack[:] = before
                    of_opcode[opcode](self, way)
                elif way is NOTHING:
                    self.stack[:] = before
                elif not self.as_paired(opcode):
                    raise
                self.raised = False
            if error == "STACK_SIZE" and len(self.stack) + len(self.altstack) > most:
                self.as_paired(opcode)

        def run(self):
            try:
                super().run()
            except script.ScriptError as raised:
                # The script ends where a push is cut, or while a branch is open.
                if raised.name != error or self.raised or error not in ("BAD_OPCODE", "UNBALANCED_CONDITIONAL"):
                    raise

    script.Machine = Machine


def keep_one(verify, way):
    """An implementation without the rule of a clean stack looks at the top of the stack, or at its bottom."""
    execute = verify.execute

    def execute_and_keep_one(context, code, stack, version, leaf=None):
        execute(context, code, stack, version, leaf)
        if way == TRUE:
            del stack[:-1]
        elif way == FALSE:
            del stack[1:]

    verify.execute = execute_and_keep_one


def read_reasons():
    """The cases with a reason, each by its whole id: the beginning of an id would also excuse cases that are added later."""
    return [json.loads(line) for line in REASONS.read_text().splitlines()]


def problems(targets):
    """What is wrong with other_reasons.jsonl itself."""
    seen = set()
    for entry in read_reasons():
        key = (entry.get("target"), entry.get("case"))
        if entry.keys() != {"target", "case", "why"} or key[0] not in targets:
            yield f"other_reasons.jsonl: {json.dumps(entry)} needs a target, a case and why, and nothing else"
        elif key in seen:
            yield f"other_reasons.jsonl: {key[1]} is listed twice"
        seen.add(key)
    for name in targets:
        listed = {case for target, case in seen if target == name}
        ids = {case.name for case in vectors.read(targets[name].folders)} if listed else set()
        for case in sorted(listed - ids):
            yield f"other_reasons.jsonl: no case of {name} has the id {case}"


def check(reference, name, folders):
    """Prints the rejected cases of a target with another reason; returns how many there are."""
    reasons = {entry["case"] for entry in read_reasons() if entry["target"] == name}
    copies, wrong, used, checked = {}, 0, set(), 0
    cases, pairs = vectors.read(folders), Paired(reference)
    by_name = {case.name: case for case in cases}
    for case in cases:
        if case.expected == "OK":
            continue
        checked += 1
        answers = []
        for way in WAYS:
            key = (case.expected, way)
            if key not in copies:
                copies[key] = switched_off(reference, *key)
            twin = by_name.get(case.twin) if way == PAIRED else None
            answers.append(run(case, copies[key], pairs.of(twin) if twin else None))
            if answers[-1] == "OK":
                break
        if answers[-1] == "OK":
            continue
        if case.name in reasons:
            used.add(case.name)
            continue
        wrong += 1
        print(f"  {case.name}: without {case.expected} it gives {' or '.join(sorted(set(answers)))}")
    print(f"{name}: {checked} rejected cases, {checked - len(used) - wrong} accepted without their rule, {len(used)} with a reason")
    unused = sorted(reasons - used)
    for case in unused:
        print(f"  other_reasons.jsonl: {case} needs no reason, or there is no such rejected case")
    return wrong + len(unused)
