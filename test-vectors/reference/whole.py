# SPDX-License-Identifier: CC0-1.0
"""A whole transaction: every input, and then the two rules of BIP 54 that span inputs.

BIP 54 names no errors. The reject reasons are those of its implementation for Bitcoin Core.
"""

from script import (
    OP_1,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    ScriptError,
    Truncated,
    is_push_only,
    read_op,
    require,
)
from transaction import compact_size, sized
from verify import is_p2sh, verify

# Both rules belong to one BIP, and each has a flag of its own.
TRANSACTION_FLAGS = frozenset({"FORBID_64_BYTE_TX", "LEGACY_SIGOPS_LIMIT"})

FORBIDDEN_SIZE = 64
MAX_LEGACY_SIGOPS = 2_500
SIGOPS_OF_UNKNOWN_MULTISIG = 20


def verify_transaction(tx, prevouts, flags):
    """Returns (verdict, values): OK, the error of the first invalid input, or a reject reason."""
    values = []
    for index in range(len(tx.inputs)):
        verdict, found = verify(tx, index, prevouts, flags)
        values.extend(found)
        if verdict != "OK":
            return verdict, values
    try:
        check_size(tx, flags)
        check_legacy_sigops(tx, prevouts, flags)
    except ScriptError as error:
        return error.name, values
    return "OK", values


def check_size(tx, flags):
    # BIP 54, Specification: "Transactions whose witness-stripped serialized size is exactly 64
    # bytes are invalid."
    if "FORBID_64_BYTE_TX" in flags:
        require(stripped_size(tx) != FORBIDDEN_SIZE, "bad-txns-size")


def stripped_size(tx):
    """The size of the original serialization: without marker, flag and witness (BIP 144)."""
    # The version and the lock time have 4 bytes each, an outpoint 36, and a sequence 4.
    size = 4 + len(compact_size(len(tx.inputs))) + len(compact_size(len(tx.outputs))) + 4
    size += sum(36 + len(sized(txin.script_sig)) + 4 for txin in tx.inputs)
    return size + sum(len(output.serialize()) for output in tx.outputs)


def check_legacy_sigops(tx, prevouts, flags):
    # BIP 54, Specification: "If the total summed over all transaction inputs is strictly higher
    # than 2500, the transaction is invalid."
    if "LEGACY_SIGOPS_LIMIT" in flags:
        pairs = zip(tx.inputs, prevouts, strict=True)
        total = sum(legacy_sigops(txin.script_sig, prevout.script_pubkey) for txin, prevout in pairs)
        require(total <= MAX_LEGACY_SIGOPS, "bad-txns-legacy-sigops")


def legacy_sigops(script_sig, script_pubkey):
    """BIP 54, Specification: "For each input in the transaction, count the number of `CHECKSIG` and
    `CHECKMULTISIG` in the input scriptSig and previous output's scriptPubKey, including the P2SH
    redeemScript. [...] evaluating the scriptSig, scriptPubKey, and P2SH redeemScript separately".

    The witness has no part in it, and neither has a witness program: it only pushes.
    """
    total = count_sigops(script_sig) + count_sigops(script_pubkey)
    if is_p2sh(script_pubkey):
        total += count_sigops(redeem_script(script_sig))
    return total


def redeem_script(script_sig):
    """BIP 16: the serialized script is the last element that the scriptSig pushes.

    Where BIP 16 is not enforced, the scriptSig can have other opcodes. Then Bitcoin Core counts
    nothing, because BIP 16 would refuse the input.
    """
    if not is_push_only(script_sig):
        return b""
    data, at = b"", 0
    while at < len(script_sig):
        _, data, at = read_op(script_sig, at)
    return data


def count_sigops(script):
    """BIP 54, Specification, rules 1 to 3, which are those of BIP 16."""
    total, before, at = 0, None, 0
    while at < len(script):
        try:
            opcode, _, at = read_op(script, at)
        except Truncated:
            # Only a redeem script that is not executed can be cut off: where BIP 16 is not
            # enforced. Bitcoin Core counts up to there.
            break
        if opcode in (OP_CHECKSIG, OP_CHECKSIGVERIFY):
            # "1. `CHECKSIG` and `CHECKSIGVERIFY` count as 1 signature operation, whether or not
            # they are evaluated."
            total += 1
        elif opcode in (OP_CHECKMULTISIG, OP_CHECKMULTISIGVERIFY):
            # "2. `CHECKMULTISIG` and `CHECKMULTISIGVERIFY` immediately preceded by `OP_1` through
            # `OP_16` are counted as 1 to 16 signature operations, whether or not they are
            # evaluated."
            if before is not None and OP_1 <= before <= OP_16:
                total += before - OP_1 + 1
            else:
                # "3. All other `CHECKMULTISIG` and `CHECKMULTISIGVERIFY` are counted as 20
                # signature operations, whether or not they are evaluated."
                total += SIGOPS_OF_UNKNOWN_MULTISIG
        before = opcode
    return total
