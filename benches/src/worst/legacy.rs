//! The worst block of legacy scripts.
//!
//! An output of an earlier block can have a script of 10,000 bytes with 201 opcodes, while the input that spends it
//! weighs only 164 weight units. Neither the script nor its signature checks count toward the limits of the block that
//! spends the output. Each signature check hashes the transaction again, up to one megabyte, if no other check signs
//! the same data.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, hashes::Hash};
use sigstack_interpreter::limits::{MAX_OPS_PER_SCRIPT, MAX_SCRIPT_SIZE};
use sigstack_interpreter::{Flags, Spend};

use crate::keys::Keys;
use crate::measure::time;
use crate::opcodes;
use crate::script::{push, repeat, script};
use crate::shape::Base;
use crate::workload::weight;
use crate::worst::BLOCK_WEIGHT;

/// Weight of a transaction input with an empty scriptSig, in weight units.
const INPUT_WEIGHT: usize = 41 * 4;

/// A scriptPubKey that the search for the slowest legacy block tries.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Name of the legacy script, which describes what the script repeats.
    pub name: String,
    /// The legacy script, which is used as scriptPubKey.
    pub script: Vec<u8>,
}

/// How the signature checks of a legacy script differ from each other.
#[derive(Clone, Copy, Debug)]
struct Checks {
    hash_type: u8,
    /// `true` if all signatures differ. A signature is removed from the script code that it signs, so each different
    /// signature signs a different script code.
    distinct: bool,
    /// `true` if an `OP_CODESEPARATOR` precedes each signature check.
    separated: bool,
}

impl Checks {
    /// Returns a script with as many repetitions of `<signature> <key> CHECKSIG` as fit. All checks fail, and a final
    /// 1 makes the script succeed.
    fn candidate(self, keys: &mut Keys) -> Candidate {
        let Checks { hash_type, distinct, separated } = self;
        let key = keys.key().public_key().serialize();
        let opcodes = script(if separated { "CODESEPARATOR CHECKSIG" } else { "CHECKSIG" });
        let mut script = Vec::new();
        for nth in 0..MAX_OPS_PER_SCRIPT / opcodes.len() {
            // The shortest strict DER signature: r and s have one byte each.
            let [low, ..] = (if distinct { nth } else { 0 }).to_le_bytes();
            let (r, s) = (1 + low % 16, 1 + low / 16);
            push(&mut script, &[0x30, 6, 2, 1, r, 2, 1, s, hash_type]);
            push(&mut script, &key);
            script.extend_from_slice(&opcodes);
        }
        script.extend(self::script("1"));
        let distinct = if distinct { "distinct signatures" } else { "one signature" };
        let separated = if separated { "CODESEPARATOR CHECKSIG" } else { "CHECKSIG" };
        Candidate { name: format!("{separated}, {distinct}, hash type 0x{hash_type:02x}"), script }
    }
}

/// Returns legacy scripts without signature checks. Each repeats the body of a tapscript shape, with an opcode of
/// today, as often as the limit of 201 opcodes allows. Scripts that would be longer than 10,000 bytes are left out.
fn plain() -> impl Iterator<Item = Candidate> {
    opcodes::today().into_iter().filter(|shape| shape.checks == 0).filter_map(|shape| {
        let mut code = Vec::new();
        let count = match &shape.base {
            Base::Bytes { count, size } => {
                push(&mut code, &vec![7; *size]);
                *count
            }
            Base::Number { count, number } => {
                push(&mut code, sigstack_interpreter::script_num::encode(*number).as_bytes());
                *count
            }
            _ => return None,
        };
        let opcodes = script(&shape.body).iter().filter(|byte| **byte > 0x60).count().max(1);
        let repetitions = (MAX_OPS_PER_SCRIPT + 1).checked_sub(count)? / opcodes;
        code.extend(repeat("DUP", count - 1));
        code.extend(repeat(&shape.body, repetitions));
        code.extend(script("1"));
        (code.len() <= MAX_SCRIPT_SIZE && repetitions > 0)
            .then(|| Candidate { name: shape.name(), script: code })
    })
}

/// Returns all legacy scripts that the search for the worst block tries.
pub fn candidates() -> Vec<Candidate> {
    let mut keys = Keys::of("legacy", 0);
    let mut checks = Vec::new();
    for hash_type in [0x01, 0x02, 0x03, 0x81] {
        for distinct in [false, true] {
            for separated in [false, true] {
                checks.push(Checks { hash_type, distinct, separated }.candidate(&mut keys));
            }
        }
    }
    checks.into_iter().chain(plain()).collect()
}

/// A block of one transaction whose inputs all spend outputs with the same legacy script.
pub struct LegacyBlock {
    tx: Transaction,
}

impl LegacyBlock {
    /// Creates the largest block that the weight limit allows. For tests, `inputs` gives the number of inputs instead.
    pub fn new(inputs: Option<usize>) -> LegacyBlock {
        let input = |index: usize| {
            let mut txid = [0; 32];
            txid.iter_mut().zip(index.to_le_bytes()).for_each(|(to, from)| *to = from);
            TxIn {
                previous_output: OutPoint { txid: Txid::from_byte_array(txid), vout: 0 },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ZERO,
                witness: Witness::new(),
            }
        };
        let output = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(script("1")) };
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![],
            output: vec![output],
        };
        let room = BLOCK_WEIGHT - weight(&tx) - 16;
        tx.input = (0..inputs.unwrap_or(room / INPUT_WEIGHT)).map(input).collect();
        LegacyBlock { tx }
    }

    /// Returns the number of inputs of the block's transaction.
    pub fn inputs(&self) -> usize {
        self.tx.input.len()
    }

    /// Returns the time in seconds for verifying this block if all inputs spend outputs with the script of
    /// `candidate`. The time is extrapolated from two inputs, at one quarter and at three quarters of the list. The
    /// hashes that all inputs share are computed before the measurement.
    pub fn seconds(&self, candidate: &Candidate) -> f64 {
        let inputs = self.inputs();
        let samples = [inputs / 4, inputs * 3 / 4];
        let mut prevouts = vec![TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() }; inputs];
        for index in samples.into_iter().chain([0]) {
            if let Some(prevout) = prevouts.get_mut(index) {
                prevout.script_pubkey = ScriptBuf::from(candidate.script.clone());
            }
        }
        let spend = Spend::new(&self.tx, &prevouts).expect("a prevout for each input");
        let verify = |input| {
            let verdict = spend.verify_input(input, Flags::CONSENSUS);
            assert!(verdict.is_ok(), "{}: {verdict:?}", candidate.name);
        };
        verify(0);
        let sampled = time(|| samples.into_iter().for_each(verify));
        sampled.as_secs_f64() / samples.len() as f64 * inputs as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_keep_the_rules() {
        let block = LegacyBlock::new(Some(40));
        let candidates = candidates();
        assert!(candidates.len() > 100, "{}", candidates.len());
        for candidate in candidates {
            assert!(candidate.script.len() <= MAX_SCRIPT_SIZE, "{}", candidate.name);
            // `seconds` panics if the candidate is invalid.
            assert!(block.seconds(&candidate) > 0.0);
        }
    }

    #[test]
    fn a_block_is_full() {
        let block = LegacyBlock::new(None);
        let used = weight(&block.tx);
        assert!(used <= BLOCK_WEIGHT && used + INPUT_WEIGHT + 16 > BLOCK_WEIGHT, "{used}");
    }
}
