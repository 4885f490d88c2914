//! Tests of transactions that consensus accepts and nodes do not relay.

use super::*;

/// The policy verdict says why nodes do not relay the transaction, although consensus accepts it.
#[test]
fn transactions_that_are_not_relayed() {
    let leaf = || Spend::new().script("1", "", TAPSCRIPT);
    let long = format!("<{}>", "44".repeat(81));
    let big = format!("{} 1", format!("<{}> DROP ", "55".repeat(520)).repeat(7).trim_end());
    for (name, spend, refused) in [
        (
            "an annex",
            leaf().annex(&[0x50, 1]),
            "bad-witness-nonstandard: input 0: the taproot witness has an annex",
        ),
        (
            "a tapscript element of 81 bytes",
            Spend::new().script("DROP 1", &long, TAPSCRIPT),
            "bad-witness-nonstandard: input 0: witness element 0 of a tapscript input has 81 bytes; the maximum is 80",
        ),
        (
            "a P2WSH element of 81 bytes",
            Spend::new().script("DROP 1", &long, BareContext::P2wsh),
            "bad-witness-nonstandard: input 0: witness element 0 of a P2WSH input has 81 bytes; the maximum is 80",
        ),
        (
            "a P2WSH script above 3,600 bytes",
            Spend::new().script(&big, "", BareContext::P2wsh),
            "bad-witness-nonstandard: input 0: the P2WSH witness script has 3669 bytes; the maximum is 3600",
        ),
        (
            "101 elements",
            Spend::new().script(
                &"2DROP ".repeat(50),
                format!("1{}", " 0".repeat(100)).as_str(),
                BareContext::P2wsh,
            ),
            "bad-witness-nonstandard: input 0: the P2WSH witness has 101 elements below its script; the maximum is 100",
        ),
        (
            "a witness for pay to anchor",
            Spend::new().input("51024e73", "", &[&[1]]),
            "bad-witness-nonstandard: input 0: a P2A output is spent with an empty witness, and this one is not empty",
        ),
        (
            "a bare script",
            Spend::new().input("51", "", &[]),
            "bad-txns-nonstandard-inputs: input 0: the spent scriptPubKey has none of the standard forms",
        ),
        (
            "a redeem script of 16 signature operations",
            Spend::new().script(
                &format!("1 0 IF {} ENDIF", "CHECKSIG ".repeat(16).trim_end()),
                "",
                BareContext::P2sh,
            ),
            "bad-txns-nonstandard-inputs: input 0: the redeem script has 16 signature operations; the maximum is 15",
        ),
        (
            "a scriptSig that does not only push",
            leaf().input("51", "61", &[]),
            "scriptsig-not-pushonly: input 1: the scriptSig contains an opcode that is no push",
        ),
        (
            "a scriptSig above 1,650 bytes",
            leaf().input("51", &"00".repeat(999).replace("00", "0100"), &[]),
            "scriptsig-size: input 1: the scriptSig has 1998 bytes; the maximum is 1650",
        ),
        (
            "dust beside a fee",
            leaf().output(239, "51024e73"),
            "dust: output 1: 239 sat is dust, below 240 sat for this form; dust is relayed only if the fee is 0, and the fee \
             is 9761 sat",
        ),
        (
            "an output without a form",
            leaf().output(1_000, "51"),
            "scriptpubkey: output 1: the scriptPubKey has none of the standard forms",
        ),
        ("version 4", leaf().version(4), "version: the version is 4; versions 1 to 3 are relayed"),
        ("version -1", leaf().version(-1), "version: the version is 4294967295; versions 1 to 3 are relayed"),
        (
            "no fee",
            leaf().pays(20_000),
            "min relay fee not met: the fee is 0 sat; the minimum for 92 virtual bytes is 10 sat",
        ),
    ] {
        let out = spend.verify("");
        let policy = out.split("  policy     ").nth(1).unwrap_or_else(|| panic!("{name}: {out}"));
        assert!(policy.lines().any(|line| line.trim_start() == refused), "{name}: {refused}\n{out}");
        assert!(out.lines().any(|line| line.starts_with("  consensus  OK")), "{name}: {out}");
    }
    // The paired transaction that is relayed.
    let out = leaf().verify("");
    assert_lines(
        "relayed",
        &out,
        &[
            "policy     OK, with the exceptions named under consensus (the only input, the transaction is standard)",
        ],
    );
}
