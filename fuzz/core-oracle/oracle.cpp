// Answers test cases with the verdict of Bitcoin Core's own script interpreter, error name included.
//
// Input: one case of test-vectors/README.md a line, as JSON. Output, one line for each: `OK`, the error's name as the case format
// spells it, or `?` and a reason if Core cannot answer.
//
// Core knows no proposal. The oracle therefore answers `?` if a flag activates one, and if an opcode or key type that a proposal
// has been assigned may decide the verdict: the flags of the case format treat it apart from what is not assigned, and Core does
// not. With --core-flags it answers these cases as Core does, from Core's flags alone: DISCOURAGE_OP_SUCCESS is then about
// every OP_SUCCESS opcode, and the flags that refuse a proposal are ignored.

#include <consensus/amount.h>
#include <crypto/sha256.h>
#include <primitives/transaction.h>
#include <script/interpreter.h>
#include <script/script.h>
#include <script/script_error.h>
#include <streams.h>
#include <univalue.h>
#include <util/strencodings.h>

#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/** The error's name in the case format: that of the enumerator, but for SIG_NULLFAIL, which Core's own vectors call NULLFAIL. */
const char* Name(ScriptError error)
{
#define NAME(name) \
    case SCRIPT_ERR_##name: return #name
    // Without a default, so that the compiler reports an error that a later version of Core adds.
    switch (error) {
        NAME(OK);
        NAME(UNKNOWN_ERROR);
        NAME(EVAL_FALSE);
        NAME(OP_RETURN);
        NAME(SCRIPTNUM);
        NAME(SCRIPT_SIZE);
        NAME(PUSH_SIZE);
        NAME(OP_COUNT);
        NAME(STACK_SIZE);
        NAME(SIG_COUNT);
        NAME(PUBKEY_COUNT);
        NAME(VERIFY);
        NAME(EQUALVERIFY);
        NAME(CHECKMULTISIGVERIFY);
        NAME(CHECKSIGVERIFY);
        NAME(NUMEQUALVERIFY);
        NAME(BAD_OPCODE);
        NAME(DISABLED_OPCODE);
        NAME(INVALID_STACK_OPERATION);
        NAME(INVALID_ALTSTACK_OPERATION);
        NAME(UNBALANCED_CONDITIONAL);
        NAME(NEGATIVE_LOCKTIME);
        NAME(UNSATISFIED_LOCKTIME);
        NAME(SIG_HASHTYPE);
        NAME(SIG_DER);
        NAME(MINIMALDATA);
        NAME(SIG_PUSHONLY);
        NAME(SIG_HIGH_S);
        NAME(SIG_NULLDUMMY);
        NAME(PUBKEYTYPE);
        NAME(CLEANSTACK);
        NAME(MINIMALIF);
        NAME(DISCOURAGE_UPGRADABLE_NOPS);
        NAME(DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM);
        NAME(DISCOURAGE_UPGRADABLE_TAPROOT_VERSION);
        NAME(DISCOURAGE_OP_SUCCESS);
        NAME(DISCOURAGE_UPGRADABLE_PUBKEYTYPE);
        NAME(WITNESS_PROGRAM_WRONG_LENGTH);
        NAME(WITNESS_PROGRAM_WITNESS_EMPTY);
        NAME(WITNESS_PROGRAM_MISMATCH);
        NAME(WITNESS_MALLEATED);
        NAME(WITNESS_MALLEATED_P2SH);
        NAME(WITNESS_UNEXPECTED);
        NAME(WITNESS_PUBKEYTYPE);
        NAME(SCHNORR_SIG_SIZE);
        NAME(SCHNORR_SIG_HASHTYPE);
        NAME(SCHNORR_SIG);
        NAME(TAPROOT_WRONG_CONTROL_SIZE);
        NAME(TAPSCRIPT_VALIDATION_WEIGHT);
        NAME(TAPSCRIPT_CHECKMULTISIG);
        NAME(TAPSCRIPT_MINIMALIF);
        NAME(TAPSCRIPT_EMPTY_PUBKEY);
        NAME(OP_CODESEPARATOR);
        NAME(SIG_FINDANDDELETE);
        case SCRIPT_ERR_SIG_NULLFAIL: return "NULLFAIL";
        case SCRIPT_ERR_ERROR_COUNT: break;
    }
#undef NAME
    throw std::runtime_error("Core returned an error that is none of its own");
}

/** A flag of the case format that refuses a proposal, and Core's flag for what the proposal uses. */
const std::map<std::string, script_verify_flag_name> REFUSING{
    {"DISCOURAGE_CHECKSIGFROMSTACK", SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_OP_CAT", SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_INTERNALKEY", SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_PAIRCOMMIT", SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_TEMPLATEHASH", SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_ANYPREVOUT", SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE},
    {"DISCOURAGE_CHECKTEMPLATEVERIFY", SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS},
};

/** A flag about arguments of OP_CHECKTEMPLATEVERIFY, without effect while that is a NOP. */
const std::string WITHOUT_EFFECT{"DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"};

/** The flags of a case. */
struct Flags {
    /** Those that Core has. */
    script_verify_flags own{SCRIPT_VERIFY_NONE};
    /** Core's flags for those that refuse proposals. */
    script_verify_flags refusing{SCRIPT_VERIFY_NONE};
};

Flags ReadFlags(const std::string& text)
{
    Flags flags;
    size_t begin = 0;
    while (begin <= text.size()) {
        const size_t end = std::min(text.find(',', begin), text.size());
        const std::string name = text.substr(begin, end - begin);
        begin = end + 1;
        if (name.empty() || name == "NONE" || name == WITHOUT_EFFECT) continue;
        const auto own = ScriptFlagNamesToEnum().find(name);
        const auto refusing = REFUSING.find(name);
        if (own != ScriptFlagNamesToEnum().end()) {
            flags.own |= own->second;
        } else if (refusing != REFUSING.end()) {
            flags.refusing |= refusing->second;
        } else {
            throw std::runtime_error("Core does not know the flag " + name);
        }
    }
    const auto has = [&](script_verify_flag_name flag) { return bool{flags.own & flag}; };
    // Core aborts on these combinations.
    if ((has(SCRIPT_VERIFY_WITNESS) && !has(SCRIPT_VERIFY_P2SH)) || (has(SCRIPT_VERIFY_CLEANSTACK) && !has(SCRIPT_VERIFY_WITNESS))) {
        throw std::runtime_error("WITNESS needs P2SH, and CLEANSTACK needs both");
    }
    return flags;
}

std::vector<unsigned char> ReadHex(const UniValue& value)
{
    const auto bytes = TryParseHex<unsigned char>(value.get_str());
    if (!bytes) throw std::runtime_error("invalid hex");
    return *bytes;
}

/** Reads a serialized object, which must use all bytes. */
template <typename T>
T Read(const UniValue& value, auto&& params)
{
    const std::vector<unsigned char> bytes = ReadHex(value);
    SpanReader reader{bytes};
    T object;
    reader >> params(object);
    if (!reader.empty()) throw std::runtime_error("bytes after the end");
    return object;
}

/** OP_CAT, OP_CHECKTEMPLATEVERIFY, OP_INTERNALKEY, OP_CHECKSIGFROMSTACK, OP_PAIRCOMMIT, OP_TEMPLATEHASH. */
const std::set<int> PROPOSALS{0x7e, 0xb3, 0xcb, 0xcc, 0xcd, 0xce};

/** Whether a script has an opcode that a proposal has been assigned: OP_NOP4, or one of the OP_SUCCESS opcodes. */
bool HasProposal(const CScript& script)
{
    CScript::const_iterator at = script.begin();
    opcodetype opcode;
    while (script.GetOp(at, opcode)) {
        if (PROPOSALS.contains(opcode)) return true;
    }
    return false;
}

/** Whether one of an input's scripts, or what may be one, has an opcode of a proposal. */
bool HasProposal(const CTxIn& input, const CTxOut& spent)
{
    if (HasProposal(spent.scriptPubKey) || HasProposal(input.scriptSig)) return true;
    for (const auto& element : input.scriptWitness.stack) {
        if (HasProposal(CScript(element.begin(), element.end()))) return true;
    }
    CScript::const_iterator at = input.scriptSig.begin();
    opcodetype opcode;
    std::vector<unsigned char> data;
    while (input.scriptSig.GetOp(at, opcode, data)) {
        if (HasProposal(CScript(data.begin(), data.end()))) return true;
    }
    return false;
}

/** Whether an error may be about an opcode or a key type of a proposal, so that the case format's flags may mean another verdict, or
 *  another name. */
bool MayConcernProposal(ScriptError error, const Flags& flags, const CTxIn& input, const CTxOut& spent)
{
    const auto all = flags.own & flags.refusing;
    switch (error) {
    case SCRIPT_ERR_DISCOURAGE_UPGRADABLE_NOPS:
        // With both flags every NOP is refused with the same error.
        if (all & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS) return false;
        return HasProposal(input, spent) || !(flags.own & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS);
    case SCRIPT_ERR_DISCOURAGE_OP_SUCCESS:
        return HasProposal(input, spent) || !(flags.own & SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS);
    case SCRIPT_ERR_DISCOURAGE_UPGRADABLE_PUBKEYTYPE:
        // The key may be computed by the script.
        return true;
    default:
        return false;
    }
}

/** Returns the answer. Throws if there is none. */
std::string Answer(const std::string& line, bool core_flags)
{
    UniValue object;
    if (!object.read(line) || !object.isObject()) throw std::runtime_error("not a JSON object");
    const Flags flags = ReadFlags(object["flags"].get_str());
    const auto with_witness = [](auto& tx) { return TX_WITH_WITNESS(tx); };
    const CTransaction tx{Read<CMutableTransaction>(object["tx"], with_witness)};
    const size_t index = object["index"].getInt<uint32_t>();
    std::vector<CTxOut> prevouts;
    for (const UniValue& prevout : object["prevouts"].getValues()) {
        prevouts.push_back(Read<CTxOut>(prevout, [](auto& output) -> auto& { return output; }));
    }
    if (prevouts.size() != tx.vin.size()) throw std::runtime_error("there must be one prevout for each input");
    if (index >= tx.vin.size()) throw std::runtime_error("the transaction has no such input");

    const CTxOut spent = prevouts[index];
    PrecomputedTransactionData precomputed;
    precomputed.Init(tx, std::move(prevouts));
    // Not ASSERT_FAIL: for Core a negative amount is missing data, and a signature that is missing data is invalid.
    const TransactionSignatureChecker checker{&tx, static_cast<unsigned>(index), spent.nValue, precomputed, MissingDataBehavior::FAIL};
    const script_verify_flags set = core_flags ? flags.own : flags.own | flags.refusing;
    ScriptError error;
    VerifyScript(tx.vin[index].scriptSig, spent.scriptPubKey, &tx.vin[index].scriptWitness, set, checker, &error);
    if (!core_flags && MayConcernProposal(error, flags, tx.vin[index], spent)) {
        throw std::runtime_error("the opcode or key type may be that of a proposal");
    }
    return Name(error);
}

} // namespace

int main(int argc, char** argv)
{
    const bool core_flags = argc == 2 && std::string{argv[1]} == "--core-flags";
    if (argc > 1 && !core_flags) {
        std::cerr << "usage: core-oracle [--core-flags]\nReads a case a line (test-vectors/README.md), answers each with a line.\n";
        return 2;
    }
    SHA256AutoDetect();
    std::ios::sync_with_stdio(false);
    std::string line;
    while (std::getline(std::cin, line)) {
        try {
            std::cout << Answer(line, core_flags) << std::endl;
        } catch (const std::exception& reason) {
            std::cout << "? " << reason.what() << std::endl;
        }
    }
    return 0;
}
