# SPDX-License-Identifier: CC0-1.0
"""Every message that a signature or a template covers, as its preimage and its digest.

A function returns the pair (preimage, digest), so that a case can show both; where a rule of the
texts says that there is no such message, it returns None.
"""

from secp256k1 import tagged_hash
from transaction import compact_size, hash256, le, sha256, sized

SIGHASH_DEFAULT = 0x00
SIGHASH_ALL = 0x01
SIGHASH_NONE = 0x02
SIGHASH_SINGLE = 0x03
SIGHASH_ANYONECANPAY = 0x80
# BIP 118, Signature message: "We define the following constants using bits 6 and 7 of hash_type".
SIGHASH_ANYPREVOUT = 0x40
SIGHASH_ANYPREVOUTANYSCRIPT = 0xC0

BIP341_HASH_TYPES = (0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83)
BIP118_HASH_TYPES = (
    0x00, 0x01, 0x02, 0x03, 0x41, 0x42, 0x43, 0x81, 0x82, 0x83, 0xC1, 0xC2, 0xC3,
)  # fmt: skip

# BIP 342 and BIP 118: the value of codesep_pos when no OP_CODESEPARATOR was executed.
NO_CODESEPARATOR = 0xFFFFFFFF


# Parts that several digests share. BIP 341 names them, and BIP 119 and BIP 446 reuse them.


def sha_prevouts(tx):
    return sha256(b"".join(txin.outpoint for txin in tx.inputs))


def sha_amounts(prevouts):
    return sha256(b"".join(prevout.amount for prevout in prevouts))


def sha_scriptpubkeys(prevouts):
    return sha256(b"".join(sized(prevout.script_pubkey) for prevout in prevouts))


def sha_sequences(tx):
    return sha256(b"".join(le(txin.sequence, 4) for txin in tx.inputs))


def sha_outputs(tx):
    return sha256(b"".join(txout.serialize() for txout in tx.outputs))


def sha_annex(annex):
    """BIP 341: the SHA256 of (compact_size(size of annex) || annex), with the 0x50 prefix."""
    return sha256(sized(annex))


# Taproot's tree (BIP 341, Script validation rules).


def tapleaf(leaf_version, script):
    """k_0 = hash_TapLeaf(v || compact_size(size of s) || s)."""
    preimage = le(leaf_version, 1) + sized(script)
    return preimage, tagged_hash("TapLeaf", preimage)


def tapbranch(a, b):
    """The two children in lexicographic order."""
    preimage = a + b if a < b else b + a
    return preimage, tagged_hash("TapBranch", preimage)


def merkle_root(leaf_hash, path):
    """Walks up from the leaf: path is the control block after its first 33 bytes."""
    node = leaf_hash
    for start in range(0, len(path), 32):
        node = tapbranch(node, path[start : start + 32])[1]
    return node


# Signatures of taproot.


def sig_msg(tx, index, prevouts, hash_type, ext_flag, annex):
    """BIP 341, Common signature message: SigMsg(hash_type, ext_flag), or None."""
    # "Using any undefined hash_type" causes failure.
    if hash_type not in BIP341_HASH_TYPES:
        return None
    # So does "using SIGHASH_SINGLE without a 'corresponding output'".
    if hash_type & 3 == SIGHASH_SINGLE and index >= len(tx.outputs):
        return None
    anyone_can_pay = hash_type & 0x80 == SIGHASH_ANYONECANPAY

    # Control
    message = le(hash_type, 1)

    # Transaction data
    message += le(tx.version, 4) + le(tx.lock_time, 4)
    if not anyone_can_pay:
        message += sha_prevouts(tx) + sha_amounts(prevouts)
        message += sha_scriptpubkeys(prevouts) + sha_sequences(tx)
    if hash_type & 3 not in (SIGHASH_NONE, SIGHASH_SINGLE):
        message += sha_outputs(tx)

    # Data about this input: "spend_type (1): equal to (ext_flag * 2) + annex_present"
    message += le(ext_flag * 2 + (annex is not None), 1)
    if anyone_can_pay:
        message += tx.inputs[index].outpoint
        message += prevouts[index].amount + sized(prevouts[index].script_pubkey)
        message += le(tx.inputs[index].sequence, 4)
    else:
        message += le(index, 4)
    if annex is not None:
        message += sha_annex(annex)

    # Data about this output
    if hash_type & 3 == SIGHASH_SINGLE:
        message += sha256(tx.outputs[index].serialize())
    return message


def tap_sighash(message):
    """BIP 341: hash_TapSighash(0x00 || ...); the byte 00 is the epoch."""
    preimage = b"\x00" + message
    return preimage, tagged_hash("TapSighash", preimage)


def bip341(tx, index, prevouts, hash_type, annex):
    """BIP 341, Taproot key path spending signature validation: 0x00 || SigMsg(hash_type, 0)."""
    message = sig_msg(tx, index, prevouts, hash_type, 0, annex)
    return None if message is None else tap_sighash(message)


def bip342(tx, index, prevouts, hash_type, annex, tapleaf_hash, codesep_pos):
    """BIP 342, Signature validation: 0x00 || SigMsg(hash_type, 1) || ext."""
    message = sig_msg(tx, index, prevouts, hash_type, 1, annex)
    if message is None:
        return None
    # Common Signature Message Extension: tapleaf_hash (32), key_version (1) "a constant value
    # 0x00", codesep_pos (4).
    return tap_sighash(message + tapleaf_hash + b"\x00" + le(codesep_pos, 4))


def msg118(tx, index, prevouts, hash_type, annex):
    """BIP 118, Signature message: Msg118(hash_type), or None."""
    # "Using any undefined hash_type" (R17 of BIP-DRAFT.md) and "SIGHASH_SINGLE without a
    # 'corresponding output'" (R18) cause validation failure.
    if hash_type not in BIP118_HASH_TYPES:
        return None
    if hash_type & 3 == SIGHASH_SINGLE and index >= len(tx.outputs):
        return None

    # "If hash_type & 0x40 == 0, then Msg118(hash_type) = SigMsg(hash_type, 1)" (R21)
    if hash_type & 0x40 == 0:
        return sig_msg(tx, index, prevouts, hash_type, 1, annex)

    # Control
    message = le(hash_type, 1)

    # Transaction data
    message += le(tx.version, 4) + le(tx.lock_time, 4)
    if hash_type & 3 not in (SIGHASH_NONE, SIGHASH_SINGLE):
        message += sha_outputs(tx)

    # Data about this input: "spend_type (1): equal to 2 if no annex is present, or 3 otherwise".
    # SIGHASH_ANYPREVOUT has the output that is spent (R22), the other one nothing of it (R23).
    message += le(2 if annex is None else 3, 1)
    if hash_type & 0xC0 == SIGHASH_ANYPREVOUT:
        message += prevouts[index].amount + sized(prevouts[index].script_pubkey)
    message += le(tx.inputs[index].sequence, 4)
    if annex is not None:
        message += sha_annex(annex)

    # Data about this output
    if hash_type & 3 == SIGHASH_SINGLE:
        message += sha256(tx.outputs[index].serialize())
    return message


def ext118(hash_type, tapleaf_hash, codesep_pos):
    """BIP 118, Signature message: Ext118(hash_type) (R24)."""
    extension = b""
    # "If hash_type & 0xc0 is not SIGHASH_ANYPREVOUTANYSCRIPT: tapleaf_hash (32)"
    if hash_type & 0xC0 != SIGHASH_ANYPREVOUTANYSCRIPT:
        extension += tapleaf_hash
    # "key_version (1): a constant value 0x01", whatever the hash_type; then codesep_pos (4).
    return extension + b"\x01" + le(codesep_pos, 4)


def bip118(tx, index, prevouts, hash_type, annex, tapleaf_hash, codesep_pos):
    """BIP 118: hash_TapSighash(0x00 || Msg118(hash_type) || Ext118(hash_type))."""
    message = msg118(tx, index, prevouts, hash_type, annex)
    if message is None:
        return None
    return tap_sighash(message + ext118(hash_type, tapleaf_hash, codesep_pos))


# Templates and commitments.


def ctv(tx, index):
    """BIP 119, Detailed Specification: get_default_check_template_hash. A single SHA256, no tag."""
    preimage = le(tx.version, 4) + le(tx.lock_time, 4)
    # "we do not include the hash in the case where there is no scriptSigs": any input counts, not
    # only the one that is verified.
    if any(txin.script_sig for txin in tx.inputs):
        preimage += sha256(b"".join(sized(txin.script_sig) for txin in tx.inputs))
    preimage += le(len(tx.inputs), 4) + sha_sequences(tx)
    preimage += le(len(tx.outputs), 4) + sha_outputs(tx)
    preimage += le(index, 4)
    return preimage, sha256(preimage)


def template_hash(tx, index, annex):
    """BIP 446, Specification: hash_TemplateHash of the fields below."""
    # Transaction data
    preimage = le(tx.version, 4) + le(tx.lock_time, 4) + sha_sequences(tx) + sha_outputs(tx)
    # Data about this input: "annex_present (1): [...] (0 if no annex is present, or 1 otherwise)"
    preimage += le(int(annex is not None), 1) + le(index, 4)
    if annex is not None:
        preimage += sha_annex(annex)
    return preimage, tagged_hash("TemplateHash", preimage)


def pair_commit(x1, x2):
    """BIP 442: hash_PairCommit(compact_size(len(x1)) || x1 || compact_size(len(x2)) || x2).

    x1 is the deeper element of the two.
    """
    preimage = sized(x1) + sized(x2)
    return preimage, tagged_hash("PairCommit", preimage)


# Signatures before taproot.


def legacy(tx, index, script_code, hash_type):
    """The original signature hash. script_code is serialized and without its OP_CODESEPARATORs already.

    hash_type is the 32-bit number that the preimage ends with; in a script it is one byte. The
    preimage is None for the one digest that is not a hash.
    """
    # SIGHASH_SINGLE without its output signs the number one: an old bug, and consensus.
    if hash_type & 0x1F == SIGHASH_SINGLE and index >= len(tx.outputs):
        return None, le(1, 32)
    single_or_none = hash_type & 0x1F in (SIGHASH_SINGLE, SIGHASH_NONE)

    preimage = le(tx.version, 4)
    if hash_type & SIGHASH_ANYONECANPAY:
        preimage += compact_size(1)
    else:
        preimage += compact_size(len(tx.inputs))
    for position, txin in enumerate(tx.inputs):
        if position == index:
            preimage += txin.outpoint + script_code + le(txin.sequence, 4)
        elif not hash_type & SIGHASH_ANYONECANPAY:
            sequence = 0 if single_or_none else txin.sequence
            preimage += txin.outpoint + sized(b"") + le(sequence, 4)

    if hash_type & 0x1F == SIGHASH_NONE:
        preimage += compact_size(0)
    elif hash_type & 0x1F == SIGHASH_SINGLE:
        # The outputs before the corresponding one are blanked: amount -1 and an empty script.
        blank = b"\xff" * 8 + sized(b"")
        preimage += compact_size(index + 1) + blank * index + tx.outputs[index].serialize()
    else:
        preimage += compact_size(len(tx.outputs))
        preimage += b"".join(txout.serialize() for txout in tx.outputs)
    preimage += le(tx.lock_time, 4) + le(hash_type & 0xFFFFFFFF, 4)
    return preimage, hash256(preimage)


def bip143(tx, index, script_code, amount, hash_type):
    """BIP 143, Specification: the ten items of the double SHA256."""
    base = hash_type & 0x1F
    anyone_can_pay = bool(hash_type & SIGHASH_ANYONECANPAY)
    zeros = bytes(32)

    hash_prevouts = hash_sequence = hash_outputs = zeros
    # "If the ANYONECANPAY flag is not set, hashPrevouts is the double SHA256 of [...] all input
    # outpoints"
    if not anyone_can_pay:
        hash_prevouts = hash256(b"".join(txin.outpoint for txin in tx.inputs))
    # "If none of the ANYONECANPAY, SINGLE, NONE sighash type is set, hashSequence is [...]"
    if not anyone_can_pay and base not in (SIGHASH_SINGLE, SIGHASH_NONE):
        hash_sequence = hash256(b"".join(le(txin.sequence, 4) for txin in tx.inputs))
    # "If the sighash type is neither SINGLE nor NONE, hashOutputs is [...] all output amount
    # (8-byte little endian) with scriptPubKey"; SINGLE covers its own output if there is one.
    if base not in (SIGHASH_SINGLE, SIGHASH_NONE):
        hash_outputs = hash256(b"".join(txout.serialize() for txout in tx.outputs))
    elif base == SIGHASH_SINGLE and index < len(tx.outputs):
        hash_outputs = hash256(tx.outputs[index].serialize())

    txin = tx.inputs[index]
    preimage = le(tx.version, 4) + hash_prevouts + hash_sequence
    preimage += txin.outpoint + sized(script_code) + amount + le(txin.sequence, 4)
    preimage += hash_outputs + le(tx.lock_time, 4) + le(hash_type & 0xFFFFFFFF, 4)
    return preimage, hash256(preimage)
