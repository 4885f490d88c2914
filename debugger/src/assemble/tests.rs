use super::*;

fn hex_of(text: &str) -> String {
    hex::encode(assemble(text).unwrap())
}

#[test]
fn words_of_every_kind() {
    assert_eq!(
        hex_of("OP_DUP HASH160 0 1 16 17 -1 4294967295"),
        "76a90051600111".to_owned() + "4f05ffffffff00"
    );
    assert_eq!(
        hex_of("<> <05> <ab> abcdef0123 'a b' 0x6a51"),
        "00".to_owned() + "010501ab05abcdef012303612062" + "6a51"
    );
    assert_eq!(hex_of("PUSHDATA1<05> OP_PUSHDATA2<> PUSHDATA4<01>"), "4c01054d00004e0100000001");
    assert_eq!(hex_of("OP_SUCCESS80 CHECKSIGFROMSTACK # the rest is a comment CHECKSIG\n1"), "50cc51");
    assert_eq!(hex_of(&format!("<{}>", "00".repeat(76)))[..4], *"4c4c");
}

/// Assembles scripts as rust-bitcoin, mempool.space and Bitcoin Core print them.
#[test]
fn what_other_programs_print() {
    for (text, bytes) in [
        ("OP_PUSHBYTES_2 1234 OP_PUSHNUM_2 OP_PUSHNUM_16 OP_PUSHNUM_NEG1", "0212345260".to_owned() + "4f"),
        ("OP_PUSHDATA1 12 OP_PUSHDATA2 <ab> OP_PUSHBYTES_0 OP_0", "4c01124d0100ab0000".into()),
        ("OP_RETURN_187 OP_RETURN_255 OP_CLTV OP_CSV", "bbffb1b2".into()),
        ("OP_PUSHDATA1 0x02abcd", "4c02abcd".into()),
        ("0 1 -1 144 OP_CHECKSEQUENCEVERIFY", "00514f029000b2".into()),
        ("300602010102010aff[ALL]", "0a300602010102010aff01".into()),
        ("300602010102010aff[SINGLE|ANYONECANPAY]", "0a300602010102010aff83".into()),
    ] {
        assert_eq!(hex_of(text), bytes, "{text}");
    }
}

#[test]
fn words_without_meaning_say_where_they_are() {
    let unknown = "neither an opcode, a number, <hex>, 0xhex nor 'text'";
    let lost = "other programs print this where a push is cut short; the bytes are not in the text";
    for (text, offset, word, problem) in [
        ("1 FOO", 2, "FOO", unknown),
        ("1 abc", 2, "abc", unknown),
        ("1\n <0>", 3, "<0>", "bad hex: Odd number of digits"),
        ("<00", 0, "<00", "the closing > is missing"),
        ("'a", 0, "'a", "the closing quote is missing"),
        ("ADD<00>", 0, "ADD<00>", "OP_ADD takes no data; only PUSHDATA1, 2 and 4 do"),
        ("1 0x", 2, "0x", "has no digits after 0x"),
        ("1 [error]", 2, "[error]", lost),
        ("<unexpected end>", 0, "<unexpected", lost),
        ("OP_PUSHNUM_17", 0, "OP_PUSHNUM_17", unknown),
        ("OP_RETURN_106", 0, "OP_RETURN_106", unknown),
        ("OP_PUSHBYTES_2 12 DUP", 0, "OP_PUSHBYTES_2", "is followed by 1 byte of data, needs 2"),
        ("OP_PUSHBYTES_2 DUP", 0, "OP_PUSHBYTES_2", "must be followed by its data in hex"),
        ("OP_PUSHDATA1", 0, "OP_PUSHDATA1", "must be followed by its data in hex"),
    ] {
        let error = assemble(text).unwrap_err();
        assert_eq!((error.offset, error.word.as_str(), error.problem.as_str()), (offset, word, problem));
        assert_eq!(error.is_unknown_name, problem == unknown, "{text}");
    }
}

/// Each ambiguous word is an error. The table also gives the unambiguous texts for the two meanings, a push and raw
/// bytes.
#[test]
fn words_of_two_readings_are_errors() {
    let range = "a number is from -4294967295 to 4294967295";
    for (text, problem, push, raw) in [
        ("6a", "could be a push or raw bytes; write <6a> or 0x6a".to_owned(), "016a", "6a"),
        (
            "76a988ac",
            "could be a push or raw bytes; write <76a988ac> or 0x76a988ac".into(),
            "0476a988ac",
            "76a988ac",
        ),
        (
            "0100",
            "a number does not begin with 0; for bytes, write <0100> (a push) or 0x0100 (raw)".into(),
            "020100",
            "0100",
        ),
        (
            "4294967296",
            format!("{range}; for bytes, write <4294967296> (a push) or 0x4294967296 (raw)"),
            "054294967296",
            "4294967296",
        ),
        (
            "123456789012345678901234567890",
            format!(
                "{range}; for bytes, write <123456789012345678901234567890> (a push) or \
                         0x123456789012345678901234567890 (raw)"
            ),
            "0f123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
    ] {
        assert_eq!(assemble(text).unwrap_err().problem, problem);
        assert_eq!(hex_of(&format!("<{text}>")), push);
        assert_eq!(hex_of(&format!("0x{text}")), raw);
    }
    for (text, problem) in [
        ("-4294967296", range),
        ("-0", "a number does not begin with 0"),
        ("007", "a number does not begin with 0"),
    ] {
        assert_eq!(assemble(text).unwrap_err().problem, problem);
    }
    assert_eq!(hex_of("-4294967295 4294967295 2147483648"), "05ffffffff8005ffffffff00050000008000");
}

/// [`number_like_hex`] finds words of ten decimal digits. Such a word is a number, but Core could also have printed it
/// as the hex of a push of five bytes. Core prints no shorter hex, so words with fewer digits are only numbers.
#[test]
fn ten_digits_are_like_hex() {
    for (text, offset) in [
        ("RETURN 1234567890", Some(7)),
        ("4294967295 CLTV", Some(0)),
        ("RETURN -1234567890", None),
        ("RETURN 123456789", None),
        ("RETURN <1234567890> 0x1234567890 'a' # 1234567890", None),
        ("OP_PUSHBYTES_5 1234567890", None),
    ] {
        let found = number_like_hex(text).unwrap();
        assert_eq!(found.map(|error| error.offset), offset, "{text}");
    }
    assert!(number_like_hex("1234567890 FOO").is_err());
}

#[test]
fn stacks_are_words_that_push() {
    assert_eq!(
        assemble_stack("0 1 -1 <abcd> 'x' 0xff OP_PUSHBYTES_1 07 <6a>"),
        Ok(vec![vec![], vec![1], vec![0x81], vec![0xab, 0xcd], vec![b'x'], vec![0xff], vec![7], vec![0x6a]])
    );
    for (text, error) in [
        ("1 ADD", "\"ADD\" at byte 2: pushes nothing; an element is a number, <hex>, 0xhex or 'text'"),
        ("1 ab", "\"ab\" at byte 2: hex needs <> in a stack; write <ab>"),
        ("abcdef0123 1", "\"abcdef0123\" at byte 0: hex needs <> in a stack; write <abcdef0123>"),
        // The error does not offer raw bytes, because a stack element cannot contain raw bytes.
        ("0100", "\"0100\" at byte 0: a number does not begin with 0; for bytes, write <0100>"),
    ] {
        assert_eq!(assemble_stack(text).unwrap_err().to_string(), error);
    }
}
