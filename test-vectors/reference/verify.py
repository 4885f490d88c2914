# SPDX-License-Identifier: CC0-1.0
"""One input, from its scriptSig to the verdict."""

import digests
import secp256k1
from script import (
    BASE,
    MAX_ELEMENT_SIZE,
    MAX_STACK,
    OP_1,
    OP_16,
    TAPSCRIPT,
    WITNESS_V0,
    Context,
    Leaf,
    ScriptError,
    cast_to_bool,
    check_key_path,
    execute,
    is_push_only,
    push,
    require,
    succeeds_at_once,
)
from transaction import compact_size, sha256, sized

LEAF_TAPSCRIPT = 0xC0
ANNEX_TAG = 0x50
ANCHOR_PROGRAM = bytes.fromhex("4e73")


def verify(tx, index, prevouts, flags):
    """Returns (verdict, values): OK or the error's name, and the values met on the way."""
    context = Context(tx, index, prevouts, frozenset(flags))
    try:
        verify_input(context)
    except ScriptError as error:
        return error.name, context.values
    return "OK", context.values


def usage_error(flags):
    """Some sets of flags have no meaning; returns what is wrong with such a set, or None.

    The rules that they name are defined in terms of each other, and Core refuses them too.
    """
    if "WITNESS" in flags and "P2SH" not in flags:
        return "WITNESS needs P2SH"
    if "CLEANSTACK" in flags and not {"P2SH", "WITNESS"} <= flags:
        return "CLEANSTACK needs P2SH and WITNESS"
    return None


def verify_input(context):
    txin = context.tx.inputs[context.index]
    script_sig, script_pubkey = txin.script_sig, context.prevouts[context.index].script_pubkey
    flags = context.flags

    if "SIGPUSHONLY" in flags:
        require(is_push_only(script_sig), "SIG_PUSHONLY")
    stack = []
    execute(context, script_sig, stack, BASE)
    stack_for_p2sh = list(stack)
    execute(context, script_pubkey, stack, BASE)
    require(stack and cast_to_bool(stack[-1]), "EVAL_FALSE")

    # BIP 141, Witness program, the first of its two places: the scriptPubKey itself.
    had_witness = False
    if "WITNESS" in flags and witness_program(script_pubkey):
        had_witness = True
        # "The scriptSig must be exactly empty or validation fails."
        require(not script_sig, "WITNESS_MALLEATED")
        verify_witness(context, *witness_program(script_pubkey), is_p2sh=False)
        # A witness program leaves no stack of its own; one true element stands for it below.
        stack = stack[:1]

    # BIP 16, Specification.
    if "P2SH" in flags and is_p2sh(script_pubkey):
        # "Validation fails if there are any operations other than 'push data' operations in the
        # scriptSig."
        require(is_push_only(script_sig), "SIG_PUSHONLY")
        stack = stack_for_p2sh
        # It cannot be empty: OP_HASH160 would have failed.
        redeem_script = stack.pop()
        execute(context, redeem_script, stack, BASE)
        require(stack and cast_to_bool(stack[-1]), "EVAL_FALSE")

        # BIP 141, Witness program, the second place: the redeem script.
        if "WITNESS" in flags and witness_program(redeem_script):
            had_witness = True
            # "The scriptSig must be exactly a push of the BIP16 redeemScript or validation fails."
            require(script_sig == push(redeem_script), "WITNESS_MALLEATED_P2SH")
            verify_witness(context, *witness_program(redeem_script), is_p2sh=True)
            stack = stack[:1]

    # BIP 62, rule 6; after P2SH, whose inputs would otherwise leave the serialized script behind.
    if "CLEANSTACK" in flags:
        require(len(stack) == 1, "CLEANSTACK")
    # BIP 141: a witness belongs to witness programs only.
    if "WITNESS" in flags and not had_witness:
        require(not txin.witness, "WITNESS_UNEXPECTED")


def is_p2sh(script):
    """BIP 16: OP_HASH160 [20-byte-hash-value] OP_EQUAL, and exactly these bytes."""
    return len(script) == 23 and script[:2] == b"\xa9\x14" and script[22] == 0x87


def witness_program(script):
    """Returns (version, program), or None.

    BIP 141, Witness program: "a 1-byte push opcode (one of OP_0,OP_1,OP_2,...,OP_16) followed by a
    direct data push between 2 and 40 bytes".
    """
    if not 4 <= len(script) <= 42 or script[1] + 2 != len(script):
        return None
    if script[0] == 0:
        return 0, script[2:]
    if OP_1 <= script[0] <= OP_16:
        return script[0] - OP_1 + 1, script[2:]
    return None


def verify_witness(context, version, program, is_p2sh):
    witness = context.tx.inputs[context.index].witness
    if version == 0:
        verify_v0(context, program, witness)
    elif version == 1 and len(program) == 32 and not is_p2sh:
        # BIP 341: "version 1 outputs with lengths other than 32 bytes, or P2SH-wrapped version 1
        # outputs, remain unencumbered."
        if "TAPROOT" in context.flags:
            verify_taproot(context, program, witness)
    elif version == 1 and program == ANCHOR_PROGRAM and not is_p2sh:
        # Pay-to-anchor: anyone may spend it, and policy does not mind.
        pass
    else:
        # BIP 141: other versions succeed, for later forks.
        discouraged = "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM"
        require(discouraged not in context.flags, discouraged)


def verify_v0(context, program, witness):
    """BIP 141, Witness program: the two kinds of version 0."""
    if len(program) == 32:
        require(witness, "WITNESS_PROGRAM_WITNESS_EMPTY")
        witness_script = witness[-1]
        require(sha256(witness_script) == program, "WITNESS_PROGRAM_MISMATCH")
        run_witness_script(context, witness_script, witness[:-1], WITNESS_V0)
    elif len(program) == 20:
        # "The witness must consist of exactly 2 items": a signature and a public key.
        require(len(witness) == 2, "WITNESS_PROGRAM_MISMATCH")
        # OP_DUP OP_HASH160 <program> OP_EQUALVERIFY OP_CHECKSIG
        script = b"\x76\xa9" + push(program) + b"\x88\xac"
        run_witness_script(context, script, witness, WITNESS_V0)
    else:
        raise ScriptError("WITNESS_PROGRAM_WRONG_LENGTH")


def verify_taproot(context, output_key, witness):
    """BIP 341, Script validation rules."""
    # "Fail if the witness stack has 0 elements."
    require(witness, "WITNESS_PROGRAM_WITNESS_EMPTY")
    # BIP 342, Resource limits: "The budget equals 50 + the total serialized size in bytes of the
    # transaction input's witness (including the CompactSize prefix)", the annex included.
    budget = 50 + len(compact_size(len(witness))) + sum(len(sized(item)) for item in witness)

    # "If there are at least two witness elements, and the first byte of the last element is 0x50,
    # this last element is called annex a and is removed from the witness stack."
    annex, rest = None, list(witness)
    if len(rest) >= 2 and rest[-1][:1] == bytes([ANNEX_TAG]):
        annex = rest.pop()

    # "If there is exactly one element left in the witness stack, key path spending is used".
    if len(rest) == 1:
        check_key_path(context, output_key, rest[0], annex)
        return

    # "If there are at least two witness elements left, script path spending is used".
    control_block, script = rest.pop(), rest.pop()
    # "The last stack element is called the control block c, and must have length 33 + 32m, for a
    # value of m that is an integer between 0 and 128, inclusive."
    size = len(control_block)
    valid_size = 33 <= size <= 33 + 32 * 128 and (size - 33) % 32 == 0
    require(valid_size, "TAPROOT_WRONG_CONTROL_SIZE")
    leaf_version, internal_key = control_block[0] & 0xFE, control_block[1:33]
    tapleaf_hash = digests.tapleaf(leaf_version, script)[1]
    root = digests.merkle_root(tapleaf_hash, control_block[33:])
    committed = is_committed(output_key, control_block[0] & 1, internal_key, root)
    require(committed, "WITNESS_PROGRAM_MISMATCH")

    if leaf_version == LEAF_TAPSCRIPT:
        leaf = Leaf(tapleaf_hash, internal_key, annex, budget)
        run_witness_script(context, script, rest, TAPSCRIPT, leaf)
    else:
        # BIP 341: other leaf versions succeed, for later forks.
        discouraged = "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION"
        require(discouraged not in context.flags, discouraged)


def is_committed(output_key, parity, internal_key, root):
    """BIP 341: "If q != x(Q) or c[0] & 1 != y(Q) mod 2, fail." """
    tweaked = secp256k1.taproot_tweak(internal_key, root)
    if tweaked is None:
        return False
    (x, y), _ = tweaked
    return x.to_bytes(32, "big") == output_key and y % 2 == parity


def run_witness_script(context, script, initial_stack, version, leaf=None):
    if version == TAPSCRIPT:
        if succeeds_at_once(script, context.flags):
            return
        # BIP 342, Specification, step 3: "If the initial stack [...] violates any resource limits
        # (stack size, and size of the elements in the stack [...]), fail. Note that this check
        # can be bypassed using OP_SUCCESSx."
        require(len(initial_stack) <= MAX_STACK, "STACK_SIZE")
    for element in initial_stack:
        require(len(element) <= MAX_ELEMENT_SIZE, "PUSH_SIZE")
    stack = list(initial_stack)
    execute(context, script, stack, version, leaf)
    # BIP 342, step 4.2: "If the execution results in anything but exactly one element on the stack
    # which evaluates to true with CastToBool(), fail." BIP 141 has the same rule.
    require(len(stack) == 1, "CLEANSTACK")
    require(cast_to_bool(stack[0]), "EVAL_FALSE")
