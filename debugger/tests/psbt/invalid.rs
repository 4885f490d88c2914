//! Tests PSBTs that are invalid according to the BIPs. Each is paired with a valid one that differs in one detail.
//! The tests check the exact errors.

mod shapes;

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::consensus::encode::serialize;
use sigstack_debugger::Psbt;

/// A PSBT map. Each pair is a key, which starts with its type, and a value.
type Map = Vec<(Vec<u8>, Vec<u8>)>;

/// The global, input and output maps of a PSBT that a test changes.
#[derive(Clone)]
struct Maps {
    global: Map,
    input: Map,
    output: Map,
}

/// The map of a PSBT to which a test adds a field.
#[derive(Clone, Copy)]
enum In {
    Global,
    Input,
    Output,
}
use In::{Global, Input, Output};

fn hex(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

/// Returns a transaction with one output, and one input with this scriptSig.
fn tx(script_sig: &[u8]) -> Vec<u8> {
    let input = [&[7; 36][..], &serialize(&script_sig.to_vec()), &[0xff; 4]].concat();
    [&[2, 0, 0, 0, 1][..], &input, &[1], &[0; 9], &[0; 4]].concat()
}

impl Maps {
    /// Returns the maps of a PSBT with one input and one output, with the fields that this version requires.
    fn of(version: u32) -> Maps {
        if version == 0 {
            return Maps { global: vec![(vec![0], tx(&[]))], input: vec![], output: vec![] };
        }
        Maps {
            global: vec![
                (vec![0x02], serialize(&2i32)),
                (vec![0x04], vec![1]),
                (vec![0x05], vec![1]),
                (vec![0xfb], serialize(&version)),
            ],
            input: vec![(vec![0x0e], vec![7; 32]), (vec![0x0f], vec![0; 4])],
            output: vec![(vec![0x03], vec![0; 8]), (vec![0x04], vec![0x51])],
        }
    }

    fn map(&mut self, place: In) -> &mut Map {
        match place {
            Global => &mut self.global,
            Input => &mut self.input,
            Output => &mut self.output,
        }
    }

    /// Adds a field to the map `place`, and removes any other field with the same key.
    fn with(mut self, place: In, key: &[u8], value: &[u8]) -> Maps {
        self = self.without(place, key);
        self.map(place).push((key.to_vec(), value.to_vec()));
        self
    }

    fn without(mut self, place: In, key: &[u8]) -> Maps {
        self.map(place).retain(|(other, _)| other != key);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"psbt\xff".to_vec();
        for map in [&self.global, &self.input, &self.output] {
            for (key, value) in map {
                bytes.extend(serialize(key));
                bytes.extend(serialize(value));
            }
            bytes.push(0);
        }
        bytes
    }

    fn read(&self) -> Result<Psbt, String> {
        Psbt::read(&self.bytes()).map_err(|error| error.to_string())
    }

    fn error(&self) -> String {
        self.read().unwrap_err()
    }
}

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const X_ONLY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// An x coordinate without a point on the curve.
const NO_POINT: &str = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";

#[test]
fn what_is_not_a_psbt() {
    let error = |bytes: &[u8]| Psbt::read(bytes).unwrap_err().to_string();
    assert_eq!(error(b"zz"), "the PSBT: neither a PSBT, nor base64, nor hex");
    assert_eq!(error(b"00"), "the PSBT: does not begin with \"psbt\" and 0xff");
    assert_eq!(error(hex::encode(tx(&[])).as_bytes()), "the PSBT: does not begin with \"psbt\" and 0xff");
    let whole = Maps::of(0).bytes();
    let mut base64 = STANDARD.encode(&whole);
    assert!(Psbt::read(base64.as_bytes()).is_ok());
    base64.pop();
    assert_eq!(
        error(base64.as_bytes()),
        "the PSBT: the base64 is cut off, or it has a character too many: it comes in groups of four"
    );
    let digits = hex::encode(&whole);
    assert_eq!(error(&digits.as_bytes()[1..]), "the PSBT: neither a PSBT, nor base64, nor hex");
    assert_eq!(error(&digits.as_bytes()[..99]), "the PSBT: bad hex: Odd number of digits");
    assert_eq!(error(b"psbt\xff\x00"), "global: PSBT_GLOBAL_UNSIGNED_TX: is missing; version 0 requires it");
}

#[test]
fn maps_have_separators_and_unique_keys_and_nothing_follows_them() {
    for version in [0, 2] {
        let whole = Maps::of(version).bytes();
        assert!(Psbt::read(&whole).is_ok());
        let error = |bytes: &[u8]| Psbt::read(bytes).unwrap_err().to_string();
        let cut = &whole[..whole.len() - 1];
        assert_eq!(error(cut), "output 0: the PSBT ends where a key or the separator 00 is expected");
        assert_eq!(error(&[&whole[..], &[1]].concat()), "global: 1 byte after the last map");
    }
    let without_value = [&Maps::of(0).bytes()[..], &[1, 0x19]].concat();
    assert_eq!(Psbt::read(&without_value).unwrap_err().to_string(), "global: 2 bytes after the last map");
    let mut twice = Maps::of(2);
    twice.input.push((vec![0x10], vec![0; 4]));
    assert!(twice.read().is_ok());
    twice.input.push((vec![0x10], vec![0; 4]));
    assert_eq!(twice.error(), "input 0: PSBT_IN_SEQUENCE: the key 10 appears twice");
    let cut = [b"psbt\xff".to_vec(), vec![1, 0xfb, 4, 2, 0]].concat();
    let error = Psbt::read(&cut).unwrap_err().to_string();
    assert_eq!(error, "global: PSBT_GLOBAL_VERSION: a value: 4 bytes expected, 2 left");
}

#[test]
fn the_unsigned_transaction_has_no_scripts_and_no_witnesses() {
    let error = |tx: &[u8]| Maps::of(0).with(Global, &[0], tx).error();
    let field = "global: PSBT_GLOBAL_UNSIGNED_TX: ";
    let scripted = error(&tx(&[0x51]));
    assert_eq!(scripted, format!("{field}the transaction's input 0 has a scriptSig, must have none"));
    // The transaction `tx(&[])` with marker and flag, and with the given bytes after its outputs.
    let plain = tx(&[]);
    let (start, rest) = plain.split_at(4);
    let (body, lock_time) = rest.split_at(rest.len() - 4);
    let with_flag = |witnesses: &[u8]| [start, &[0, 1], body, witnesses].concat();
    let named = format!(
        "{field}the unsigned transaction is in witness serialization, must be without marker, flag and witnesses"
    );
    for (what, witnesses) in [
        ("a witness", [&[1, 1, 0x51], lock_time].concat()),
        ("an empty witness", [&[0], lock_time].concat()),
        ("no witness", lock_time.to_vec()),
        ("cut short in the witness", vec![1, 1]),
        ("without nLockTime", vec![0]),
        ("trailing", [&[1, 1, 0x51], lock_time, &[0]].concat()),
    ] {
        assert_eq!(error(&with_flag(&witnesses)), named, "{what}");
    }
    // A transaction without inputs: marker and flag, no input, one output, nLockTime.
    assert_eq!(error(&[start, &[0, 1, 0, 1], &[0; 9], lock_time].concat()), named);
    // A transaction with no inputs and one output, in the correct serialization, begins with the same bytes.
    let no_inputs = [start, &[0, 1], &[0; 9], lock_time].concat();
    let cut = error(&no_inputs[..no_inputs.len() - 1]);
    assert_eq!(
        cut,
        format!("{field}the value is not a transaction: nLockTime: 4 bytes expected, 3 left (byte 15)")
    );
    let trailing = error(&[&plain[..], &[0]].concat());
    assert_eq!(
        trailing,
        format!(
            "{field}the value is not a transaction: 1 byte follows the transaction (byte {})",
            plain.len()
        )
    );
}

#[test]
fn versions_allow_and_require_fields() {
    for (version, place, key, value, name) in [
        (0, Global, 0x02, vec![0; 4], "GLOBAL_TX_VERSION"),
        (0, Global, 0x03, vec![0; 4], "GLOBAL_FALLBACK_LOCKTIME"),
        (0, Global, 0x04, vec![1], "GLOBAL_INPUT_COUNT"),
        (0, Global, 0x05, vec![1], "GLOBAL_OUTPUT_COUNT"),
        (0, Global, 0x06, vec![0], "GLOBAL_TX_MODIFIABLE"),
        (0, Input, 0x0e, vec![7; 32], "IN_PREVIOUS_TXID"),
        (0, Input, 0x0f, vec![0; 4], "IN_OUTPUT_INDEX"),
        (0, Input, 0x10, vec![0; 4], "IN_SEQUENCE"),
        (0, Input, 0x11, serialize(&500_000_000u32), "IN_REQUIRED_TIME_LOCKTIME"),
        (0, Input, 0x12, serialize(&1u32), "IN_REQUIRED_HEIGHT_LOCKTIME"),
        (0, Output, 0x03, vec![0; 8], "OUT_AMOUNT"),
        (0, Output, 0x04, vec![0x51], "OUT_SCRIPT"),
        (2, Global, 0x00, tx(&[]), "GLOBAL_UNSIGNED_TX"),
    ] {
        let map = ["global", "input 0", "output 0"][place as usize];
        let wrong = Maps::of(version).with(place, &[key], &value).error();
        assert_eq!(wrong, format!("{map}: PSBT_{name}: is not allowed in version {version}"));
        let right = Maps::of(2 - version).with(place, &[key], &value).read();
        assert!(right.is_ok(), "{name}: {right:?}");
    }
    for (version, place, key, name) in [
        (0, Global, 0x00, "GLOBAL_UNSIGNED_TX"),
        (2, Global, 0x02, "GLOBAL_TX_VERSION"),
        (2, Global, 0x04, "GLOBAL_INPUT_COUNT"),
        (2, Global, 0x05, "GLOBAL_OUTPUT_COUNT"),
        (2, Input, 0x0e, "IN_PREVIOUS_TXID"),
        (2, Input, 0x0f, "IN_OUTPUT_INDEX"),
        (2, Output, 0x03, "OUT_AMOUNT"),
        (2, Output, 0x04, "OUT_SCRIPT"),
    ] {
        let map = ["global", "input 0", "output 0"][place as usize];
        let wrong = Maps::of(version).without(place, &[key]).error();
        assert_eq!(wrong, format!("{map}: PSBT_{name}: is missing; version {version} requires it"));
    }
    let unknown = Maps::of(0).with(Global, &[0xfb], &serialize(&1u32)).error();
    assert_eq!(unknown, "global: PSBT_GLOBAL_VERSION: version 1; 0 and 2 exist");
    assert!(Maps::of(0).with(Global, &[0xfb], &serialize(&0u32)).read().is_ok());
    let silent = Maps::of(2).without(Output, &[4]).with(Output, &[9], &hex(KEY).repeat(2)).error();
    let problem = "PSBT_OUT_SCRIPT: is missing: the silent payment's script is not computed yet";
    assert_eq!(silent, format!("output 0: {problem}"));
}

/// A derivation path of an extended key must have as many steps as the depth of the key (BIP 174).
#[test]
fn the_path_of_an_extended_key_is_as_long_as_its_depth() {
    use bitcoin::bip32::{DerivationPath, Xpriv, Xpub};
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let master = Xpriv::new_master(bitcoin::NetworkKind::Main, &[1; 32]).unwrap();
    let path: DerivationPath = "m/48'/0'".parse().unwrap();
    let key = Xpub::from_priv(&secp, &master.derive_priv(&secp, &path).unwrap());
    let key = [&[1][..], &key.encode()].concat();
    let with_origin = |length: usize| Maps::of(0).with(Global, &key, &vec![1; length]);
    assert!(with_origin(12).read().is_ok());
    let problem = "the path has 3 steps, the extended key has depth 2";
    assert_eq!(with_origin(16).error(), format!("global: PSBT_GLOBAL_XPUB: {problem}"));
}

#[test]
fn lock_times_that_no_transaction_has() {
    let mut maps = Maps::of(2).with(Global, &[4], &[2]);
    let input = maps.input.clone();
    let two = |maps: &Maps, second: &[(Vec<u8>, Vec<u8>)]| {
        let mut bytes = maps.bytes();
        let output: usize =
            maps.output.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>() + 1;
        let at = bytes.len() - output;
        let second = input.iter().chain(second);
        let second = second.flat_map(|(key, value)| [serialize(key), serialize(value)].concat());
        let second: Vec<u8> = second.chain([0]).collect();
        bytes.splice(at..at, second);
        Psbt::read(&bytes).map(|psbt| psbt.tx.lock_time.to_consensus_u32()).map_err(|error| error.to_string())
    };
    maps.input.push((vec![0x12], serialize(&10_000u32)));
    let height = (vec![0x12], serialize(&9_000u32));
    let time = (vec![0x11], serialize(&1_657_048_460u32));
    assert_eq!(two(&maps, &[]), Ok(10_000));
    assert_eq!(two(&maps, core::slice::from_ref(&height)), Ok(10_000));
    assert_eq!(two(&maps, &[time.clone(), height]), Ok(10_000));
    let problem = "global: no lock time suits all inputs: some have only PSBT_IN_REQUIRED_HEIGHT_LOCKTIME, others only \
                   PSBT_IN_REQUIRED_TIME_LOCKTIME";
    assert_eq!(two(&maps, &[time]), Err(problem.into()));
}

#[test]
fn the_fields_of_the_spent_output_agree_with_the_input() {
    let prev = tx(&[0x51]);
    let txid = bitcoin::consensus::encode::deserialize::<bitcoin::Transaction>(&prev).unwrap().compute_txid();
    let maps = Maps::of(2).with(Input, &[0x0e], &serialize(&txid)).with(Input, &[0x00], &prev);
    assert!(maps.read().unwrap().inputs[0].prevout.is_some());
    let other = maps.clone().with(Input, &[0x0e], &[7; 32]).error();
    let spends = "07".repeat(32);
    let problem = format!("is transaction {txid}; the input spends {spends}");
    assert_eq!(other, format!("input 0: PSBT_IN_NON_WITNESS_UTXO: {problem}"));
    let index = maps.clone().with(Input, &[0x0f], &serialize(&1u32)).error();
    assert_eq!(index, "input 0: PSBT_IN_NON_WITNESS_UTXO: has no output 1, which the input spends");
    assert!(maps.clone().with(Input, &[0x01], &[0; 9]).read().is_ok());
    let output = maps.with(Input, &[0x01], &[&[1][..], &[0; 8]].concat()).error();
    assert_eq!(output, "input 0: PSBT_IN_WITNESS_UTXO: is not output 0 of PSBT_IN_NON_WITNESS_UTXO");
}
