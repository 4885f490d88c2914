# SPDX-License-Identifier: CC0-1.0
"""A naive interpreter of one script: the base rules, segwit version 0, and tapscript.

Everything that ends a script early is a ScriptError, whose name is the verdict. Which rule is
looked at first decides which name is reported, so the order of the checks below is the order of
the BIP that states them and, where a BIP is silent, of Bitcoin Core.
"""

import hashlib
from dataclasses import dataclass, field

import digests
import secp256k1
from ripemd160 import ripemd160
from transaction import compact_size, hash256, le, sha256

# The flags, in Core's spelling. Each is a soft fork: a set of flags accepts no more than a part
# of it does.
CORE_FLAGS = frozenset(
    """P2SH STRICTENC DERSIG LOW_S NULLDUMMY SIGPUSHONLY MINIMALDATA DISCOURAGE_UPGRADABLE_NOPS
    CLEANSTACK CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY WITNESS
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM MINIMALIF NULLFAIL WITNESS_PUBKEYTYPE CONST_SCRIPTCODE
    TAPROOT DISCOURAGE_UPGRADABLE_TAPROOT_VERSION DISCOURAGE_OP_SUCCESS
    DISCOURAGE_UPGRADABLE_PUBKEYTYPE""".split()
)
PROPOSALS = frozenset(
    """CHECKSIGFROMSTACK ANYPREVOUT CHECKTEMPLATEVERIFY OP_CAT INTERNALKEY PAIRCOMMIT
    TEMPLATEHASH""".split()
)
# DISCOURAGE_X refuses the opcode or key type of X whether or not X is active. BIP 119 has a
# further policy, for arguments that a later fork may give a meaning to.
DISCOURAGE_FLAGS = frozenset(f"DISCOURAGE_{name}" for name in PROPOSALS) | {
    "DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"
}
ALL_FLAGS = CORE_FLAGS | PROPOSALS | DISCOURAGE_FLAGS

# Limits. BIP 342, Resource limits, says which of them hold in tapscript.
MAX_SCRIPT_SIZE = 10_000
MAX_ELEMENT_SIZE = 520
MAX_OPS = 201
MAX_STACK = 1_000
MAX_KEYS = 20
SIGOP_COST = 50

# The three contexts that a script can run in.
BASE, WITNESS_V0, TAPSCRIPT = "base", "witness_v0", "tapscript"

OP_0, OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4, OP_1NEGATE = 0x00, 0x4C, 0x4D, 0x4E, 0x4F
OP_1, OP_16, OP_NOP = 0x51, 0x60, 0x61
OP_IF, OP_NOTIF, OP_VERIF, OP_VERNOTIF, OP_ELSE, OP_ENDIF = 0x63, 0x64, 0x65, 0x66, 0x67, 0x68
OP_VERIFY, OP_RETURN, OP_TOALTSTACK, OP_FROMALTSTACK = 0x69, 0x6A, 0x6B, 0x6C
OP_2DROP, OP_2DUP, OP_3DUP, OP_2OVER, OP_2ROT, OP_2SWAP = 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72
OP_IFDUP, OP_DEPTH, OP_DROP, OP_DUP, OP_NIP, OP_OVER = 0x73, 0x74, 0x75, 0x76, 0x77, 0x78
OP_PICK, OP_ROLL, OP_ROT, OP_SWAP, OP_TUCK = 0x79, 0x7A, 0x7B, 0x7C, 0x7D
OP_CAT, OP_SIZE, OP_EQUAL, OP_EQUALVERIFY = 0x7E, 0x82, 0x87, 0x88
OP_1ADD, OP_1SUB, OP_NEGATE, OP_ABS, OP_NOT, OP_0NOTEQUAL = 0x8B, 0x8C, 0x8F, 0x90, 0x91, 0x92
OP_ADD, OP_SUB, OP_BOOLAND, OP_BOOLOR, OP_NUMEQUAL = 0x93, 0x94, 0x9A, 0x9B, 0x9C
OP_NUMEQUALVERIFY, OP_NUMNOTEQUAL, OP_LESSTHAN, OP_GREATERTHAN = 0x9D, 0x9E, 0x9F, 0xA0
OP_LESSTHANOREQUAL, OP_GREATERTHANOREQUAL, OP_MIN, OP_MAX, OP_WITHIN = 0xA1, 0xA2, 0xA3, 0xA4, 0xA5
OP_RIPEMD160, OP_SHA1, OP_SHA256, OP_HASH160, OP_HASH256 = 0xA6, 0xA7, 0xA8, 0xA9, 0xAA
OP_CODESEPARATOR, OP_CHECKSIG, OP_CHECKSIGVERIFY = 0xAB, 0xAC, 0xAD
OP_CHECKMULTISIG, OP_CHECKMULTISIGVERIFY = 0xAE, 0xAF
OP_NOP1, OP_CHECKLOCKTIMEVERIFY, OP_CHECKSEQUENCEVERIFY, OP_CHECKTEMPLATEVERIFY = range(0xB0, 0xB4)
OP_NOP5, OP_NOP6, OP_NOP7, OP_NOP8, OP_NOP9, OP_NOP10 = range(0xB4, 0xBA)
OP_CHECKSIGADD = 0xBA
OP_INTERNALKEY, OP_CHECKSIGFROMSTACK, OP_PAIRCOMMIT, OP_TEMPLATEHASH = 0xCB, 0xCC, 0xCD, 0xCE

# CAT, SUBSTR, LEFT, RIGHT, INVERT, AND, OR, XOR, 2MUL, 2DIV, MUL, DIV, MOD, LSHIFT, RSHIFT:
# refused before tapscript even in a branch that is not executed.
DISABLED_OPCODES = {*range(0x7E, 0x82), *range(0x83, 0x87), 0x8D, 0x8E, *range(0x95, 0x9A)}

# BIP 342, Specification: "If any opcode numbered 80, 98, 126-129, 131-134, 137-138, 141-142,
# 149-153, 187-254 is encountered, validation succeeds".
OP_SUCCESS = {
    80, 98, *range(126, 130), *range(131, 135), 137, 138, 141, 142,
    *range(149, 154), *range(187, 255),
}  # fmt: skip

# The proposals that redefine an OP_SUCCESSx: opcode, activating flag, name of the policy's error.
REDEFINED_OP_SUCCESS = {
    OP_CAT: ("OP_CAT", "DISCOURAGE_OP_CAT"),
    OP_INTERNALKEY: ("INTERNALKEY", "DISCOURAGE_OP_INTERNALKEY"),
    OP_CHECKSIGFROMSTACK: ("CHECKSIGFROMSTACK", "DISCOURAGE_OP_CHECKSIGFROMSTACK"),
    OP_PAIRCOMMIT: ("PAIRCOMMIT", "DISCOURAGE_OP_PAIRCOMMIT"),
    OP_TEMPLATEHASH: ("TEMPLATEHASH", "DISCOURAGE_TEMPLATEHASH"),
}


class ScriptError(Exception):
    """A script's failure; the only argument is its name, without SCRIPT_ERR_."""

    @property
    def name(self):
        return self.args[0]


def require(condition, error):
    if not condition:
        raise ScriptError(error)


@dataclass
class Context:
    """What stays the same while one input is verified, and what is written down on the way."""

    tx: object
    index: int
    prevouts: list
    flags: frozenset
    values: list = field(default_factory=list)


@dataclass
class Leaf:
    """What a tapscript may know of the spend around it."""

    tapleaf_hash: bytes
    internal_key: bytes
    annex: bytes | None
    budget: int


# Decoding.


class Truncated(Exception):
    """A push whose data would end after the script; the argument is where the reading stopped."""


def read_op(script, at):
    """Returns (opcode, pushed data, position of the next opcode)."""
    opcode = script[at]
    at += 1
    if opcode > OP_PUSHDATA4:
        return opcode, b"", at
    size = opcode
    if opcode >= OP_PUSHDATA1:
        width = {OP_PUSHDATA1: 1, OP_PUSHDATA2: 2, OP_PUSHDATA4: 4}[opcode]
        if width > len(script) - at:
            raise Truncated(at)
        size = int.from_bytes(script[at : at + width], "little")
        at += width
    if size > len(script) - at:
        raise Truncated(at)
    return opcode, script[at : at + size], at + size


def is_push_only(script):
    """True if every opcode is at most OP_16, which counts OP_RESERVED as a push."""
    at = 0
    try:
        while at < len(script):
            opcode, _, at = read_op(script, at)
            if opcode > OP_16:
                return False
    except Truncated:
        return False
    return True


def push(data):
    """The shortest push opcode by the size of the data alone, never OP_1 to OP_16."""
    if len(data) < OP_PUSHDATA1:
        return le(len(data), 1) + data
    if len(data) <= 0xFF:
        return le(OP_PUSHDATA1, 1) + le(len(data), 1) + data
    if len(data) <= 0xFFFF:
        return le(OP_PUSHDATA2, 1) + le(len(data), 2) + data
    return le(OP_PUSHDATA4, 1) + le(len(data), 4) + data


def is_minimal_push(opcode, data):
    """BIP 62, rule 3: the data was pushed by the shortest opcode that can push it."""
    if len(data) == 0:
        return opcode == OP_0
    if len(data) == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        # OP_1 to OP_16 or OP_1NEGATE would have done.
        return False
    return opcode == push(data)[0]


# Values of stack elements.


def cast_to_bool(element):
    """False for zero and for negative zero of any length."""
    if element and element[-1] == 0x80:
        element = element[:-1]
    return any(element)


def encode_number(value):
    """Little-endian, with the sign in the highest bit of the last byte, and zero empty."""
    if value == 0:
        return b""
    magnitude = abs(value)
    data = bytearray(magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little"))
    if data[-1] & 0x80:
        data.append(0)
    if value < 0:
        data[-1] |= 0x80
    return bytes(data)


def decode_number(element, minimal, max_size=4):
    require(len(element) <= max_size, "SCRIPTNUM")
    if minimal:
        # The last byte must hold more than the sign, unless the byte before needs its own top bit.
        wasteful = element and element[-1] & 0x7F == 0
        if wasteful and (len(element) == 1 or element[-2] & 0x80 == 0):
            raise ScriptError("SCRIPTNUM")
    if not element:
        return 0
    magnitude = int.from_bytes(element[:-1] + bytes([element[-1] & 0x7F]), "little")
    return -magnitude if element[-1] & 0x80 else magnitude


# The machine.


class Machine:
    """One run of one script."""

    def __init__(self, context, script, stack, version, leaf=None):
        self.context = context
        self.flags = context.flags
        self.script = script
        self.stack = stack
        self.version = version
        self.leaf = leaf
        self.minimal = "MINIMALDATA" in self.flags
        self.altstack = []
        self.conditions = []
        self.op_count = 0
        # The byte where the script code of a signature begins, before tapscript; and the opcode
        # position that a tapscript's signature covers instead.
        self.code_start = 0
        self.codesep_pos = digests.NO_CODESEPARATOR
        self.position = 0
        self.next_byte = 0

    def need(self, count):
        require(len(self.stack) >= count, "INVALID_STACK_OPERATION")

    def pop(self):
        self.need(1)
        return self.stack.pop()

    def push(self, element):
        self.stack.append(element)

    def push_bool(self, value):
        self.stack.append(b"\x01" if value else b"")

    def number(self, element, max_size=4):
        return decode_number(element, self.minimal, max_size)

    def executing(self):
        return all(self.conditions)

    def run(self):
        # BIP 342, Resource limits: "The maximum script size of 10000 bytes does not apply", nor
        # does "the maximum non-push opcodes limit of 201 per script".
        if self.version != TAPSCRIPT:
            require(len(self.script) <= MAX_SCRIPT_SIZE, "SCRIPT_SIZE")
        at = 0
        while at < len(self.script):
            try:
                opcode, data, at = read_op(self.script, at)
            except Truncated:
                raise ScriptError("BAD_OPCODE") from None
            self.next_byte = at
            self.step(opcode, data)
            require(len(self.stack) + len(self.altstack) <= MAX_STACK, "STACK_SIZE")
            self.position += 1
        require(not self.conditions, "UNBALANCED_CONDITIONAL")

    def step(self, opcode, data):
        # These hold for opcodes in unexecuted branches too.
        require(len(data) <= MAX_ELEMENT_SIZE, "PUSH_SIZE")
        if self.version != TAPSCRIPT:
            if opcode > OP_16:
                self.op_count += 1
                require(self.op_count <= MAX_OPS, "OP_COUNT")
            # BIP 347, Backwards Compatibility: "OP_CAT usage in a non-tapscript script will
            # continue to trigger the SCRIPT_ERR_DISABLED_OPCODE."
            require(opcode not in DISABLED_OPCODES, "DISABLED_OPCODE")
        if self.version == BASE and "CONST_SCRIPTCODE" in self.flags:
            require(opcode != OP_CODESEPARATOR, "OP_CODESEPARATOR")

        executing = self.executing()
        if opcode <= OP_PUSHDATA4:
            if executing:
                require(not self.minimal or is_minimal_push(opcode, data), "MINIMALDATA")
                self.push(data)
        elif executing or OP_IF <= opcode <= OP_ENDIF:
            # Outside its context an opcode that a fork defined for tapscript only is what it was
            # before: not an opcode. The scan for OP_SUCCESSx has let no inactive one through.
            operation = OPERATIONS.get(opcode)
            if opcode in TAPSCRIPT_ONLY and self.version != TAPSCRIPT:
                operation = None
            require(operation is not None, "BAD_OPCODE")
            operation(self)


# Constants and flow.


def op_if(m, negate=False):
    value = False
    if m.executing():
        condition = m.pop()
        is_minimal = condition in (b"", b"\x01")
        # BIP 342, Script execution: "The MINIMALIF rules, which are only a standardness rule in
        # P2WSH, are consensus enforced in tapscript."
        if m.version == TAPSCRIPT:
            require(is_minimal, "TAPSCRIPT_MINIMALIF")
        if m.version == WITNESS_V0 and "MINIMALIF" in m.flags:
            require(is_minimal, "MINIMALIF")
        value = cast_to_bool(condition) != negate
    m.conditions.append(value)


def op_notif(m):
    op_if(m, negate=True)


def op_else(m):
    require(m.conditions, "UNBALANCED_CONDITIONAL")
    m.conditions[-1] = not m.conditions[-1]


def op_endif(m):
    require(m.conditions, "UNBALANCED_CONDITIONAL")
    m.conditions.pop()


def op_nop(m):
    pass


def op_upgradable_nop(m):
    require("DISCOURAGE_UPGRADABLE_NOPS" not in m.flags, "DISCOURAGE_UPGRADABLE_NOPS")


def op_verify(m):
    verify_top(m, "VERIFY")


def verify_top(m, error):
    require(cast_to_bool(m.pop()), error)


def op_return(m):
    raise ScriptError("OP_RETURN")


# The stacks. Written as the rearrangement of the topmost elements that each opcode makes.


def rearrange(count, result):
    """An opcode that takes count elements, deepest first, and puts back those that result lists."""

    def operation(m):
        m.need(count)
        taken = m.stack[len(m.stack) - count :]
        del m.stack[len(m.stack) - count :]
        m.stack.extend(taken[i] for i in result)

    return operation


def op_toaltstack(m):
    m.altstack.append(m.pop())


def op_fromaltstack(m):
    require(m.altstack, "INVALID_ALTSTACK_OPERATION")
    m.push(m.altstack.pop())


def op_ifdup(m):
    m.need(1)
    if cast_to_bool(m.stack[-1]):
        m.push(m.stack[-1])


def op_depth(m):
    m.push(encode_number(len(m.stack)))


def depth_argument(m):
    m.need(2)
    depth = m.number(m.pop())
    require(0 <= depth < len(m.stack), "INVALID_STACK_OPERATION")
    return depth


def op_pick(m):
    m.push(m.stack[-1 - depth_argument(m)])


def op_roll(m):
    m.push(m.stack.pop(-1 - depth_argument(m)))


def op_size(m):
    m.need(1)
    m.push(encode_number(len(m.stack[-1])))


def op_equal(m):
    m.need(2)
    m.push_bool(m.pop() == m.pop())


def op_equalverify(m):
    op_equal(m)
    verify_top(m, "EQUALVERIFY")


# Arithmetic. Both numbers are decoded before either is used, the deeper one first.


def unary(function):
    def operation(m):
        m.need(1)
        value = m.number(m.stack[-1])
        m.stack[-1] = encode_number(function(value))

    return operation


def binary(function):
    def operation(m):
        m.need(2)
        a, b = m.number(m.stack[-2]), m.number(m.stack[-1])
        m.stack[-2:] = [encode_number(int(function(a, b)))]

    return operation


op_numequal = binary(lambda a, b: a == b)


def op_numequalverify(m):
    op_numequal(m)
    verify_top(m, "NUMEQUALVERIFY")


def op_within(m):
    m.need(3)
    value, low, high = (m.number(element) for element in m.stack[-3:])
    del m.stack[-3:]
    m.push_bool(low <= value < high)


# Hashes.


def hashing(function):
    def operation(m):
        m.push(function(m.pop()))

    return operation


def sha1(data):
    return hashlib.sha1(data).digest()


def hash160(data):
    return ripemd160(sha256(data))


# Lock times.


def op_checklocktimeverify(m):
    """BIP 65, Summary and Detailed Specification."""
    if "CHECKLOCKTIMEVERIFY" not in m.flags:
        return
    m.need(1)
    tx, index = m.context.tx, m.context.index
    # Five bytes, since a lock time is an unsigned number of 32 bits.
    lock_time = m.number(m.stack[-1], 5)
    require(lock_time >= 0, "NEGATIVE_LOCKTIME")
    # Both must be heights, or both times.
    threshold = 500_000_000
    same_kind = (tx.lock_time < threshold) == (lock_time < threshold)
    require(same_kind and lock_time <= tx.lock_time, "UNSATISFIED_LOCKTIME")
    # A final input would switch the transaction's lock time off.
    require(tx.inputs[index].sequence != 0xFFFFFFFF, "UNSATISFIED_LOCKTIME")


def op_checksequenceverify(m):
    """BIP 112, Summary and Specification."""
    if "CHECKSEQUENCEVERIFY" not in m.flags:
        return
    m.need(1)
    tx, index = m.context.tx, m.context.index
    argument = m.number(m.stack[-1], 5)
    require(argument >= 0, "NEGATIVE_LOCKTIME")
    disable_flag, type_flag, mask = 1 << 31, 1 << 22, 0xFFFF
    # An argument with the disable flag leaves the opcode a NOP, for later forks.
    if argument & disable_flag:
        return
    sequence = tx.inputs[index].sequence
    require(tx.version >= 2 and not sequence & disable_flag, "UNSATISFIED_LOCKTIME")
    require(sequence & type_flag == argument & type_flag, "UNSATISFIED_LOCKTIME")
    require(argument & mask <= sequence & mask, "UNSATISFIED_LOCKTIME")


# ECDSA signatures: the base rules and segwit version 0.


def is_strict_der(signature):
    """BIP 66, DER encoding reference, with the byte of the hash type at the end."""
    # "Format: 0x30 [total-length] 0x02 [R-length] [R] 0x02 [S-length] [S] [sighash]"
    if not 9 <= len(signature) <= 73:
        return False
    if signature[0] != 0x30 or signature[1] != len(signature) - 3:
        return False
    r_size = signature[3]
    if 5 + r_size >= len(signature):
        return False
    s_size = signature[5 + r_size]
    if r_size + s_size + 7 != len(signature):
        return False

    def is_minimal_integer(tag, value):
        if tag != 0x02 or not value or value[0] & 0x80:
            return False
        return not (len(value) > 1 and value[0] == 0 and not value[1] & 0x80)

    r = signature[4 : 4 + r_size]
    s = signature[6 + r_size : 6 + r_size + s_size]
    return is_minimal_integer(signature[2], r) and is_minimal_integer(signature[4 + r_size], s)


def check_signature_encoding(signature, flags):
    # The empty signature is the way to say "not signed".
    if not signature:
        return
    if flags & {"DERSIG", "LOW_S", "STRICTENC"}:
        require(is_strict_der(signature), "SIG_DER")
    if "LOW_S" in flags:
        # A strict encoding parses; an s beyond the order counts as zero and so as low.
        _, s = secp256k1.parse_der_lax(signature[:-1])
        require(s <= secp256k1.n // 2, "SIG_HIGH_S")
    if "STRICTENC" in flags:
        require(signature[-1] & ~digests.SIGHASH_ANYONECANPAY in (1, 2, 3), "SIG_HASHTYPE")


def check_key_encoding(key, flags, version):
    compressed = len(key) == 33 and key[0] in (2, 3)
    uncompressed = len(key) == 65 and key[0] == 4
    if "STRICTENC" in flags:
        require(compressed or uncompressed, "PUBKEYTYPE")
    if "WITNESS_PUBKEYTYPE" in flags and version == WITNESS_V0:
        require(compressed, "WITNESS_PUBKEYTYPE")


def find_and_delete(script, pattern):
    """Removes pattern wherever it stands at an opcode's start; returns the script and the count."""
    result, at, kept_from, found = b"", 0, 0, 0
    while True:
        result += script[kept_from:at]
        while script[at : at + len(pattern)] == pattern:
            at += len(pattern)
            found += 1
        kept_from = at
        if at >= len(script):
            break
        try:
            _, _, at = read_op(script, at)
        except Truncated:
            break
    return result + script[kept_from:], found


def legacy_script_code(script):
    """The script code of a legacy signature as the message has it: the length, and the bytes without OP_CODESEPARATORs."""
    result, left_out, at = b"", 0, 0
    while at < len(script):
        try:
            opcode, _, after = read_op(script, at)
        except Truncated as cut:
            # Core counts what follows the size of a push that is cut, and does not write it. Such a script fails in the
            # end, but the signatures before the push are checked.
            result += script[at : cut.args[0]]
            break
        if opcode == OP_CODESEPARATOR:
            left_out += 1
        else:
            result += script[at:after]
        at = after
    return compact_size(len(script) - left_out) + result


def script_code_for(m, signatures):
    """The part of the script that signatures cover: from the last executed OP_CODESEPARATOR on.

    Before segwit the signatures themselves are deleted from it. BIP 143 has done away with that.
    """
    script_code = m.script[m.code_start :]
    if m.version == BASE:
        for signature in signatures:
            script_code, found = find_and_delete(script_code, push(signature))
            if "CONST_SCRIPTCODE" in m.flags:
                require(found == 0, "SIG_FINDANDDELETE")
    return script_code


def ecdsa_signature_is_valid(m, signature, key, script_code):
    if not signature:
        return False
    context = m.context
    hash_type = signature[-1]
    if m.version == BASE:
        script_code = legacy_script_code(script_code)
        _, digest = digests.legacy(context.tx, context.index, script_code, hash_type)
    else:
        amount = context.prevouts[context.index].amount
        # Amounts are signed in Core, which takes a negative one for one that is not known.
        if int.from_bytes(amount, "little", signed=True) < 0:
            return False
        _, digest = digests.bip143(context.tx, context.index, script_code, amount, hash_type)
    return secp256k1.ecdsa_verify(key, digest, signature[:-1])


def check_ecdsa(m, signature, key):
    script_code = script_code_for(m, [signature])
    check_signature_encoding(signature, m.flags)
    check_key_encoding(key, m.flags, m.version)
    valid = ecdsa_signature_is_valid(m, signature, key, script_code)
    # BIP 146, NULLFAIL: a signature that fails must be empty.
    if not valid and "NULLFAIL" in m.flags:
        require(not signature, "NULLFAIL")
    return valid


def op_checkmultisig(m):
    # BIP 342, Script execution: "The disabled opcodes behave in the same way as OP_RETURN".
    require(m.version != TAPSCRIPT, "TAPSCRIPT_CHECKMULTISIG")
    stack = m.stack
    m.need(1)
    key_count = m.number(stack[-1])
    require(0 <= key_count <= MAX_KEYS, "PUBKEY_COUNT")
    m.op_count += key_count
    require(m.op_count <= MAX_OPS, "OP_COUNT")
    m.need(key_count + 2)
    signature_count = m.number(stack[-2 - key_count])
    require(0 <= signature_count <= key_count, "SIG_COUNT")
    # With the dummy element, before any signature is looked at.
    m.need(key_count + signature_count + 3)

    # Both lists with the topmost element first: they are matched from the top of the stack down.
    keys = stack[-1 - key_count : -1][::-1] if key_count else []
    below = len(stack) - 2 - key_count
    signatures = stack[below - signature_count : below][::-1]
    script_code = script_code_for(m, signatures)

    success = True
    keys_left, signatures_left = list(keys), list(signatures)
    while success and signatures_left:
        signature, key = signatures_left[0], keys_left.pop(0)
        check_signature_encoding(signature, m.flags)
        check_key_encoding(key, m.flags, m.version)
        if ecdsa_signature_is_valid(m, signature, key, script_code):
            signatures_left.pop(0)
        # More signatures left than keys: some must fail.
        success = len(signatures_left) <= len(keys_left)

    if not success and "NULLFAIL" in m.flags:
        require(not any(signatures), "NULLFAIL")
    del stack[len(stack) - (key_count + signature_count + 2) :]
    # A bug that is consensus: the opcode consumes one element more than it needs.
    dummy = m.pop()
    # BIP 147: that dummy element must be empty.
    if "NULLDUMMY" in m.flags:
        require(not dummy, "SIG_NULLDUMMY")
    m.push_bool(success)


def op_checkmultisigverify(m):
    op_checkmultisig(m)
    verify_top(m, "CHECKMULTISIGVERIFY")


# Schnorr signatures of transactions: BIP 341, 342 and 118.


def check_schnorr(context, scheme, key, signature, digest_for):
    """BIP 341, 342 and 118, signature validation; digest_for maps a hash_type to its digest.

    Numbers like R16 are those of the rules in BIP-DRAFT.md.
    """
    # "If the sig is 64 bytes long [...] If the sig is 65 bytes long [...] Otherwise, fail." (R16)
    require(len(signature) in (64, 65), "SCHNORR_SIG_SIZE")
    hash_type = digests.SIGHASH_DEFAULT
    if len(signature) == 65:
        # "sig[64] != 0x00 and Verify(...)" (R17)
        hash_type = signature[64]
        require(hash_type != digests.SIGHASH_DEFAULT, "SCHNORR_SIG_HASHTYPE")
    # There is none for an undefined hash_type (R17) and a missing output (R18).
    message = digest_for(hash_type)
    require(message is not None, "SCHNORR_SIG_HASHTYPE")
    preimage, digest = message
    context.values.append(
        {
            "kind": "sighash",
            "scheme": scheme,
            "hash_type": hash_type,
            "preimage": preimage.hex(),
            "digest": digest.hex(),
        }
    )
    # (R25)
    require(secp256k1.schnorr_verify(key, digest, signature[:64]), "SCHNORR_SIG")


def check_key_path(context, output_key, signature, annex):
    def digest_for(hash_type):
        return digests.bip341(context.tx, context.index, context.prevouts, hash_type, annex)

    check_schnorr(context, "bip341", output_key, signature, digest_for)


def check_tapscript_signature(m, scheme, key, signature):
    context, leaf = m.context, m.leaf
    message = {"bip342": digests.bip342, "bip118": digests.bip118}[scheme]

    def digest_for(hash_type):
        spend = (context.tx, context.index, context.prevouts)
        return message(*spend, hash_type, leaf.annex, leaf.tapleaf_hash, m.codesep_pos)

    check_schnorr(context, scheme, key, signature, digest_for)


def charge_budget(m):
    """BIP 342, Resource limits: "decrements the budget by 50. If that brings the budget below
    zero, the script fails immediately."
    """
    m.leaf.budget -= SIGOP_COST
    require(m.leaf.budget >= 0, "TAPSCRIPT_VALIDATION_WEIGHT")


def is_bip118_key(key):
    """BIP 118, Rules for signature opcodes: "the single byte 0x01, or [...] 33 bytes and the
    first byte of the public key is 0x01" (R12).
    """
    return len(key) in (1, 33) and key[0] == 0x01


def check_tapscript(m, signature, key):
    """BIP 342, Rules for signature opcodes. Returns whether the signature counts as given."""
    # The budget is charged by any non-empty signature, and Core charges it before it looks at
    # the key (R14).
    if signature:
        charge_budget(m)
    # "If the public key size is zero, the script MUST fail and terminate immediately." (R28)
    require(key, "TAPSCRIPT_EMPTY_PUBKEY")
    if len(key) == 32:
        # "If the signature is not the empty vector, the signature is validated [...]. Validation
        # failure in this case immediately terminates script execution with failure." The hash
        # types of such a key stay those of BIP 341 (R12).
        if signature:
            check_tapscript_signature(m, "bip342", key, signature)
    elif is_bip118_key(key):
        # BIP 118 adds its rule "prior to the handling of unknown public key types". While it is
        # not active such a key is of an unknown type, and refusing it is left to the flag of its
        # own: under the flag for unknown types, activation would turn a refusal into acceptance
        # (R27). An empty signature is not verified (R15).
        require("DISCOURAGE_ANYPREVOUT" not in m.flags, "DISCOURAGE_ANYPREVOUT")
        if "ANYPREVOUT" in m.flags and signature:
            # BIP 118, Public key: the one-byte key stands for "the 32-byte taproot internal key"
            # (R19); of the other one "remove the 0x01 prefix" (R20).
            x_only = m.leaf.internal_key if len(key) == 1 else key[1:]
            check_tapscript_signature(m, "bip118", x_only, signature)
    else:
        # "the public key is of an unknown public key type and no actual signature verification is
        # applied."
        discouraged = "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"
        require(discouraged not in m.flags, discouraged)
    return bool(signature)


def op_checksig(m):
    m.need(2)
    signature, key = m.stack[-2:]
    # The keys of BIP 118 are keys in tapscript only (R13).
    check = check_tapscript if m.version == TAPSCRIPT else check_ecdsa
    valid = check(m, signature, key)
    del m.stack[-2:]
    m.push_bool(valid)


def op_checksigverify(m):
    op_checksig(m)
    verify_top(m, "CHECKSIGVERIFY")


def op_checksigadd(m):
    # BIP 342: "the public key (top element), a CScriptNum n (second to top element), and a
    # signature (third to top element) are popped"; n is decoded before the signature is checked.
    m.need(3)
    signature, number, key = m.stack[-3:]
    count = m.number(number)
    valid = check_tapscript(m, signature, key)
    del m.stack[-3:]
    m.push(encode_number(count + valid))


def op_codeseparator(m):
    m.code_start = m.next_byte
    m.codesep_pos = m.position


# The proposals.


def op_checksigfromstack(m):
    """BIP 348, Specification. Its version of the script is looked at by the caller (R2)."""
    # "If fewer than 3 elements are on the stack, the script MUST fail and terminate immediately.
    # The public key (top element), message (second to top element), and signature (third from top
    # element) are read from the stack. The top three elements are popped from the stack." (R3, R4)
    m.need(3)
    signature, message, key = m.stack[-3:]
    del m.stack[-3:]
    # "If the public key size is zero, the script MUST fail and terminate immediately." (R5)
    require(key, "TAPSCRIPT_EMPTY_PUBKEY")
    if len(key) == 32:
        # "If the signature is not the empty vector, the signature is validated against the public
        # key and message according to BIP 340." There is no byte of a hash type (R6), and the
        # message is not hashed (R7). With an empty one nothing is verified (R8).
        if signature:
            require(len(signature) == 64, "SCHNORR_SIG_SIZE")
            valid = secp256k1.schnorr_verify(key, message, signature)
            m.context.values.append(
                {
                    "kind": "csfs",
                    "key": key.hex(),
                    "message": message.hex(),
                    "signature": signature.hex(),
                    "valid": valid,
                }
            )
            require(valid, "SCHNORR_SIG")
    else:
        # "Signature verification for unknown public key types succeeds". BIP 118 keys are among
        # these: that BIP changes only the signature opcodes of BIP 342 (R9).
        discouraged = "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"
        require(discouraged not in m.flags, discouraged)
    # "If the signature is not the empty vector: The opcode is counted towards the sigops budget":
    # the last step, so a bad signature is reported even where the budget is used up (R10).
    if signature:
        charge_budget(m)
    # (R11)
    m.push_bool(bool(signature))


def op_checktemplateverify(m):
    """BIP 119, Detailed Specification."""
    require("DISCOURAGE_CHECKTEMPLATEVERIFY" not in m.flags, "DISCOURAGE_UPGRADABLE_NOPS")
    # "Before soft-fork activation / failed activation continue to treat as NOP4"
    if "CHECKTEMPLATEVERIFY" not in m.flags:
        return
    # "CTV always requires at least one stack argument"
    m.need(1)
    # "CTV only verifies the hash against a 32 byte argument", which stays on the stack.
    if len(m.stack[-1]) == 32:
        preimage, digest = digests.ctv(m.context.tx, m.context.index)
        note(m, "ctv", preimage, digest)
        require(m.stack[-1] == digest, "TEMPLATE_MISMATCH")
        return
    # "future upgrade can add semantics for this opcode with different length args so discourage
    # use when applicable". The text uses the flag for NOPs; a flag of its own is needed, since
    # with that one activation would refuse what was accepted and accept what was refused.
    upgradable = "DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"
    require(upgradable not in m.flags, "DISCOURAGE_UPGRADABLE_NOPS")


def op_cat(m):
    """BIP 347, Specification: x1 || x2, where x2 is at the top of the stack."""
    m.need(2)
    x1, x2 = m.stack[-2:]
    # "OP_CAT fails [...] if a concatenated value would have a combined size greater than the
    # maximum script element size of 520 bytes."
    require(len(x1) + len(x2) <= MAX_ELEMENT_SIZE, "PUSH_SIZE")
    m.stack[-2:] = [x1 + x2]


def op_internalkey(m):
    """BIP 349: "pushes the 32-byte x-only representation of the taproot internal key"."""
    m.push(m.leaf.internal_key)


def op_paircommit(m):
    """BIP 442, Specification: the commitment takes the place of x1 and x2."""
    m.need(2)
    x1, x2 = m.stack[-2:]
    preimage, digest = digests.pair_commit(x1, x2)
    note(m, "paircommit", preimage, digest)
    m.stack[-2:] = [digest]


def op_templatehash(m):
    """BIP 446: "the template hash of the transaction in context is pushed onto the stack"."""
    preimage, digest = digests.template_hash(m.context.tx, m.context.index, m.leaf.annex)
    note(m, "templatehash", preimage, digest)
    m.push(digest)


def note(m, kind, preimage, digest):
    m.context.values.append({"kind": kind, "preimage": preimage.hex(), "digest": digest.hex()})


def constant(value):
    def operation(m):
        m.push(encode_number(value))

    return operation


OPERATIONS = {
    OP_1NEGATE: constant(-1),
    **{OP_1 + value - 1: constant(value) for value in range(1, 17)},
    OP_NOP: op_nop,
    OP_IF: op_if,
    OP_NOTIF: op_notif,
    OP_ELSE: op_else,
    OP_ENDIF: op_endif,
    OP_VERIFY: op_verify,
    OP_RETURN: op_return,
    OP_TOALTSTACK: op_toaltstack,
    OP_FROMALTSTACK: op_fromaltstack,
    OP_2DROP: rearrange(2, []),
    OP_2DUP: rearrange(2, [0, 1, 0, 1]),
    OP_3DUP: rearrange(3, [0, 1, 2, 0, 1, 2]),
    OP_2OVER: rearrange(4, [0, 1, 2, 3, 0, 1]),
    OP_2ROT: rearrange(6, [2, 3, 4, 5, 0, 1]),
    OP_2SWAP: rearrange(4, [2, 3, 0, 1]),
    OP_IFDUP: op_ifdup,
    OP_DEPTH: op_depth,
    OP_DROP: rearrange(1, []),
    OP_DUP: rearrange(1, [0, 0]),
    OP_NIP: rearrange(2, [1]),
    OP_OVER: rearrange(2, [0, 1, 0]),
    OP_PICK: op_pick,
    OP_ROLL: op_roll,
    OP_ROT: rearrange(3, [1, 2, 0]),
    OP_SWAP: rearrange(2, [1, 0]),
    OP_TUCK: rearrange(2, [1, 0, 1]),
    OP_CAT: op_cat,
    OP_SIZE: op_size,
    OP_EQUAL: op_equal,
    OP_EQUALVERIFY: op_equalverify,
    OP_1ADD: unary(lambda a: a + 1),
    OP_1SUB: unary(lambda a: a - 1),
    OP_NEGATE: unary(lambda a: -a),
    OP_ABS: unary(abs),
    OP_NOT: unary(lambda a: int(a == 0)),
    OP_0NOTEQUAL: unary(lambda a: int(a != 0)),
    OP_ADD: binary(lambda a, b: a + b),
    OP_SUB: binary(lambda a, b: a - b),
    OP_BOOLAND: binary(lambda a, b: a != 0 and b != 0),
    OP_BOOLOR: binary(lambda a, b: a != 0 or b != 0),
    OP_NUMEQUAL: op_numequal,
    OP_NUMEQUALVERIFY: op_numequalverify,
    OP_NUMNOTEQUAL: binary(lambda a, b: a != b),
    OP_LESSTHAN: binary(lambda a, b: a < b),
    OP_GREATERTHAN: binary(lambda a, b: a > b),
    OP_LESSTHANOREQUAL: binary(lambda a, b: a <= b),
    OP_GREATERTHANOREQUAL: binary(lambda a, b: a >= b),
    OP_MIN: binary(min),
    OP_MAX: binary(max),
    OP_WITHIN: op_within,
    OP_RIPEMD160: hashing(ripemd160),
    OP_SHA1: hashing(sha1),
    OP_SHA256: hashing(sha256),
    OP_HASH160: hashing(hash160),
    OP_HASH256: hashing(hash256),
    OP_CODESEPARATOR: op_codeseparator,
    OP_CHECKSIG: op_checksig,
    OP_CHECKSIGVERIFY: op_checksigverify,
    OP_CHECKMULTISIG: op_checkmultisig,
    OP_CHECKMULTISIGVERIFY: op_checkmultisigverify,
    OP_NOP1: op_upgradable_nop,
    OP_CHECKLOCKTIMEVERIFY: op_checklocktimeverify,
    OP_CHECKSEQUENCEVERIFY: op_checksequenceverify,
    OP_CHECKTEMPLATEVERIFY: op_checktemplateverify,
    **{opcode: op_upgradable_nop for opcode in range(OP_NOP5, OP_NOP10 + 1)},
    OP_CHECKSIGADD: op_checksigadd,
    OP_INTERNALKEY: op_internalkey,
    OP_CHECKSIGFROMSTACK: op_checksigfromstack,
    OP_PAIRCOMMIT: op_paircommit,
    OP_TEMPLATEHASH: op_templatehash,
}
TAPSCRIPT_ONLY = {OP_CHECKSIGADD, *REDEFINED_OP_SUCCESS}


# Running a script.


def execute(context, script, stack, version, leaf=None):
    """Runs a script on the stack, which it changes; raises ScriptError where the script fails."""
    Machine(context, script, stack, version, leaf).run()


def succeeds_at_once(script, flags):
    """BIP 342, Specification, step 2: the scan for OP_SUCCESSx, before anything else is checked.

    For OP_CHECKSIGFROMSTACK it is R1 and R26 of BIP-DRAFT.md.

    An opcode that an active proposal has redefined is passed over like any other; while it is
    not active it still is an OP_SUCCESSx.
    """
    at = 0
    while at < len(script):
        try:
            opcode, _, at = read_op(script, at)
        except Truncated:
            # "If any push opcode fails to decode because it would extend past the end of the
            # tapscript, fail."
            raise ScriptError("BAD_OPCODE") from None
        if opcode in REDEFINED_OP_SUCCESS:
            # Refused by the flag of its own and by no other, as for BIP 118 keys; and first of
            # all, since policy may discourage what is active.
            proposal, error = REDEFINED_OP_SUCCESS[opcode]
            require(f"DISCOURAGE_{proposal}" not in flags, error)
            if proposal not in flags:
                return True
        elif opcode in OP_SUCCESS:
            require("DISCOURAGE_OP_SUCCESS" not in flags, "DISCOURAGE_OP_SUCCESS")
            return True
    return False
