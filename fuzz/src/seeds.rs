//! Seeds of the fuzz targets. They are made from each transaction input in each vector file, in the form that each
//! target reads. Vector files and policy files are seeds, too.
//!
//! If the script of an input is known, its keys and signatures are replaced by [words](crate::words). The input is
//! then signed again whenever the fuzzer changes it, so it still reaches the code after the signature checks. Other
//! inputs are used unchanged.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bitcoin::consensus::serialize;
use bitcoin::hashes::{Hash, hash160};
use sigstack_interpreter::taproot::{ControlBlock, NUMS_KEY};
use sigstack_vectors::{InputQuestion, Problem, ReadOptions, read_bytes};

use crate::bytes::Writer;
use crate::flags;
use crate::keys::KEYS;
use crate::naive::{compact_size, sized};
use crate::recipe::{Damage, Input, NUMS, Place, Recipe};
use crate::replay::files;
use crate::spend::{AS_IT_IS, RECIPE};
use crate::words::{push, split};

/// Maximum size of a seed in bytes. Larger seeds are left out, because they only slow the fuzzer down.
const MAX_SEED: usize = 8 << 10;

/// Seeds of each fuzz target, by the name of the target.
pub type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// Returns those folders with vectors or policies that exist: the vectors of other projects in `../shared`, and the
/// project's own vectors and policies.
pub fn folders() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders =
        ["../shared/vectors", "test-vectors", "script-compiler/policies"].map(|name| project.join(name));
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// Creates the seeds of all fuzz targets from the files in some folders.
///
/// # Errors
///
/// An error if a file cannot be read.
pub fn seeds(folders: &[PathBuf]) -> io::Result<Seeds> {
    let mut seeds = Seeds::new();
    for path in files(folders)? {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension {
            "json" | "jsonl" | "gz" | "csv" => {
                of_vectors(&mut seeds, &path.display().to_string(), &std::fs::read(&path)?)?
            }
            "policy" => add(&mut seeds, "policy_text", std::fs::read(&path)?),
            _ => {}
        }
    }
    for number in 0..=u8::MAX {
        // Both targets draw all of their choices from the input, so any bytes are suitable seeds.
        add(&mut seeds, "compile_spend", vec![number; 40]);
        add(
            &mut seeds,
            "channel_history",
            vec![number, 3, number, 1, 7, number, 99, 5, number, 1, 0, number, number],
        );
    }
    for list in seeds.values_mut() {
        list.sort();
        list.dedup();
    }
    Ok(seeds)
}

fn add(seeds: &mut Seeds, target: &'static str, seed: Vec<u8>) {
    if seed.len() <= MAX_SEED {
        seeds.entry(target).or_default().push(seed);
    }
}

fn of_vectors(seeds: &mut Seeds, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = match read_bytes(name, bytes, ReadOptions::default()) {
        Ok(file) => file,
        // Files with other kinds of data, for example for MuSig2 or channels, are skipped.
        Err(error) if error.problem == Problem::Unrecognised => return Ok(()),
        Err(error) => return Err(io::Error::other(error)),
    };
    add(seeds, "vector_files", [&[0], bytes].concat());
    for entry in &file.entries {
        if let Some(case) = entry.case() {
            add(seeds, "vector_files", [&[0], case.to_line().as_bytes()].concat());
        }
        for question in entry.input_questions() {
            of_question(seeds, &question);
        }
    }
    Ok(())
}

fn of_question(seeds: &mut Seeds, question: &InputQuestion) {
    let as_it_is = as_it_is(question);
    let recipe = recipe(question);
    let written = recipe.as_ref().and_then(|recipe| {
        let mut writer = Writer::default();
        recipe.write(&mut writer)?;
        Some(writer.finish())
    });
    let spend = written.as_ref().map(|recipe| [&[RECIPE], recipe.as_slice()].concat());
    let consensus =
        flags::consensus_byte((question.flags & sigstack_interpreter::Flags::CONSENSUS).closure());
    let any = flags::any_bytes(question.flags);
    if is_sampled(question) {
        let spends = as_it_is.iter().map(|spend| [&[1], spend.as_slice()].concat());
        let psbts = [psbt_v0(question), psbt_v2(question)].map(|psbt| [&[0], psbt.as_slice()].concat());
        for input in spends.chain(psbts) {
            add(seeds, "transaction_input", [any.as_slice(), &input].concat());
        }
    }
    for spend in [spend, as_it_is].into_iter().flatten() {
        add(seeds, "verify_differential", [&[consensus], spend.as_slice()].concat());
        add(seeds, "softfork", [&any[..], &[0x5a; 8], &[0x11; 8], &spend].concat());
    }
    let (Some(recipe), Some(written)) = (recipe, written) else { return };
    add(
        seeds,
        "sighash",
        [&[1, 0, 0, 0, 0x83, 0, 0, 0, 3, 0, 0, 0, 0xc1, 0, 0, 0], &[7; 36][..], &written].concat(),
    );
    add(seeds, "asm", recipe.script.clone());
    let context =
        [Place::Bare, Place::P2wsh, Place::Tapscript].iter().position(|place| *place == recipe.place);
    if let Some(context) = context {
        let mut writer = Writer::default();
        writer.bytes(&any).byte([0, 1, 3][context]).bytes(&[0xff; 8]);
        let whole = writer.sized(&recipe.script).is_some()
            && recipe.stack.iter().all(|element| writer.sized(element).is_some());
        if whole {
            add(seeds, "eval_total", writer.finish());
        }
    }
    // A script of another output type is also a useful tapscript.
    add(seeds, "verify_tapscript", [&[consensus], written.as_slice()].concat());
    if recipe.place == Place::Tapscript {
        add(seeds, "proposal_model", [&[0, 0, 0, 1], written.as_slice()].concat());
    }
}

/// Selects about one in sixteen transaction inputs. Recording the verification of an input is slow, and thousands of
/// inputs are similar.
fn is_sampled(question: &InputQuestion) -> bool {
    bitcoin::hashes::sha256::Hash::hash(&serialize(&question.tx)).to_byte_array()[0] < 16
}

/// Returns a key-value pair of a PSBT map whose key consists only of its type.
fn pair(key: u8, value: &[u8]) -> Vec<u8> {
    [vec![1, key], sized(value)].concat()
}

const PSBT_MAGIC: &[u8] = b"psbt\xff";

/// Returns the PSBT map of a finalized input (BIP 174): the spent output, the final scriptSig and the final witness.
fn psbt_input((input, prevout): (&bitcoin::TxIn, &bitcoin::TxOut)) -> Vec<u8> {
    let mut map = pair(0x01, &serialize(prevout));
    if !input.script_sig.is_empty() {
        map.extend(pair(0x07, input.script_sig.as_bytes()));
    }
    if !input.witness.is_empty() {
        map.extend(pair(0x08, &serialize(&input.witness)));
    }
    map
}

/// Returns the transaction of a vector as a finalized PSBT of version 0 (BIP 174).
fn psbt_v0(question: &InputQuestion) -> Vec<u8> {
    let mut unsigned = question.tx.clone();
    for input in &mut unsigned.input {
        input.script_sig = bitcoin::ScriptBuf::new();
        input.witness = bitcoin::Witness::new();
    }
    let mut psbt = [PSBT_MAGIC, &pair(0x00, &serialize(&unsigned)), &[0]].concat();
    for input in question.tx.input.iter().zip(&question.prevouts) {
        psbt.extend([psbt_input(input), vec![0]].concat());
    }
    psbt.extend(vec![0; question.tx.output.len()]);
    psbt
}

/// Returns the transaction of a vector as a finalized PSBT of version 2 (BIP 370).
fn psbt_v2(question: &InputQuestion) -> Vec<u8> {
    let tx = &question.tx;
    let count = |count: usize| compact_size(count);
    let mut psbt = PSBT_MAGIC.to_vec();
    psbt.extend(pair(0x02, &tx.version.0.to_le_bytes()));
    psbt.extend(pair(0x03, &tx.lock_time.to_consensus_u32().to_le_bytes()));
    psbt.extend(pair(0x04, &count(tx.input.len())));
    psbt.extend(pair(0x05, &count(tx.output.len())));
    psbt.extend([pair(0xfb, &2u32.to_le_bytes()), vec![0]].concat());
    for (input, prevout) in tx.input.iter().zip(&question.prevouts) {
        psbt.extend(psbt_input((input, prevout)));
        psbt.extend(pair(0x0e, input.previous_output.txid.as_byte_array()));
        psbt.extend(pair(0x0f, &input.previous_output.vout.to_le_bytes()));
        psbt.extend([pair(0x10, &input.sequence.0.to_le_bytes()), vec![0]].concat());
    }
    for output in &tx.output {
        psbt.extend(pair(0x03, &output.value.to_sat().to_le_bytes()));
        psbt.extend([pair(0x04, output.script_pubkey.as_bytes()), vec![0]].concat());
    }
    psbt
}

/// Returns the transaction of a vector as a fuzz input that begins with [`AS_IT_IS`], so that it is not signed again.
/// Returns `None` if the transaction is too large for this form.
fn as_it_is(question: &InputQuestion) -> Option<Vec<u8>> {
    let mut writer = Writer::default();
    writer.byte(AS_IT_IS).byte(u8::try_from(question.index).ok()?);
    writer.byte(u8::try_from(question.prevouts.len()).ok()?);
    for prevout in &question.prevouts {
        writer.bytes(&prevout.value.to_sat().to_le_bytes()).sized(prevout.script_pubkey.as_bytes())?;
    }
    writer.bytes(&serialize(&question.tx));
    Some(writer.finish())
}

/// Assigns a number to each public key of a vector, in the order in which the keys occur. The number determines which
/// of the fuzz targets' own keys replaces the public key.
#[derive(Default)]
struct Numbers(Vec<Vec<u8>>);

impl Numbers {
    fn of(&mut self, key: &[u8]) -> u8 {
        let known = self.0.iter().position(|known| known == key);
        let number = known.unwrap_or_else(|| {
            self.0.push(key.to_vec());
            self.0.len() - 1
        });
        (number % KEYS) as u8
    }

    /// Returns the [word](crate::words) that replaces a public key, or `None` if `data` is not a public key. Keys with
    /// the same x coordinate are the same key in different encodings.
    fn word(&mut self, data: &[u8], x_only: bool) -> Option<Vec<u8>> {
        let (kind, x) = match data {
            [2 | 3, x @ ..] if x.len() == 32 => (0xf1, x),
            [4, rest @ ..] if rest.len() == 64 => (0xf2, &rest[..32]),
            [6 | 7, rest @ ..] if rest.len() == 64 => (0xf3, &rest[..32]),
            [1, x @ ..] if x.len() == 32 && x_only => (0xf4, x),
            x if x.len() == 32 && x_only => (0xf0, x),
            _ => return None,
        };
        Some(vec![kind, self.of(x)])
    }

    /// Returns the [word](crate::words) that replaces a HASH160, or `None` if it is not the hash of a key in `keys`.
    fn hash_word(&mut self, hash: &[u8], keys: &[Vec<u8>]) -> Option<Vec<u8>> {
        let key = keys.iter().find(|key| hash160::Hash::hash(key).as_byte_array() == hash)?;
        let [_, number] = self.word(key, false)?.try_into().ok()?;
        Some(vec![0xf5, number])
    }
}

/// Returns the [word](crate::words) that replaces a signature, or `None` if the stack element is not a signature.
fn signature_word(element: &[u8], schnorr: bool) -> Option<Vec<u8>> {
    match (schnorr, element) {
        (true, [.., hash_type]) if element.len() == 65 => Some(vec![0xf7, *hash_type]),
        (true, _) if element.len() == 64 => Some(vec![0xf7, 0]),
        (false, [0x30, .., hash_type]) if (9..=73).contains(&element.len()) => Some(vec![0xf6, *hash_type]),
        _ => None,
    }
}

/// Converts a transaction input of a vector to a recipe. Returns `None` if its script is unknown, or if the
/// transaction does not fit into a recipe.
fn recipe(question: &InputQuestion) -> Option<Recipe> {
    let tx = &question.tx;
    let spending = &tx.input[question.index];
    let output = question.prevouts[question.index].script_pubkey.as_bytes();
    let mut witness = spending.witness.to_vec();
    let annex = match output {
        [0x51, 32, ..] if witness.len() >= 2 && witness.last()?.first() == Some(&0x50) => witness.pop(),
        _ => None,
    };
    let (mut leaf_version, mut internal_key, mut path) = (0xc0, NUMS, 0);
    let pushed = pushed(spending.script_sig.as_bytes());
    let mut numbers = Numbers::default();
    let (place, script, stack) = match output {
        [0x51, 32, _key @ ..] if output.len() == 34 && witness.len() == 1 => {
            (Place::KeyPath, vec![], witness)
        }
        [0x51, 32, ..] if output.len() == 34 => {
            let control = witness.pop()?;
            let control = ControlBlock::parse(&control).ok()?;
            leaf_version = control.leaf_version;
            path = u8::try_from(control.path().len()).ok()?;
            if *control.internal_key != NUMS_KEY {
                internal_key = numbers.of(control.internal_key);
            }
            (Place::Tapscript, witness.pop()?, witness)
        }
        [0, 32, ..] if output.len() == 34 => (Place::P2wsh, witness.pop()?, witness),
        [0, 20, ..] if output.len() == 22 => (Place::P2wpkh, vec![], witness),
        [0xa9, 20, .., 0x87] if output.len() == 23 => {
            let mut stack = pushed?;
            let redeem_script = stack.pop()?;
            match redeem_script.as_slice() {
                [0, 32, ..] if redeem_script.len() == 34 => (Place::P2shP2wsh, witness.pop()?, witness),
                [0, 20, ..] if redeem_script.len() == 22 => (Place::P2shP2wpkh, vec![], witness),
                _ => (Place::P2sh, redeem_script, stack),
            }
        }
        _ if witness.is_empty() => (Place::Bare, output.to_vec(), pushed?),
        _ => (Place::Program, output.to_vec(), witness),
    };
    if place == Place::KeyPath || matches!(place, Place::P2wpkh | Place::P2shP2wpkh) {
        internal_key = 0;
    }
    let schnorr = matches!(place, Place::Tapscript | Place::KeyPath);
    let words = |part: &[u8], numbers: &mut Numbers| -> Vec<u8> {
        let data = part.get(1..).filter(|data| data.len() == usize::from(part[0]));
        let word =
            data.and_then(|data| numbers.word(data, schnorr).or_else(|| numbers.hash_word(data, &stack)));
        word.map_or_else(|| part.to_vec(), |word| push(&word))
    };
    let script: Vec<u8> = split(&script).into_iter().flat_map(|part| words(part, &mut numbers)).collect();
    let element = |element: &Vec<u8>| {
        let word = signature_word(element, schnorr).or_else(|| numbers.word(element, false));
        word.unwrap_or_else(|| element.clone())
    };
    let stack = stack.iter().map(element).collect();
    let input = |(input, prevout): (&bitcoin::TxIn, &bitcoin::TxOut)| Input {
        sequence: input.sequence.0,
        amount: prevout.value.to_sat(),
        script_sig: input.script_sig.to_bytes(),
    };
    Some(Recipe {
        place,
        version: tx.version.0,
        lock_time: tx.lock_time.to_consensus_u32(),
        inputs: tx.input.iter().zip(&question.prevouts).map(input).collect(),
        outputs: tx.output.iter().map(|it| (it.value.to_sat(), it.script_pubkey.to_bytes())).collect(),
        index: question.index,
        script,
        stack,
        leaf_version,
        internal_key,
        path,
        annex,
        damage: Damage::default(),
    })
}

/// Returns the stack elements that a push-only script leaves, or `None` if the script is not push-only.
fn pushed(script: &[u8]) -> Option<Vec<Vec<u8>>> {
    let element = |part: &[u8]| {
        let (opcode, data) = part.split_first()?;
        let length = data.len();
        match opcode {
            0..=0x4b => (usize::from(*opcode) == length).then(|| data.to_vec()),
            0x4c => data.get(1..).map(<[u8]>::to_vec),
            0x4d => data.get(2..).map(<[u8]>::to_vec),
            0x4e => data.get(4..).map(<[u8]>::to_vec),
            0x4f => Some(vec![0x81]),
            0x51..=0x60 => Some(vec![opcode - 0x50]),
            _ => None,
        }
    };
    split(script).into_iter().map(element).collect()
}

/// Writes the seeds as files, in one folder for each fuzz target. Returns the number of seeds of each target.
///
/// # Errors
///
/// An error if a file cannot be written.
pub fn write(seeds: &Seeds, corpus: &Path) -> io::Result<BTreeMap<&'static str, usize>> {
    let mut written = BTreeMap::new();
    for (target, seeds) in seeds {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for seed in seeds {
            let hash = bitcoin::hashes::sha256::Hash::hash(seed).to_byte_array();
            std::fs::write(folder.join(hex::encode(&hash[..10])), seed)?;
        }
        written.insert(*target, seeds.len());
    }
    Ok(written)
}
