//! Tables of invalid inputs: the arguments, the first line of the error, and the beginning of the hint.

/// A transaction with one input and one output, whose input spends an output with amount 0.
pub(crate) const TX: &str = "01000000010000000000000000000000000000000000000000000000000000000000000001000000000000000000010000000000000000\
                  0000000000";
pub(crate) const KEY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// A row of a table: arguments, the first line of the error, and the beginning of the hint, empty if there is none.
/// In the arguments, TX and KEY are replaced by values.
pub(crate) type Row = (&'static [&'static str], &'static str, &'static str);

/// Invalid command lines that the argument parser detects.
pub(crate) const USAGE: &[Row] = &[
    (&["verifi"], "there is no command \"verifi\"", "did you mean verify?"),
    (&["channel", "stroage"], "there is no command \"stroage\"", "did you mean storage?"),
    (&["decode", "transaction"], "there is no command \"transaction\"", "see `sigstack decode --help`"),
    (&["verify", "--jsno"], "--jsno: there is no such option", "did you mean --json?"),
    (&["trace", "--script", "1", "--htlm", "x"], "--htlm: there is no such option", "did you mean --html?"),
    (&["channel", "list", "extra"], "extra: one argument too many", "see `sigstack channel list --help`"),
    (&["verify", "--tx"], "--tx: a value is missing", "see `sigstack verify --help`"),
    (&["completions", "bahs"], "SHELL: unknown name \"bahs\"", "did you mean bash? (known: "),
    (
        &["trace", "--script", "1", "--as", "tapscrpt"],
        "--as: unknown name \"tapscrpt\"",
        "did you mean tapscript?",
    ),
    (&["vectors", "--dialect", "croe"], "--dialect: unknown name \"croe\"", "did you mean core?"),
    (
        &["compile", "pk(KEY)", "--allow", "unprotectd"],
        "--allow: unknown name \"unprotectd\"",
        "did you mean unprotected?",
    ),
    (
        &["compile", "pk(KEY)", "--network", "mainnet"],
        "--network: unknown network \"mainnet\"",
        "known: bitcoin, testnet, testnet4, signet, regtest",
    ),
    (
        &["channel", "play", "simmetry-apo"],
        "CONSTRUCTION: unknown name \"simmetry-apo\"",
        "did you mean symmetry-apo?",
    ),
    (&["attacks", "swapp"], "NAME: unknown name \"swapp\"", "did you mean swap?"),
    (&["compare", "--format", "jsn"], "--format: unknown name \"jsn\"", "did you mean json?"),
    (
        &["compare", "--format", "csv", "--json"],
        "--format: cannot be used together with --json",
        "leave one of them out",
    ),
    (&["compare", "--json=1"], "--json: takes no value", "write the option alone"),
    (
        &["compare", "--bip442", "--parties", "3"],
        "--bip442: cannot be used together with --parties",
        "leave one of them out",
    ),
    (
        &["compare", "--htlcs", "2", "--bip442"],
        "--htlcs: cannot be used together with --bip442",
        "leave one of them out",
    ),
    (
        &["compare", "--bip442", "--feerate", "5"],
        "--bip442: cannot be used together with --feerate",
        "leave one of them out",
    ),
];

/// Numbers outside their ranges. The ranges and reasons are those of `sigstack_channel::bounds`.
pub(crate) const NUMBERS: &[Row] = &[
    (
        &["channel", "play", "tree", "--updates", "-1"],
        "--updates: -1 is less than 0: a number of updates is not negative",
        "give a whole number from 0 to 100000",
    ),
    (
        &["channel", "play", "bip68", "--updates", "456"],
        "--updates: bip68 has 456 states, the first without an update",
        "give at most 455",
    ),
    (
        &["channel", "play", "tree", "--state", "4"],
        "--state: there is no state 4 after 3 updates",
        "give at most 3, or more --updates",
    ),
    (
        &["channel", "show", "tree", "--htlcs", "4294967295"],
        "--htlcs: 4294967295 is more than 228: a version 3 transaction with more HTLC outputs, and two balances, exceeds 10,000 vB",
        "give a whole number from 0 to 228",
    ),
    (
        &["channel", "show", "tree", "--delay", "0"],
        "--delay: 0 is less than 1: without a delay nobody has time to answer an old state",
        "give a whole number from 1 to 65535",
    ),
    (
        &["channel", "nested", "--parties", "1"],
        "--parties: 1 is less than 2: a channel needs two parties",
        "give a whole number from 2 to 16",
    ),
    (
        &["channel", "storage", "sequence-th", "--updates", "0"],
        "--updates: 0 is less than 1: the run publishes an earlier state, and there is none before the first update",
        "give a whole number from 1 to 10000000",
    ),
    (
        &["channel", "storage", "sequence-th", "--tries", "0"],
        "--tries: 0 is less than 1: a run that publishes no earlier state verifies no answer",
        "give a whole number from 1 to 10000",
    ),
    (
        &["channel", "storage", "sequence-th", "--updates", "5", "--tries", "6"],
        "--tries: 6 is more than the 5 earlier states of 5 updates",
        "",
    ),
    (
        &["channel", "storage", "sequence-th", "--updates", "20", "--signed", "21"],
        "--signed: 21 is more than the 20 updates",
        "",
    ),
    (
        &["channel", "storage", "sequence-th", "--updates", "2000000"],
        "--updates: 2000000 is more than 1000000: signing more takes hours; sign a sample",
        "",
    ),
    (
        &["channel", "storage", "bip68", "--updates", "50"],
        "CONSTRUCTION: an earlier state confirms later than the latest state, so that there is no answer to verify",
        "",
    ),
    (
        &["channel", "storage", "sequence-th", "--seed", "1.5"],
        "--seed: 1.5 is not a whole number",
        "give a whole number from 0 to ",
    ),
    (
        &["compare", "--updates", "0"],
        "--updates: 0 is less than 1: the comparison publishes an earlier state, and there is none before the first update",
        "give a whole number from 1 to 455",
    ),
    (
        &["compare", "--updates", "456"],
        "--updates: 456 is more than 455: bip68 has 456 states, the first of which needs no update",
        "give a whole number from 1 to 455",
    ),
    (
        &["compare", "--htlcs", "228"],
        "--htlcs: 228 is more than 227: a commitment of ln-zero-fee with more HTLC outputs exceeds the 10,000 vB of version 3",
        "give a whole number from 0 to 227",
    ),
    (
        &["compare", "--parties", "17"],
        "--parties: 17 is more than 16: the records of HTLCs have four bits for a party",
        "give a whole number from 2 to 16",
    ),
    (
        &["compare", "--feerate", "0"],
        "--feerate: 0 is less than 1: the model has whole sat/vB, and a transaction that pays nothing is not relayed alone",
        "give a whole number from 1 to 10000",
    ),
    (
        &["breach", "--games", "0"],
        "--games: 0 is less than 1: a mean needs at least one game",
        "give a whole number from 1 to 1000000",
    ),
    (
        &["breach", "--games", "1e400"],
        "--games: 1e400 is more than 1000000: about a thousand cells play that many games each, which takes days for more",
        "give a whole number from 1 to 1000000",
    ),
    (&["breach", "--colluding", "NaN"], "--colluding: NaN is not a number", "give a number from 0 to 1"),
    (
        &["breach", "--colluding", "1.5"],
        "--colluding: 1.5 is more than 1: a share is between 0 and 1",
        "give a number from 0 to 1",
    ),
    (
        &["breach", "--delay", "0"],
        "--delay: 0 is less than 1: without a delay nobody has time to answer an old state",
        "give a whole number from 1 to 2016",
    ),
    (
        &["breach", "--feerate", "ten"],
        "--feerate: \"ten\" is not a number",
        "give a whole number from 1 to 10000",
    ),
    (
        &["breach", "--capacity", "0"],
        "--capacity: 0 is less than 1000: the balances are thousandths of the capacity",
        "give a whole number from 1000 to 900719925474",
    ),
    (&["breach", "--old", "2000000"], "--old: 2000000 sat is more than the capacity of 1000000 sat", ""),
    (
        &["breach", "--new", "950000"],
        "--new: 950000 sat is more than the 900000 sat of the old state: cheating would lose",
        "",
    ),
    (
        &["breach", "--outside", "99999999999999999999999"],
        "--outside: 99999999999999999999999 is more than 2100000000000000: there are at most 21 million bitcoin",
        "give a whole number from 0 to 2100000000000000",
    ),
    (
        &["vectors", "--jobs", "5000"],
        "--jobs: 5000 is more than 512: a job is a thread, and more threads than processors are not faster",
        "give a whole number from 1 to 512",
    ),
    (
        &["verify", "--script", "1", "--locktime", "4294967296"],
        "--locktime: 4294967296 is more than 4294967295: nLockTime has 32 bits",
        "give a whole number from 0 to 4294967295",
    ),
    (
        &["verify", "--script", "1", "--sequence", "0x1fffffffff"],
        "--sequence: \"0x1fffffffff\" is not a number",
        "give a whole number from 0 to 4294967295",
    ),
    (
        &["trace", "--script", "1", "--sequence", "-1"],
        "--sequence: -1 is less than 0: nSequence has no sign",
        "give a whole number from 0 to 4294967295",
    ),
];

/// Command lines that the argument parser accepts, although the content of an argument is invalid. The commands
/// themselves detect the error.
pub(crate) const CONTENT: &[Row] = &[
    (
        &["verify", "--script", "1", "--flags", "CLEANSTAK"],
        "--flags: unknown flag \"CLEANSTAK\"",
        "did you mean CLEANSTACK?",
    ),
    (
        &["verify", "--script", "1", "--flags", "NOINPUT"],
        "--flags: unknown flag \"NOINPUT\"",
        "did you mean ANYPREVOUT?",
    ),
    (
        &["trace", "--script", "1", "--profile", "lnhanced"],
        "--profile: unknown profile \"lnhanced\"",
        "did you mean lnhance?",
    ),
    (
        &["debug", "--script", "1", "--profile", "zzz"],
        "--profile: unknown profile \"zzz\"",
        "`sigstack verify --help` lists the profiles",
    ),
    (
        &["verify", "--script", "1", "--assign", "CSFS"],
        "--assign: \"CSFS\" is not NAME=BYTE, such as CSFS=0xbb",
        "",
    ),
    (
        &["trace", "--script", "1", "--assign", "CSFS=187"],
        "--assign: \"CSFS=187\": write the byte as 0xbb",
        "",
    ),
    (&["asm", "--assign", "CSF=0xbb", "1"], "--assign: unknown proposal \"CSF\"", "did you mean "),
    (&["disasm", "--assign", "lnhance=0xbb", "51"], "--assign: \"lnhance\" is more than one proposal", ""),
    (
        &["verify", "--script", "1", "--assign", "CSFS=0x7e"],
        "--assign: 0x7e would be both CHECKSIGFROMSTACK and OP_CAT",
        "assign another byte to one of them",
    ),
    (
        &["verify", "--script", "1", "--assign", "CSFS=0xbb", "--assign", "CAT=0xbb"],
        "--assign: 0xbb would be both CHECKSIGFROMSTACK and OP_CAT",
        "assign another byte to one of them",
    ),
    (
        &["verify", "--script", "1", "--assign", "CTV=0xbb"],
        "--assign: 0xbb (OP_SUCCESS187) is not a NOP that is reserved for upgrades, so it cannot be CHECKTEMPLATEVERIFY",
        "",
    ),
    (&["verify", "--script", "1", "--assign", "APO=0xbb"], "--assign: ANYPREVOUT has no opcode", ""),
    (
        &["verify", "--script", "1", "--flags", "WITNESS"],
        "--flags: the flag WITNESS needs P2SH",
        "add P2SH, or leave WITNESS out",
    ),
    (&["compile", "pk(KEY)", "--set", "A"], "--set A: `=` is missing", "write NAME=VALUE"),
    (
        &["compile", "key A; pk(A)", "--set", "A=KEY", "--set", "A=00"],
        "--set A=00: a second value for A",
        "give one value for each name",
    ),
    (
        &["plan", "number N; and(pk(KEY),older(N))", "--set", "N=5", "--set", "N=5"],
        "--set N=5: a second value for N",
        "give one value for each name",
    ),
    (
        &["plan", "and(pk(KEY),older(5))", "--have", "older:65541"],
        "--have older:65541: 65541 has bits that BIP 68 does not compare: the lock is 5; write older:5",
        "",
    ),
    (
        &["plan", "and(pk(KEY),older(5))", "--have", "older:0"],
        "--have older:0: older must be from 1 to 2147483647, not 0",
        "",
    ),
    (
        &["plan", "and(pk(KEY),older(5))", "--have", "preimage:00"],
        "--have preimage:00: the image has 1 byte; images have 20 or 32",
        "",
    ),
    (
        &["compile", "key A; pk(A)", "--set", "A=xyz"],
        "--set A=xyz: the value of `A` must be a key of 64 hex digits",
        "",
    ),
    (
        &["compile", "key A; pk(A)", "--set", "A=02KEY"],
        "--set A=02KEY: the value of `A` must be an x-only key (BIP 340): leave out the first byte, 02 or 03",
        "",
    ),
    (
        &["compile", "key Alice; pk(Alice)", "--set", "Alic=KEY"],
        "--set Alic=KEY: a value is given for `Alic`, but the policy does not declare this name",
        "did you mean `Alice`? names: Alice",
    ),
    (
        &["compile", "pk(KEY)", "--set", "A=KEY"],
        "--set A=KEY: a value is given for `A`, but the policy does not declare this name",
        "declare it in the policy: `key NAME;`, `number NAME;` or `bytes NAME;`",
    ),
    (&["decode", "address", ""], "address: the address is empty", ""),
    (
        &[
            "decode",
            "address",
            "sp1qqgste7k9hx0qftg6qmwlkqtwuy6cycyavzmzj85c6qdfhjdpdjtdgqjuexzk6murw56suy3e0rd2cgqvycxttddwsvgxe2usfpxumr70xc9pkqwv",
        ],
        "address: a silent payment address (BIP 352), which is no output",
        "the sender derives a taproot output from it",
    ),
    (
        &[
            "decode",
            "address",
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
        ],
        "address: an extended key (BIP 32), where an address is expected",
        "an address belongs to one of the keys",
    ),
    (
        &["disasm", "0x51"],
        "disasm: not hex: 'x' at position 1, counted from 0",
        "write the hex without 0x: 51",
    ),
    (
        &["disasm", "OP_1"],
        "disasm: not hex: 'O' at position 0, counted from 0",
        "this is assembly: `sigstack asm` gives",
    ),
    (
        &["asm", "@bytes.bin"],
        "asm: binary data, where assembly is expected",
        "`sigstack disasm` reads the bytes",
    ),
    (
        &["asm", "OP_PUSHBYTES_2 ab"],
        "asm: \"OP_PUSHBYTES_2\" at byte 0: is followed by 1 byte of data, needs 2",
        "",
    ),
    (
        &["verify", "--case", "good.json"],
        "--case: good.json is a file; which of its cases is missing",
        "write good.json#1 for the first case",
    ),
    (
        &["verify", "--case", "good.json#foo"],
        "good.json: no case has the id \"foo\"",
        "write good.json#1 for the first case",
    ),
    (
        &["verify", "--tx", "TX", "--prevout", "-1:51"],
        "--prevout 0: \"-1\" is not an amount in satoshi",
        "give a whole number from 0 to 18446744073709551615",
    ),
    (&["compile", ""], "policy: the policy is empty", "write a policy, as in pk(KEY)"),
    (
        &["compile", "pk"],
        "policy: pk: No such file or directory (os error 2)",
        "text without ( is read as the path of a policy file",
    ),
    (&["asm", "0x"], "asm: \"0x\" at byte 0: has no digits after 0x", ""),
    (&["verify", "--case", "#1"], "--case: the file of case 1 is missing before #", "a case is FILE#N "),
    (
        &["verify", "--case", "missing.json#id"],
        "missing.json: cannot be read: No such file or directory (os error 2)",
        "a case is FILE#N ",
    ),
    (&["verify", "--psbt", "TX"], "--psbt: ", "this is a transaction: give it with --tx"),
    (&["vectors", "@good.json"], "@good.json: paths are written without @ here", "write good.json"),
    (&["vectors", "missing.json"], "no case ran", ""),
    (&["vectors", "--filter", "nothing has this name", "good.json"], "no case ran", ""),
    (
        &["debug", "--script", "1"],
        "debug needs a terminal to read keys from and to draw on",
        "`sigstack trace` prints the same as text",
    ),
    (
        &["channel", "export", "good.json"],
        "good.json: File exists (os error 17)",
        "name a place that can be written to",
    ),
    (
        &["compare", "--bip442", "--plots", "good.json/x"],
        "--plots: good.json/x: Not a directory (os error 20)",
        "name a place that can be written to",
    ),
    (
        &["breach", "--games", "1", "--folder", "good.json"],
        "--folder: good.json: File exists (os error 17)",
        "name a place that can be written to",
    ),
    (
        &["trace", "--script", "1", "--html", "missing/x.html"],
        "--html: missing/x.html: No such file or directory (os error 2)",
        "name a place that can be written to",
    ),
];
