//! Tests how the command interprets scripts, stacks, addresses and witnesses. Ambiguous texts cause exact error
//! messages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::process::Command;

use serde_json::Value;

fn sigstack(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(args: &[&str]) -> Value {
    let (status, out, error) = sigstack(args);
    assert_eq!(status, 0, "{args:?}: {error}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn assembly_and_its_bytes() {
    for (args, bytes) in [
        (&["2 ADD 5 EQUAL"][..], "52935587"),
        (&["2", "ADD", "5", "EQUAL"], "52935587"),
        (&["-1"], "4f"),
        (&["-1 ADD"], "4f93"),
        (&["5"], "55"),
        (&["asm:16"], "60"),
        (&["asm:52935587"], "04a3bb2703"),
        (&["144 CSV"], "029000b2"),
        (&["asm:1700000000 CLTV"], "0400f15365b1"),
        (&["asm:4294967295 CLTV"], "05ffffffff00b1"),
        (&["RETURN <1234567890>"], "6a051234567890"),
        (&["hex:52935587"], "52935587"),
        (&["0x52935587"], "52935587"),
        (&["<52935587>"], "0452935587"),
        (&["hex:6a"], "6a"),
        (&["<6a>"], "016a"),
        (&["OP_PUSHBYTES_2 ab12 OP_PUSHNUM_5 OP_PUSHNUM_NEG1"], "02ab12554f"),
        (&["OP_PUSHDATA1 ab12"], "4c02ab12"),
        (
            &["OP_DUP OP_HASH160 00112233445566778899aabbccddeeff00112233 OP_EQUALVERIFY OP_CHECKSIG"],
            "76a91400112233445566778899aabbccddeeff0011223388ac",
        ),
        (&[""], ""),
    ] {
        let args: Vec<&str> = ["asm"].iter().chain(args).copied().collect();
        assert_eq!(sigstack(&args), (0, format!("{bytes}\n"), String::new()), "{args:?}");
    }
}

#[test]
fn what_has_two_readings_or_none_is_refused() {
    let two = |text: &str, hint: &str| format!("{text} could be hex or assembly\nhint: write {hint}");
    let digits = "123456789012345678901234567890";
    let long = "76a91400112233445566778899aabbccddeeff0011223388ac";
    for (text, error) in [
        ("6a", two("6a", "hex:6a for the script OP_RETURN, or <6a> for a push of these bytes")),
        (
            "76a988ac",
            two(
                "76a988ac",
                "hex:76a988ac for the script OP_DUP OP_HASH160 OP_EQUALVERIFY OP_CHECKSIG, or <76a988ac> for a \
                 push of these bytes",
            ),
        ),
        (
            "52935587",
            two("52935587", "hex:52935587 for the script OP_2 OP_ADD OP_5 OP_EQUAL, or asm:52935587 for the number"),
        ),
        ("51", two("51", "hex:51 for the script OP_1, or asm:51 for the number")),
        (digits, two(digits, &format!("hex:{digits} for the script 0x{digits}, or <{digits}> for a push of these bytes"))),
        (long, two("...", "hex:... for the script of these bytes, or <...> for a push of these bytes")),
        // Hex may contain white space.
        (
            "52 93 55 87",
            two("52 93 55 87", "hex:52 93 55 87 for the script OP_2 OP_ADD OP_5 OP_EQUAL, or asm:52 93 55 87 for the numbers"),
        ),
        ("52 ac", two("52 ac", "hex:52 ac for the script OP_2 OP_CHECKSIG, or <52> <ac> for a push of these bytes")),
        (
            "5102030405 0607080910",
            two(
                "5102030405 0607080910",
                "hex:5102030405 0607080910 for the script OP_1 <0304> <0607080910>, or <5102030405> <0607080910> for a push of these bytes",
            ),
        ),
        (
            // A push as Bitcoin Core prints it.
            "RETURN 1234567890",
            "\"1234567890\" at byte 7: could be a number or, as Bitcoin Core prints pushes, 5 bytes in hex\nhint: write \
             asm: before the script, where 1234567890 is the number, or <1234567890> for a push of these bytes"
                .into(),
        ),
        (
            "1 6a",
            "\"6a\" at byte 2: could be a push or raw bytes; write <6a> or 0x6a".into(),
        ),
        (
            "1 4294967296",
            "\"4294967296\" at byte 2: a number is from -4294967295 to 4294967295; for bytes, write <4294967296> (a \
             push) or 0x4294967296 (raw)"
                .into(),
        ),
        ("asm:zzzz", "\"zzzz\" at byte 0: neither an opcode, a number, <hex>, 0xhex nor 'text'".into()),
        (
            "1 OP_CHEKSIG",
            "\"OP_CHEKSIG\" at byte 2: neither an opcode, a number, <hex>, 0xhex nor 'text'\nhint: did you mean \
             OP_CHECKSIG?"
                .into(),
        ),
        (
            "dup",
            "\"dup\" at byte 0: neither an opcode, a number, <hex>, 0xhex nor 'text'\nhint: did you mean OP_DUP?"
                .into(),
        ),
        ("hex:5g", "not hex: 'g' at position 1, counted from 0".into()),
    ] {
        for (args, name) in [(&["asm", text][..], "asm"), (&["verify", "--script", text], "--script")] {
            assert_eq!(sigstack(args), (2, String::new(), format!("error: {name}: {error}\n")), "{args:?}");
        }
    }
    let digits_are = "in assembly, where digits alone are a number";
    for (text, error) in [
        ("10", two("10", "hex:10 for an element with these bytes, or asm:10 for the number")),
        ("10 20", two("10 20", "hex:10 20 for elements with these bytes, or asm:10 20 for the numbers")),
        ("6a", two("6a", &format!("hex:6a for an element with these bytes, or <6a> {digits_are}"))),
        (
            "deadbeef",
            two(
                "deadbeef",
                &format!("hex:deadbeef for an element with these bytes, or <deadbeef> {digits_are}"),
            ),
        ),
        ("6a 10", two("6a 10", &format!("hex:6a 10 for elements with these bytes, or <6a> 10 {digits_are}"))),
        (
            "0a 0b",
            two("0a 0b", &format!("hex:0a 0b for elements with these bytes, or <0a> <0b> {digits_are}")),
        ),
        (
            "02 03",
            two("02 03", &format!("hex:02 03 for elements with these bytes, or <02> <03> {digits_are}")),
        ),
        ("0100", two("0100", &format!("hex:0100 for an element with these bytes, or <0100> {digits_are}"))),
        (
            digits,
            two(digits, &format!("hex:{digits} for an element with these bytes, or <{digits}> {digits_are}")),
        ),
        ("1 ab", "\"ab\" at byte 2: hex needs <> in a stack; write <ab>".into()),
        (
            "1 abcdef012345",
            "\"abcdef012345\" at byte 2: hex needs <> in a stack; write <abcdef012345>".into(),
        ),
        ("asm:6a", "\"6a\" at byte 0: hex needs <> in a stack; write <6a>".into()),
        ("1 0100", "\"0100\" at byte 2: a number does not begin with 0; for bytes, write <0100>".into()),
        ("1 ADD", "\"ADD\" at byte 2: pushes nothing; an element is a number, <hex>, 0xhex or 'text'".into()),
    ] {
        let args = ["verify", "--script", "1", "--stack", text];
        assert_eq!(sigstack(&args), (2, String::new(), format!("error: --stack: {error}\n")), "{text}");
    }
}

/// The content of a file may begin with the prefix `hex:` or `asm:`. A leaf script may be given as assembly, and
/// nSequence as hex.
#[test]
fn what_is_read_in_two_ways() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("prefixed.hex");
    std::fs::write(&file, "hex:51 93\n").unwrap();
    let file = format!("@{}", file.display());
    assert_eq!(sigstack(&["asm", &file]), (0, "5193\n".into(), String::new()));
    let control = format!("c0{}", "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    let decoded = ["51", "hex:51", "asm:OP_1"]
        .map(|script| sigstack(&["decode", "control", &control, "--script", script]));
    assert!(decoded[0].1.contains("output key  ") && decoded[0].0 == 0, "{:?}", decoded[0]);
    assert!(decoded.iter().all(|one| *one == decoded[0]), "{decoded:?}");
    for sequence in ["5", "0x5", "0x00000005"] {
        let args = ["verify", "--script", "5 CSV", "--sequence", sequence];
        assert_eq!(sigstack(&args).0, 0, "{sequence}");
    }
    assert_eq!(sigstack(&["verify", "--script", "5 CSV", "--sequence", "0x4"]).0, 1);
}

/// The text output shows a placeholder for an empty script or witness. JSON has an empty string instead.
#[test]
fn empty_scripts_and_witnesses() {
    let input = format!("{}0100ffffffff", "00".repeat(35));
    let tx = &format!("0100000001{input}01{}00{}", "00".repeat(8), "00".repeat(4));
    let json = json(&["decode", "tx", tx, "--json"]);
    assert_eq!(
        (&json["inputs"][0]["scriptSig"], &json["outputs"][0]["script"]),
        (&"".into(), &"".into()),
        "{json}"
    );
    let text = sigstack(&["decode", "tx", tx]).1;
    assert!(
        text.contains("witness          (empty)\n") && text.contains("scriptSig        (empty)\n"),
        "{text}"
    );
}

#[test]
fn stacks_take_numbers_below_zero_and_hex() {
    for (script, stack) in [
        ("-1 EQUAL", "-1"),
        ("ADD -3 EQUAL", "-1 -2"),
        ("<6a> EQUAL", "hex:6a"),
        ("<6a> EQUAL", "<6a>"),
        ("<6a> EQUAL", "0x6a"),
        ("<5102abcdef> EQUALVERIFY <0607abcdef> EQUAL", "hex:0607abcdef 5102abcdef"),
        ("12 EQUALVERIFY 1 EQUAL", "1 12"),
        ("20 EQUALVERIFY 10 EQUAL", "asm:10 20"),
        ("<6a> EQUALVERIFY <52935587> EQUAL", "hex:52935587 6a"),
        ("52935587 EQUAL", "asm:52935587"),
        ("hex:01 6a 87", "<6a>"),
    ] {
        let (status, out, error) = sigstack(&["verify", "--script", script, "--stack", stack]);
        assert_eq!(status, 0, "{script} on {stack}: {out}{error}");
    }
}

#[test]
fn scripts_as_json() {
    let expected = serde_json::json!({
        "hex": "5293",
        "asm": "OP_2 OP_ADD",
        "words": [
            { "position": 0, "offset": 0, "word": "OP_2" },
            { "position": 1, "offset": 1, "word": "OP_ADD" },
        ],
    });
    for args in [
        &["asm", "--json", "2 ADD"][..],
        &["asm", "2", "ADD", "--json"],
        &["disasm", "--json", "5293"],
        &["disasm", "hex:5293", "--json"],
    ] {
        assert_eq!(json(args), expected, "{args:?}");
    }
}

#[test]
fn a_descriptors_checksum_is_no_comment() {
    let policy = "pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)";
    assert_eq!(sigstack(&["compile", policy]).0, 0);
    assert_eq!(sigstack(&["compile", &format!("{policy} #8zl0zxma")]).0, 0, "a comment");
    let error = "error: policy: #8zl0zxma is a descriptor's checksum, and a policy has none\nhint: leave it out; for \
                 a comment, write a space before #\n";
    let ran = sigstack(&["compile", &format!("{policy}#8zl0zxma")]);
    assert_eq!(ran, (2, String::new(), error.to_owned()));
}

#[test]
fn addresses_and_what_is_wrong_with_them() {
    for (address, kind) in [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "P2WPKH"),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "P2WPKH"),
        ("bc1pfeessrawgf", "P2A (pay to anchor)"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "P2PKH"),
    ] {
        assert_eq!(json(&["decode", "address", address, "--json"])["kind"], kind, "{address}");
    }
    let hint = "\nhint: a character is wrong, missing or one too many";
    for (address, error) in [
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "the checksum is bech32m, but an address of witness version 0 needs bech32 (BIP 173)".to_owned(),
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "the checksum is bech32, but an address of witness version 1 needs bech32m (BIP 350)".into(),
        ),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", format!("the bech32 checksum is wrong{hint}")),
        ("bc1pfeessrawgg", format!("the bech32m checksum is wrong{hint}")),
        (
            "bc1qw508D6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "upper and lower case are mixed, which BIP 173 forbids".into(),
        ),
        (
            "bc1qb508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "'b' at position 4, counted from 0, is no character of bech32\nhint: 1, b, i and o are left out after \
             the prefix"
                .into(),
        ),
        (
            "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",
            "the prefix \"ltc\" is of no Bitcoin network\nhint: bc, tb or bcrt".into(),
        ),
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            format!("the base58 checksum is wrong (25 bytes; an address has 25){hint}"),
        ),
        (
            "bc1",
            "0 characters after the prefix, where the checksum alone has 6\nhint: the address is cut off".into(),
        ),
        (
            "bc1gmk9yu",
            "6 characters after the prefix, where the checksum alone has 6\nhint: the address is cut off".into(),
        ),
        (
            "bitcoin:bc1pfeessrawgf?amount=1",
            "a URI (BIP 21), where an address is expected\nhint: give the part between : and ?".into(),
        ),
        (
            "LbTjMGN7gELw4KbeyQf6cTCq859hD18guE",
            "the first byte 0x30 is of no address of a Bitcoin network".into(),
        ),
        (
            "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "a private key (wallet import format), where an address is expected".into(),
        ),
        (
            "tr(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)#aaaaaaaa",
            "a descriptor, where an address is expected\nhint: bitcoin-cli deriveaddresses verifies its checksum \
             and derives the address"
                .into(),
        ),
    ] {
        let ran = sigstack(&["decode", "address", address]);
        assert_eq!(ran, (2, String::new(), format!("error: address: {error}\n")), "{address}");
    }
}

/// Returns a serialized witness in hex.
fn witness(elements: &[&str]) -> String {
    let element = |element: &&str| format!("{:02x}{element}", element.len() / 2);
    format!("{:02x}{}", elements.len(), elements.iter().map(element).collect::<String>())
}

#[test]
fn a_witness_is_what_it_can_be() {
    let ecdsa = format!("30{}01", "44".repeat(69));
    let schnorr = "bb".repeat(64);
    let x_only = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let key = format!("02{x_only}");
    let script = format!("21{key}ac");
    let control = format!("c0{x_only}");
    let (p2wpkh, p2wsh) = ("P2WPKH: a signature and a key", "P2WSH: stack, witness script");
    let (key_path, script_path) =
        ("P2TR key path: a signature", "P2TR script path: stack, leaf script, control block");
    let readings = |elements: &[&str], more: &[&str]| {
        let hex = witness(elements);
        let args: Vec<&str> = ["decode", "witness", &hex, "--json"].iter().chain(more).copied().collect();
        let json = json(&args);
        let readings = json["readings"].as_array().unwrap();
        let readings =
            readings.iter().map(|it| (it["as"].as_str().unwrap().to_owned(), it["annex"].is_string()));
        readings.collect::<Vec<_>>()
    };
    let is = |name: &str| vec![(name.to_owned(), false)];
    assert_eq!(readings(&[&ecdsa, &key], &[]), is(p2wpkh));
    assert_eq!(readings(&[&ecdsa, &script], &[]), is(p2wsh));
    assert_eq!(readings(&[&schnorr], &[]), is(key_path));
    assert_eq!(readings(&[&schnorr, "50"], &[]), [(key_path.to_owned(), true), (p2wsh.to_owned(), false)]);
    assert_eq!(readings(&[&schnorr, &script, &control], &[]), is(script_path));
    assert_eq!(readings(&[&schnorr, &script, &control, "50ff"], &[]), [(script_path.to_owned(), true)]);
    // A script of 33 bytes before a compressed key is not a leaf script, because 0x02 is not a leaf version (BIP 341).
    assert_eq!(readings(&["51", "51", &key], &[]), is("none of P2WPKH, P2WSH and P2TR"));
    assert_eq!(readings(&[], &[]), []);
    let program = format!("1000:0014{}", "11".repeat(20));
    assert_eq!(readings(&[&ecdsa, &key], &["--prevout", &program]), is(p2wpkh));
    let malformed = "malformed: P2WPKH needs a DER signature and a compressed key of 33 bytes, in this order";
    assert_eq!(readings(&[&ecdsa, &script], &["--prevout", &program]), is(malformed));
    assert_eq!(readings(&[&key, &ecdsa], &["--prevout", &program]), is(malformed));
    let anchor = "unexpected: an output of kind P2PK is spent without a witness";
    let p2pk = format!("1000:21{key}ac");
    assert_eq!(readings(&[&ecdsa], &["--prevout", &p2pk]), is(anchor));
}

/// If the spent output is known, `sigstack decode` always says whether the witness fits, is not needed, or does not
/// fit for a stated reason.
#[test]
fn whether_a_witness_fits_its_output_is_always_said() {
    let (hash20, hash32, signature) = ("11".repeat(20), "11".repeat(32), "bb".repeat(64));
    let p2sh = "P2SH: the redeem script says which fits; it is in the scriptSig and not in the witness";
    let ecdsa = format!("30{}01", "44".repeat(69));
    let key = format!("02{hash32}");
    for (script, elements, said) in [
        (
            format!("0014{hash20}"),
            &[][..],
            "malformed: P2WPKH needs 2 elements, a signature and a key; this witness has 0 elements",
        ),
        (
            format!("0014{hash20}"),
            &["51"],
            "malformed: P2WPKH needs 2 elements, a signature and a key; this witness has 1 element",
        ),
        (
            format!("0020{hash32}"),
            &[],
            "malformed: P2WSH needs the witness script as its last element; this witness has 0 elements",
        ),
        (format!("0020{hash32}"), &["51"], "P2WSH: stack, witness script"),
        (
            format!("5120{hash32}"),
            &[],
            "malformed: P2TR needs a signature, or a script and its control block; this witness has 0 elements",
        ),
        (
            format!("5120{hash32}"),
            &["51"],
            "malformed: a key path of P2TR needs a signature of 64 bytes, or 65 with a hash type",
        ),
        (
            format!("5120{hash32}"),
            &["51", "51"],
            "malformed: P2TR needs a signature alone, or a script and its control block at the end",
        ),
        (format!("5120{hash32}"), &[&signature], "P2TR key path: a signature"),
        ("51024e73".into(), &[], "P2A (pay to anchor): fits, no witness is needed"),
        (
            "51024e73".into(),
            &["51"],
            "P2A (pay to anchor): valid by consensus; nodes relay only an empty witness, and this one has 1 element",
        ),
        (
            format!("5220{hash32}"),
            &["51"],
            "witness version 2: it has no rules for such a program, so every witness is valid",
        ),
        (
            "00021111".into(),
            &["51"],
            "malformed: a program of witness version 0 has 20 or 32 bytes, so nothing can spend it",
        ),
        (format!("76a914{hash20}88ac"), &[], "P2PKH: no witness, as it should be"),
        (
            format!("76a914{hash20}88ac"),
            &["51"],
            "unexpected: an output of kind P2PKH is spent without a witness",
        ),
        (
            format!("a914{hash20}87"),
            &[],
            "P2SH: no witness, as it should be unless the redeem script is a witness program",
        ),
        (format!("a914{hash20}87"), &[&signature], p2sh),
    ] {
        let hex = witness(elements);
        let json = json(&["decode", "witness", &hex, "--prevout", &format!("1000:{script}"), "--json"]);
        let readings = json["readings"].as_array().unwrap();
        assert_eq!(readings.len(), 1, "{script} {elements:?}: {json}");
        assert_eq!(readings[0]["as"], said, "{script} {elements:?}");
    }
    // A P2SH output may contain P2WPKH, and the output alone does not tell which program it is.
    let nested = witness(&[&ecdsa, &key]);
    let json = json(&["decode", "witness", &nested, "--prevout", &format!("1000:a914{hash20}87"), "--json"]);
    let said: Vec<&str> =
        json["readings"].as_array().unwrap().iter().map(|it| it["as"].as_str().unwrap()).collect();
    assert_eq!(said, ["P2WPKH: a signature and a key", p2sh]);
}

/// If an argument has 100,000 letters, the command neither searches for a similar name nor decodes an address. The
/// error shows only the beginning of the argument.
#[test]
fn long_words_are_refused_soon_and_in_short() {
    let long = "x".repeat(100_000);
    for args in [
        &["asm", &long][..],
        &["decode", "address", &long],
        &["verify", "--case", &long],
        &["verify", "--script", "asm:1", "--flags", &long],
    ] {
        let (status, out, error) = sigstack(args);
        assert!(status == 2 && out.is_empty() && error.len() < 2_000, "{}: {} bytes", args[0], error.len());
    }
}

#[test]
fn a_control_block_that_fits_no_output_says_so() {
    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    for (control, note) in [
        (format!("c0{key}"), None),
        (format!("c0{}", "ff".repeat(32)), Some("not on the curve")),
        (format!("02{key}"), Some("a compressed public key begins so")),
        (format!("50{key}"), Some("an annex begins so")),
    ] {
        let (status, out, error) = sigstack(&["decode", "control", &control]);
        assert_eq!(status, 0, "{control}: {error}");
        match note {
            Some(note) => assert!(out.contains(note), "{control}: {out}"),
            None => assert!(!out.contains('#'), "{control}: {out}"),
        }
    }
}

#[test]
fn the_output_that_is_spent_decides() {
    let args = ["decode", "tx", "--json", "@../docs/examples/p2wpkh.tx"];
    let bare = json(&args);
    assert_eq!(bare["inputs"][0]["readings"][0]["as"], "P2WPKH: a signature and a key");
    let with = json(&[&args[..], &["--prevtx", "@../docs/examples/parent.tx"]].concat());
    assert_eq!(with["inputs"][0]["spends"]["kind"], "P2WPKH");
    assert_eq!(with["inputs"][0]["readings"][0]["fits_the_output"], true);
    let other = format!("60000:0014{}", "11".repeat(20));
    let other = json(&[&args[..], &["--prevout", &other]].concat());
    assert_eq!(other["inputs"][0]["readings"][0]["fits_the_output"], false);
}
