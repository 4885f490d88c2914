# SPDX-License-Identifier: CC0-1.0
"""What is mutated for each target, and which vector files must notice."""

# Definitions of the reference that have no rules of script in them: they read files, record values, or check usage.
NO_RULES = {
    "transaction": {"Reader", "read_input", "read_output", "parse_output", "parse_transaction", "Input", "Transaction"},
    "secp256k1": set(),
    # Nothing reads this name: SIGHASH_ALL is what remains after the others.
    "digests": {"SIGHASH_ALL"},
    "script": {
        "ScriptError", "require", "Context", "Leaf", "Truncated", "note", "CORE_FLAGS", "PROPOSALS", "DISCOURAGE_FLAGS",
        "ALL_FLAGS", "REDEFINED_OP_SUCCESS", "TAPSCRIPT_ONLY",
    },
    "verify": {"verify", "usage_error"},
}  # fmt: skip
PROPOSED = {
    "digests": {
        "BIP118_HASH_TYPES", "SIGHASH_ANYPREVOUT", "SIGHASH_ANYPREVOUTANYSCRIPT", "msg118", "ext118", "bip118", "ctv",
        "template_hash", "pair_commit",
    },
    "script": {
        "is_bip118_key", "op_checksigfromstack", "op_checktemplateverify", "op_cat", "op_internalkey", "op_paircommit",
        "op_templatehash",
    },
}  # fmt: skip
TEMPLATE_PARTS = {"sha_sequences", "sha_outputs"}
SCAN = {"succeeds_at_once"}
# Compact sizes are those of transactions, and mutated for today's rules.
SIZES = {"sized", "Output"}


class Target:
    """A proposal, or today's rules."""

    def __init__(self, title, folders, parts, skip):
        self.title, self.folders, self.parts, self.skip = title, folders, parts, skip

    def wanted(self, module):
        if self.parts is None:
            left_out = NO_RULES.get(module, set()) | PROPOSED.get(module, set())
            return lambda name: name not in left_out
        return lambda name: name in self.parts.get(module, ())

    def modules(self):
        return ("transaction", "secp256k1", "digests", "script", "verify") if self.parts is None else tuple(self.parts)

    def skipped(self, text):
        return any(word in text for word in self.skip)


# Values are written down for the vectors, and decide nothing.
RECORDS = ("values.append", "note(m")
# Policy is in none of the files for BIPs: they have the rules of consensus.
POLICY = (*RECORDS, "DISCOURAGE", "discouraged not in", "upgradable not in", "m.flags, 'DIS")


def proposal(title, bip, **parts):
    return Target(title, [f"bips/bip-{bip:04}"], parts, POLICY)


TARGETS = {
    "csfs": proposal(
        "CHECKSIGFROMSTACK", 348, secp256k1={"schnorr_verify", "tagged_hash"},
        script={"op_checksigfromstack", "charge_budget", "SIGOP_COST"} | SCAN,
    ),
    "anyprevout": proposal(
        "ANYPREVOUT", 118, transaction=SIZES, secp256k1={"schnorr_verify"},
        digests={
            "BIP118_HASH_TYPES", "SIGHASH_ANYPREVOUT", "SIGHASH_ANYPREVOUTANYSCRIPT", "NO_CODESEPARATOR", "msg118",
            "ext118", "bip118", "sig_msg", "tap_sighash", "sha_prevouts", "sha_amounts", "sha_scriptpubkeys", "sha_annex",
        } | TEMPLATE_PARTS,
        script={"is_bip118_key", "check_tapscript", "check_tapscript_signature", "check_schnorr", "charge_budget",
                "op_codeseparator", "op_checksigadd", "op_checksigverify", "op_checksig", "check_key_path", "SIGOP_COST"},
    ),
    "ctv": proposal(
        "CHECKTEMPLATEVERIFY", 119, transaction=SIZES, digests={"ctv"} | TEMPLATE_PARTS, script={"op_checktemplateverify"},
    ),
    "cat": proposal("CAT", 347, script={"op_cat", "MAX_ELEMENT_SIZE"} | SCAN),
    "internalkey": proposal("INTERNALKEY", 349, script={"op_internalkey"} | SCAN),
    "paircommit": proposal(
        "PAIRCOMMIT", 442, transaction={"sized"}, secp256k1={"tagged_hash"}, digests={"pair_commit"},
        script={"op_paircommit"} | SCAN,
    ),
    "templatehash": proposal(
        "TEMPLATEHASH", 446, transaction=SIZES, secp256k1={"tagged_hash"}, digests={"template_hash", "sha_annex"} | TEMPLATE_PARTS,
        script={"op_templatehash"} | SCAN,
    ),
    "bip54": Target("BIP 54", ["proposals/bip54.jsonl"], {
        "verify": {"is_p2sh"},
        "whole": {
            "FORBIDDEN_SIZE", "MAX_LEGACY_SIGOPS", "SIGOPS_OF_UNKNOWN_MULTISIG", "verify_transaction", "check_size",
            "stripped_size", "check_legacy_sigops", "legacy_sigops", "redeem_script", "count_sigops",
        },
    }, (*RECORDS, "values.extend", "values = []")),
    "today": Target("today's rules", ["consensus"], None,
                    (*RECORDS, "ANYPREVOUT", "bip118", "REDEFINED", "TAPSCRIPT_ONLY", "proposal")),
}  # fmt: skip
