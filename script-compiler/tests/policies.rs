//! Tests of the policy files: their layout and values, the exact bytes of their scripts, and a transaction for every way to
//! spend.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use sigstack_compiler::policy::{Document, Statement};
use sigstack_compiler::{Branch, Compiled, asm, compile, number_bytes};
use sigstack_interpreter::{Flags, Opcode};
use support::{World, damaged, files, flags, relay_flags, verify, with_witness};

/// A policy file and its leaves. For each leaf: the script in words, and the sizes in bytes of the script and of the control
/// block. `<NAME>` pushes a defined value, `<01|NAME>` a BIP 118 key, and a number is pushed as a number.
type Expected = (&'static str, &'static [(&'static str, usize, usize)]);

const NEWER: &str = "DUP 2000000000 GREATERTHAN VERIFY <K_A> CSFS VERIFY";

const EXPECTED: &[Expected] = &[
    ("bip68-funding", &[]),
    ("bip68-two-keys", &[("<A> CHECKSIGVERIFY <B> CHECKSIG", 68, 33)]),
    ("decker-wattenhofer-level", &[]),
    (
        "ln-penalty-to-local",
        &[("<revocationpubkey> CHECKSIG", 34, 65), ("<local_delayedpubkey> CHECKSIGVERIFY 144 CSV", 38, 65)],
    ),
    ("ln-penalty-to-remote", &[("<remotepubkey> CHECKSIGVERIFY 1 CSV", 36, 33)]),
    ("ln-penalty-anchor", &[("16 CSV", 2, 33)]),
    (
        "ln-penalty-offered-htlc",
        &[
            ("<revocationpubkey> CHECKSIG", 34, 97),
            (
                "<remote_htlcpubkey> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL",
                61,
                97,
            ),
            ("<remote_htlcpubkey> CHECKSIGVERIFY <local_htlcpubkey> CHECKSIG", 68, 65),
        ],
    ),
    (
        "ln-penalty-received-htlc",
        &[
            ("<revocationpubkey> CHECKSIG", 34, 97),
            (
                "<remote_htlcpubkey> CHECKSIGVERIFY <local_htlcpubkey> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 \
                 <hash160_payment> EQUAL",
                95,
                97,
            ),
            ("<remote_htlcpubkey> CHECKSIGVERIFY 800000 CLTV", 39, 65),
        ],
    ),
    ("ln-symmetry-a-funding", &[("1 CHECKSIG", 2, 33)]),
    (
        "ln-symmetry-a-state",
        &[("1 CHECKSIGVERIFY 500070001 CLTV", 8, 65), ("<sig_settle> <01|G> CHECKSIG", 101, 65)],
    ),
    (
        "ln-symmetry-htlc",
        &[
            ("<payee> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL", 61, 65),
            ("<payer> CHECKSIGVERIFY 800000 CLTV", 39, 65),
        ],
    ),
    ("ln-symmetry-b", &[("CTV <P> CSFS VERIFY 500070001 CLTV", 42, 65), ("<ctv_settle> CTV", 34, 65)]),
    (
        "ln-symmetry-c",
        &[("CTV INTERNALKEY CSFS VERIFY 500070001 CLTV", 10, 65), ("<ctv_settle> CTV", 34, 65)],
    ),
    (
        "ln-symmetry-d",
        &[("CTV PAIRCOMMIT INTERNALKEY CSFS VERIFY 500070001 CLTV", 11, 65), ("<ctv_settle> CTV", 34, 65)],
    ),
    (
        "ln-symmetry-e",
        &[
            ("TEMPLATEHASH INTERNALKEY CSFS VERIFY 500070001 CLTV", 10, 65),
            ("<th_settle> TEMPLATEHASH EQUAL", 35, 65),
        ],
    ),
    ("ln-symmetry-f", &[("1 CHECKSIGVERIFY 500070001 CLTV", 8, 33)]),
    (
        "sequence-literal-cat",
        &[(
            "SWAP SIZE 32 EQUALVERIFY OVER SWAP CAT SHA256 <cat_n> EQUALVERIFY OVER LESSTHAN VERIFY SWAP SIZE 32 \
             EQUALVERIFY CAT SHA256 <K> CSFS VERIFY <B> CHECKSIG",
            122,
            33,
        )],
    ),
    (
        "sequence-literal-pair",
        &[(
            "TUCK PAIRCOMMIT <pair_n> EQUALVERIFY OVER LESSTHAN VERIFY PAIRCOMMIT <K> CSFS VERIFY <B> CHECKSIG",
            109,
            33,
        )],
    ),
    (
        "sequence-literal-pair-internal",
        &[(
            "TUCK PAIRCOMMIT <pair_n> EQUALVERIFY OVER LESSTHAN VERIFY PAIRCOMMIT INTERNALKEY CSFS VERIFY <B> CHECKSIG",
            77,
            33,
        )],
    ),
    (
        "literal-pair-balance",
        &[
            ("<owner> CHECKSIGVERIFY 144 CSV", 38, 65),
            (
                "TUCK PAIRCOMMIT <pair_n> EQUALVERIFY OVER LESSTHAN VERIFY PAIRCOMMIT <P> CSFS VERIFY <other> CHECKSIG",
                109,
                65,
            ),
        ],
    ),
    (
        "literal-pair-htlc",
        &[
            ("<payee> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL", 61, 97),
            ("<payer> CHECKSIGVERIFY 800000 CLTV", 39, 97),
            (
                "TUCK PAIRCOMMIT <pair_n> EQUALVERIFY OVER LESSTHAN VERIFY PAIRCOMMIT <P> CSFS VERIFY <A> CHECKSIG",
                109,
                97,
            ),
            (
                "TUCK PAIRCOMMIT <pair_n> EQUALVERIFY OVER LESSTHAN VERIFY PAIRCOMMIT <P> CSFS VERIFY <B> CHECKSIG",
                109,
                97,
            ),
        ],
    ),
    (
        "literal-cat-balance",
        &[
            ("<owner> CHECKSIGVERIFY 144 CSV", 38, 65),
            (
                "SWAP SIZE 32 EQUALVERIFY OVER SWAP CAT SHA256 <cat_n> EQUALVERIFY OVER LESSTHAN VERIFY SWAP SIZE 32 EQUALVERIFY CAT SHA256 <P> CSFS VERIFY <other> CHECKSIG",
                122,
                65,
            ),
        ],
    ),
    (
        "literal-cat-htlc",
        &[
            ("<payee> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL", 61, 97),
            ("<payer> CHECKSIGVERIFY 800000 CLTV", 39, 97),
            (
                "SWAP SIZE 32 EQUALVERIFY OVER SWAP CAT SHA256 <cat_n> EQUALVERIFY OVER LESSTHAN VERIFY SWAP SIZE 32 EQUALVERIFY CAT SHA256 <P> CSFS VERIFY <A> CHECKSIG",
                122,
                97,
            ),
            (
                "SWAP SIZE 32 EQUALVERIFY OVER SWAP CAT SHA256 <cat_n> EQUALVERIFY OVER LESSTHAN VERIFY SWAP SIZE 32 EQUALVERIFY CAT SHA256 <P> CSFS VERIFY <B> CHECKSIG",
                122,
                97,
            ),
        ],
    ),
    ("payout", &[]),
    ("ln-symmetry-b-funding", &[("CTV <P> CSFS", 35, 33)]),
    ("ln-symmetry-c-funding", &[("CTV INTERNALKEY CSFS", 3, 33)]),
    ("ln-symmetry-d-funding", &[("CTV PAIRCOMMIT INTERNALKEY CSFS", 4, 33)]),
    ("ln-symmetry-e-funding", &[("TEMPLATEHASH INTERNALKEY CSFS", 3, 33)]),
    (
        "override-forced-funding",
        &[("CTV PAIRCOMMIT OVER 0 GREATERTHAN VERIFY PAIRCOMMIT INTERNALKEY CSFS", 9, 33)],
    ),
    (
        "override-templatehash-funding",
        &[("DUP 0 GREATERTHAN VERIFY TEMPLATEHASH CAT SHA256 INTERNALKEY CSFS", 9, 33)],
    ),
    (
        "htlc-second-stage-presigned",
        &[(
            "<joint> CHECKSIGVERIFY <payee> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL",
            95,
            33,
        )],
    ),
    (
        "htlc-second-stage-anyprevout",
        &[
            (
                "<01|joint> CHECKSIGVERIFY <payee> CHECKSIGVERIFY SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUAL",
                96,
                65,
            ),
            ("<01|joint> CHECKSIGVERIFY <payer> CHECKSIGVERIFY 800000 CLTV", 74, 65),
        ],
    ),
    ("sequence-sweep", &[("108 CSV DROP DUP 2000000000 GREATERTHAN VERIFY <K_A> CSFS", 46, 33)]),
    ("sequence-one-sided", &[("DUP 70000 GREATERTHAN VERIFY <K_A> CSFS VERIFY <B_pen> CHECKSIG", 76, 33)]),
    ("sequence-first", &[("DUP 1 GREATERTHAN VERIFY <K_A> CSFS VERIFY <B_pen> CHECKSIG", 73, 33)]),
    ("sequence-last", &[("DUP 2147483646 GREATERTHAN VERIFY <K_A> CSFS VERIFY <B_pen> CHECKSIG", 77, 33)]),
    (
        "sequence-joint",
        &[("DUP 2000000000 GREATERTHAN VERIFY INTERNALKEY CSFS VERIFY <B_pen> CHECKSIG", 45, 33)],
    ),
    ("sequence-tower-ctv", &[("NEWER <ctv_J> CTV", 77, 33)]),
    ("sequence-tower-templatehash", &[("NEWER TEMPLATEHASH <th_J> EQUAL", 78, 33)]),
    (
        "sequence-two-limbs",
        &[(
            "2DUP 1999999999 GREATERTHAN OVER 2000000000 NUMEQUAL BOOLAND SWAP 2000000000 GREATERTHAN BOOLOR VERIFY \
             PAIRCOMMIT <K_A> CSFS VERIFY <B_pen> CHECKSIG",
            94,
            33,
        )],
    ),
    (
        "sequence-two-leaves",
        &[
            ("DUP 3 GREATERTHAN VERIFY <K_hi> CSFS VERIFY <B_pen> CHECKSIG", 73, 65),
            ("DUP 70000 GREATERTHAN VERIFY <K_lo_epoch> CSFS VERIFY <B_pen> CHECKSIG", 76, 65),
        ],
    ),
    (
        "sequence-tagged",
        &[(
            "DUP 70000 GREATERTHAN VERIFY <tag_channel> SWAP CAT <K_A> CSFS VERIFY <B_pen> CHECKSIG",
            111,
            33,
        )],
    ),
    (
        "override-forced",
        &[
            ("CTV PAIRCOMMIT OVER 2000000000 GREATERTHAN VERIFY PAIRCOMMIT INTERNALKEY CSFS", 13, 65),
            ("<ctv_settle> CTV", 34, 65),
        ],
    ),
    (
        "override-unforced",
        &[
            ("CTV OVER 2000000000 GREATERTHAN VERIFY PAIRCOMMIT INTERNALKEY CSFS", 12, 65),
            ("<ctv_settle> CTV", 34, 65),
        ],
    ),
    (
        "override-templatehash",
        &[
            ("DUP 2000000000 GREATERTHAN VERIFY TEMPLATEHASH CAT SHA256 INTERNALKEY CSFS", 13, 65),
            ("<th_settle> TEMPLATEHASH EQUAL", 35, 65),
        ],
    ),
    (
        "settle-or-forfeit",
        &[("INTERNALKEY CHECKSIGVERIFY 144 CSV", 6, 65), ("<B> CHECKSIGVERIFY 288 CSV", 38, 65)],
    ),
    (
        "htlc-second-stage",
        &[
            (
                "SIZE 32 EQUALVERIFY HASH160 <hash160_payment> EQUALVERIFY <K> CHECKSIGVERIFY <ctv_success> CTV",
                95,
                65,
            ),
            ("800000 CLTV DROP <K> CHECKSIGVERIFY <ctv_timeout> CTV", 74, 65),
        ],
    ),
    (
        "default-ctv",
        &[
            ("<ctv_settle> CTV", 34, 65),
            ("NEWER <B_pen> CHECKSIG", 77, 97),
            ("NEWER <W> CHECKSIGVERIFY <ctv_J> CTV", 111, 97),
        ],
    ),
    (
        "default-templatehash",
        &[
            ("<th_settle> TEMPLATEHASH EQUAL", 35, 65),
            ("NEWER <B_pen> CHECKSIG", 77, 97),
            ("NEWER <W> CHECKSIGVERIFY TEMPLATEHASH <th_J> EQUAL", 112, 97),
        ],
    ),
    (
        "default-csfs-only",
        &[("INTERNALKEY CHECKSIGVERIFY 144 CSV", 6, 65), ("NEWER <B_pen> CHECKSIG", 77, 65)],
    ),
    (
        "default-csfs-bip118",
        &[
            ("<sig_settle> <01|G> CHECKSIG", 101, 65),
            ("NEWER <B_pen> CHECKSIG", 77, 97),
            ("NEWER <W> CHECKSIGVERIFY <sig_J> <01|G> CHECKSIG", 178, 97),
        ],
    ),
    (
        "default-bip118",
        &[
            ("<sig_settle> <01|G> CHECKSIG", 101, 65),
            ("<01|K_A> CHECKSIGVERIFY <B_pen> CHECKSIGVERIFY 500070001 CLTV", 75, 97),
            ("<01|K_A> CHECKSIGVERIFY <01|B_pen> CHECKSIGVERIFY <W> CHECKSIGVERIFY 500070001 CLTV", 110, 97),
        ],
    ),
    ("default-rebindable-contest", &[("<ctv_settle> CTV", 34, 65), ("NEWER <01|B_pen> CHECKSIG", 78, 65)]),
    ("tower-paid", &[("<ctv_settle> CTV", 34, 65), ("NEWER <W> CHECKSIGVERIFY <ctv_J> CTV", 111, 65)]),
    (
        "tower-ladder",
        &[
            ("<ctv_settle> CTV", 34, 65),
            ("NEWER <ctv_J_low> CTV", 77, 97),
            ("NEWER 100 CSV DROP <ctv_J_high> CTV", 81, 97),
        ],
    ),
    ("csfs-delegation", &[("SIZE 32 EQUALVERIFY TUCK <owner> CSFS VERIFY CHECKSIG", 41, 33)]),
    (
        "csfs-oracle",
        &[
            ("DUP 100000 GREATERTHANOREQUAL VERIFY <oracle> CSFS VERIFY <A> CHECKSIG", 76, 65),
            ("DUP 0 100000 WITHIN VERIFY <oracle> CSFS VERIFY <B> CHECKSIG", 77, 65),
        ],
    ),
    (
        "csfs-both-signed",
        &[
            ("TUCK <A> CSFS VERIFY <B> CSFS VERIFY <holder> CHECKSIG", 105, 65),
            ("<owner> CHECKSIGVERIFY 52560 CSV", 39, 65),
        ],
    ),
    ("csfs-key-after-signed-time", &[("CLTV <authority> CSFS VERIFY <heir> CHECKSIG", 70, 33)]),
    (
        "csfs-statement",
        &[(
            "<msg_yes> <oracle> CSFS VERIFY SIZE 32 EQUALVERIFY PAIRCOMMIT <commit_secret> EQUALVERIFY <A> CHECKSIG",
            112,
            33,
        )],
    ),
];

/// The safety checks that some policy file disables on purpose.
const EXCEPTIONS: [&str; 4] = ["bip118-reuse", "key-roles", "number-range", "unprotected"];

/// Returns the values that a document defines, by name.
fn values(document: &Document) -> BTreeMap<String, Vec<u8>> {
    let value = |statement: &Statement| match statement {
        Statement::Key(name, Some(value), _) => Some((name.text.clone(), value.to_vec())),
        Statement::Bytes(name, Some(value)) => Some((name.text.clone(), value.clone())),
        _ => None,
    };
    document.statements().filter_map(value).collect()
}

/// Assembles the words of a script, independently of the compiler.
fn assemble(words: &str, values: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut script = Vec::new();
    for word in words.replace("NEWER", NEWER).split_whitespace() {
        let data = if let Some(name) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
            match name.strip_prefix("01|") {
                Some(name) => [&[1], values[name].as_slice()].concat(),
                None => values[name].clone(),
            }
        } else if let Ok(number) = word.parse() {
            number_bytes(number)
        } else {
            script.push(Opcode::from_name(word).unwrap().0);
            continue;
        };
        match data.as_slice() {
            [] => script.push(0x00),
            [n @ 1..=16] => script.push(0x50 + n),
            data => {
                assert!(data.len() <= 75);
                script.push(u8::try_from(data.len()).unwrap());
                script.extend_from_slice(data);
            }
        }
    }
    script
}

fn load(name: &str) -> (Document, Compiled, World) {
    let (document, world) = files::load(name);
    let compiled = compile(&document, &BTreeMap::new(), &BTreeSet::new())
        .unwrap_or_else(|error| panic!("{name}: {}", error.render(&files::read(name))));
    (document, compiled, world)
}

#[test]
fn the_files_have_their_layout_and_example_values() {
    for name in files::names() {
        let (document, _) = files::load(&name);
        assert_eq!(format!("{document}\n"), files::read(&name), "regenerate with `--example policies`");
        assert!(files::read(&name).starts_with('#'), "{name} does not say what it does");
    }
}

#[test]
fn the_scripts_are_those_of_the_constructions_byte_for_byte() {
    let expected: BTreeSet<&str> = EXPECTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(expected.into_iter().collect::<Vec<_>>(), files::names(), "every file is in the table");
    for (name, leaves) in EXPECTED {
        let (document, compiled, _) = load(name);
        let values = values(&document);
        assert_eq!(compiled.leaves.len(), leaves.len(), "{name}");
        for (nth, (words, size, control)) in leaves.iter().enumerate() {
            let script = &compiled.leaves[nth].script;
            assert_eq!(asm(script), asm(&assemble(words, &values)), "{name}, leaf {nth}");
            assert_eq!(*script, assemble(words, &values), "{name}, leaf {nth}");
            assert_eq!(script.len(), *size, "{name}, leaf {nth}");
            assert_eq!(compiled.output.control_blocks[nth].len(), *control, "{name}, leaf {nth}");
        }
    }
}

/// Checks that every policy file that disables a safety check has a comment that gives the reason.
#[test]
fn every_exception_has_a_reason() {
    let mut exceptions = BTreeSet::new();
    for name in files::names() {
        let text = files::read(&name);
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            let Some(reason) = pair[1].strip_prefix("allow ") else { continue };
            assert!(pair[0].starts_with("# "), "{name}: no reason stands above `{}`", pair[1]);
            exceptions.insert(reason.trim_end_matches(';').to_owned());
        }
        assert!(!lines[0].starts_with("allow "), "{name}");
    }
    assert_eq!(exceptions.into_iter().collect::<Vec<_>>(), EXCEPTIONS);
}

#[test]
fn the_texts_in_the_crate_are_the_files() {
    let known: Vec<(String, String)> =
        sigstack_compiler::POLICIES.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    let files: Vec<(String, String)> =
        files::names().into_iter().map(|name| (name.clone(), files::read(&name))).collect();
    assert_eq!(known, files, "list every file in src/policies.rs");
}

#[test]
fn every_way_of_every_file_spends() {
    let mut spent = 0;
    for name in files::names() {
        let (_, compiled, mut world) = load(&name);
        let mut branches: Vec<Branch> = (0..compiled.leaves.len()).map(Branch::Leaf).collect();
        branches.extend(compiled.key_path.map(|_| Branch::Key));
        for branch in branches {
            let all = 0..compiled.atoms().len();
            let assets = world.assets(compiled.atoms(), all);
            let plan = compiled.plan_among(&assets, |other| other == branch);
            let plan = plan.unwrap_or_else(|error| panic!("{name}, {branch:?}: {error}"));
            let (tx, prevout) = world.fill(&compiled, &plan);
            let size = bitcoin::consensus::serialize(&tx.input[0].witness).len();
            assert_eq!(size, plan.witness_size(), "{name}, {branch:?}");
            for flags in [flags(), relay_flags(), Flags::CONSENSUS | plan.flags] {
                assert_eq!(verify(&tx, &prevout, flags), Ok(()), "{name}, {branch:?}");
            }
            assert!(plan.budget() >= 0, "{name}, {branch:?}");
            let witness: Vec<Vec<u8>> = tx.input[0].witness.to_vec();
            for (what, witness) in damaged(&witness) {
                let verdict = verify(&with_witness(&tx, &witness), &prevout, flags());
                assert!(verdict.is_err(), "{name}, {branch:?}: accepted with {what}");
            }
            spent += 1;
        }
    }
    println!("{spent} ways of {} files", files::names().len());
    assert!(spent > 90, "{spent}");
}
