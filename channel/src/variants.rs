//! Measures options of the signed sequence channel: ways to pay the fee of a commitment transaction, ways to fix the
//! second-stage transaction of an HTLC, and leaves for watchtowers with a reward.
//!
//! For each option, a transaction is built and verified with the script interpreter.

use bitcoin::Transaction;
use secp256k1::Keypair;
use sigstack_interpreter::Flags;
use sigstack_policy::{Candidate, Policy};

use crate::attacks::Shown;
use crate::compare::Table;
use crate::keys::{Seed, sign_schnorr, taproot_keypair, x_only};
use crate::leaves;
use crate::model::{PlayError, Step};
use crate::script::{Num, script};
use crate::sign::{self, ALL_ANYPREVOUT, SINGLE_ANYONECANPAY, with_hash_type};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2a, p2tr, set_witness, transaction, weight};

const CAPACITY: u64 = 1_000_000;
const PREIMAGE: [u8; 32] = [0x42; 32];

/// Measurements of one option of the signed sequence channel, for example one way to pay the fee of a commitment
/// transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Description of the option, as shown in the table.
    pub name: &'static str,
    /// Weight in weight units of the transaction that uses the option. If the option is a child that pays the fee, its
    /// weight is included.
    pub weight: u64,
    /// Number of joint signatures of both parties that the option needs in each update.
    pub signatures: usize,
    /// Whether the transaction that uses the option is valid when it spends the parent for which it was signed.
    pub valid: bool,
    /// Whether nodes relay the transaction that uses the option, alone or with a child that pays its fee.
    pub relayed: bool,
    /// Whether the transaction is still valid if a fee input is added to its parent, which changes the parent's txid.
    /// `None` if the option is not about a second-stage transaction.
    pub survives: Option<bool>,
}

/// Returns a table with one row for each measured option.
pub fn table(variants: &[Variant]) -> Table {
    let mut table = Table::new(&[
        "option",
        "weight (WU)",
        "signatures/update",
        "valid",
        "relayed",
        "survives a fee input",
    ]);
    let word = |met: bool| if met { "yes" } else { "no" }.to_owned();
    for variant in variants {
        table.push(vec![
            variant.name.to_owned(),
            variant.weight.to_string(),
            variant.signatures.to_string(),
            word(variant.valid),
            word(variant.relayed),
            variant.survives.map_or_else(|| "-".to_owned(), word),
        ]);
    }
    table
}

/// Keys of the measured transactions. One key pair stands for the aggregate key of both parties.
struct Keys {
    joint: Keypair,
    peer: Keypair,
    number: Keypair,
    tower: Keypair,
    fees: Keypair,
}

fn proposals() -> Flags {
    Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY | Flags::ANYPREVOUT
}

/// Builds and verifies one transaction for each option of the signed sequence channel, and returns the measurements.
///
/// # Errors
///
/// [`PlayError`] if a transaction cannot be built.
pub fn measure() -> Result<Vec<Variant>, PlayError> {
    let key = |name: &str| Seed::from_name("variants").keypair(name, &[]);
    let keys = Keys {
        joint: key("joint")?,
        peer: key("peer")?,
        number: key("number")?,
        tower: key("tower")?,
        fees: key("fees")?,
    };
    let mut variants = fee_inputs(&keys)?;
    variants.extend(second_stages(&keys)?);
    variants.extend(towers(&keys)?);
    Ok(variants)
}

fn judge(step: Step) -> Result<bool, PlayError> {
    Ok(Shown::verify(step, proposals())?.is_valid())
}

/// Returns whether a transaction satisfies the relay policy, except for the minimum feerate. A child can pay the fee.
fn is_relayed(step: &Step) -> bool {
    let (candidate, policy) = (Candidate::new(&step.tx, &step.prevouts), Policy::CORE_31);
    let kept = candidate.check_form(&policy).and_then(|()| candidate.check_inputs(&policy));
    kept.and_then(|()| candidate.check_ephemeral_dust(step.fee(), &policy)).is_ok()
}

/// Returns a transaction without inputs whose only output is `out` with `sat` satoshi. Other transactions can spend
/// this output by its txid.
fn source(out: &TapOutput, sat: u64, lock_time: u32) -> Transaction {
    transaction(2, lock_time, vec![], vec![output(sat, out.script_pubkey())])
}

/// Measures ways to pay the fee of a commitment transaction: a child, or an additional input. A signature with the
/// hash type SINGLE|ANYONECANPAY allows the publisher to add this input.
fn fee_inputs(keys: &Keys) -> Result<Vec<Variant>, PlayError> {
    let internal = x_only(&keys.joint);
    let funding = TapOutput::new(internal, vec![])?;
    let owner = taproot_keypair(&keys.joint, None)?;
    let fees = taproot_keypair(&keys.fees, None)?;
    let coin = output(50_000, p2tr(&x_only(&fees)));
    let origin = source(&funding, CAPACITY, 0);
    let contested = p2tr(&x_only(&keys.peer));
    let funded = output(CAPACITY, funding.script_pubkey());

    let mut child_paid = transaction(
        3,
        0,
        vec![input(outpoint(&origin, 0), SEQUENCE_FREE)],
        vec![output(CAPACITY, contested.clone()), output(0, p2a())],
    );
    let digest = sign::key_path(&child_paid, std::slice::from_ref(&funded), 0, sign::DEFAULT)?;
    set_witness(&mut child_paid, 0, &[sign_schnorr(&owner, &digest)]);
    let step = Step { label: "commitment", tx: child_paid, prevouts: vec![funded.clone()] };
    let by_child = Variant {
        name: "commitment without OP_RETURN, paid by a child on its P2A",
        weight: step.weight() + 609,
        signatures: 1,
        relayed: is_relayed(&step),
        valid: judge(step)?,
        survives: None,
    };

    let mut variants = vec![by_child];
    // The second case is not relayed: a P2A output of 0 sat is dust, and a transaction with a dust output must not pay
    // a fee.
    for (name, anchor) in [
        ("commitment signed SINGLE|ANYONECANPAY, with a fee input and change", false),
        ("the same with a P2A of 0 sat", true),
    ] {
        let mut open = transaction(
            3,
            0,
            vec![input(outpoint(&origin, 0), SEQUENCE_FREE)],
            vec![output(CAPACITY, contested.clone())],
        );
        let prevouts = std::slice::from_ref(&funded);
        let digest = sign::key_path(&open, prevouts, 0, SINGLE_ANYONECANPAY)?;
        let signed = with_hash_type(sign_schnorr(&owner, &digest), SINGLE_ANYONECANPAY);
        // The publisher adds a fee input and a change output after the peer has signed.
        open.input.push(input(outpoint(&origin, 1), SEQUENCE_FREE));
        open.output.push(output(coin.value.to_sat() - 500, coin.script_pubkey.clone()));
        open.output.extend(anchor.then(|| output(0, p2a())));
        set_witness(&mut open, 0, &[signed]);
        let prevouts = vec![funded.clone(), coin.clone()];
        let digest = sign::key_path(&open, &prevouts, 1, sign::DEFAULT)?;
        set_witness(&mut open, 1, &[sign_schnorr(&fees, &digest)]);
        let step = Step { label: "commitment", tx: open, prevouts };
        variants.push(Variant {
            name,
            weight: step.weight(),
            signatures: 1,
            relayed: is_relayed(&step),
            valid: judge(step)?,
            survives: None,
        });
    }
    Ok(variants)
}

/// How the second-stage transaction of an HTLC is enforced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    Presigned,
    AnyPrevOut,
    Template,
}

/// Measures ways to fix the transaction that claims an HTLC with its preimage. Each transaction is signed for one
/// parent and then tried on a parent with another txid.
fn second_stages(keys: &Keys) -> Result<Vec<Variant>, PlayError> {
    let mut variants = Vec::new();
    for (name, second, signatures) in [
        ("second stage, presigned", Second::Presigned, 1),
        ("second stage, signed ALL|ANYPREVOUT", Second::AnyPrevOut, 1),
        ("second stage, by template", Second::Template, 0),
    ] {
        let stage = transaction(
            3,
            0,
            vec![input(bitcoin::OutPoint::null(), SEQUENCE_FREE)],
            vec![output(100_000, p2tr(&x_only(&keys.peer))), output(0, p2a())],
        );
        let recipient = x_only(&keys.peer);
        let hash = crate::tx::hash160(&PREIMAGE);
        let joint_key = x_only(&keys.joint);
        let leaf = match second {
            Second::Presigned => leaves::htlc_success_presigned(&joint_key, &recipient, &hash),
            Second::AnyPrevOut => leaves::htlc_success_anyprevout(&joint_key, &recipient, &hash),
            Second::Template => {
                leaves::htlc_success_template(&recipient, &hash, &sign::check_template(&stage)?)
            }
        };
        let htlc = TapOutput::new(x_only(&keys.joint), vec![(0, Leaf::Script(leaf.clone()))])?;
        let mut joint: Option<Vec<u8>> = None;
        let mut verdicts = Vec::new();
        let (mut weighed, mut relayed) = (0, false);
        // The same transaction spends two different parents, one after the other.
        for lock_time in [0, 1] {
            let mut tx = stage.clone();
            if let Some(first) = tx.input.first_mut() {
                first.previous_output = outpoint(&source(&htlc, 100_000, lock_time), 0);
            }
            let prevouts = vec![output(100_000, htlc.script_pubkey())];
            let (kind, bip118) = match second {
                Second::AnyPrevOut => (ALL_ANYPREVOUT, true),
                _ => (sign::DEFAULT, false),
            };
            let digest = sign::script_path(&tx, &prevouts, 0, &leaf, kind, bip118, None)?;
            let signed =
                joint.get_or_insert_with(|| with_hash_type(sign_schnorr(&keys.joint, &digest), kind));
            let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
            let own = sign_schnorr(&keys.peer, &digest).to_vec();
            let stack = match second {
                Second::Template => vec![own, PREIMAGE.to_vec()],
                _ => vec![PREIMAGE.to_vec(), own, signed.clone()],
            };
            set_witness(&mut tx, 0, &htlc.witness(&leaf, stack)?);
            weighed = weight(&tx);
            let step = Step { label: "second stage", tx, prevouts };
            relayed = is_relayed(&step);
            verdicts.push(judge(step)?);
        }
        variants.push(Variant {
            name,
            weight: weighed,
            signatures,
            relayed,
            valid: verdicts.first() == Some(&true),
            survives: Some(verdicts.last() == Some(&true)),
        });
    }
    Ok(variants)
}

/// Measures two kinds of the taproot leaf with which a watchtower punishes an old state. In one, the client gives a
/// key to its watchtowers. In the other, the leaf has the watchtower's own key, and the reward is paid to the
/// watchtower.
fn towers(keys: &Keys) -> Result<Vec<Variant>, PlayError> {
    let (state, newest) = (0x0080_0000, 0x0080_0001);
    let number_key = x_only(&keys.number);
    let evidence =
        [sign_schnorr(&keys.number, &leaves::number_bytes(newest)).to_vec(), leaves::number_bytes(newest)];
    let bonus = 5_000;
    let pays = |bonus_to| {
        let outs = vec![output(CAPACITY - bonus, p2tr(&x_only(&keys.peer))), output(bonus, bonus_to)];
        transaction(3, 0, vec![input(bitcoin::OutPoint::null(), SEQUENCE_FREE)], outs)
    };
    let fixed = |tx: &Transaction| -> Result<Vec<u8>, PlayError> {
        Ok(leaves::template_ctv(&sign::check_template(tx)?))
    };
    let (plain, paid) = (pays(p2a()), pays(p2tr(&x_only(&keys.tower))));
    let leaves = [
        ("justice by a key that the client gives to its towers, the bonus in a P2A", plain),
        ("justice by the tower's key, the bonus to its script", paid),
    ];
    // The contested output has three leaves: a placeholder for the settlement leaf, the tower leaf, and the hash of a
    // contest leaf.
    let other = script(&[&Num(1)]);
    let mut variants = Vec::new();
    for (name, mut tx) in leaves {
        let leaf = leaves::tower(state, &number_key, &x_only(&keys.tower), &fixed(&tx)?);
        let tree = vec![
            (1, Leaf::Script(other.clone())),
            (2, Leaf::Script(leaf.clone())),
            (2, Leaf::Hidden([7; 32])),
        ];
        let out = TapOutput::new(x_only(&keys.joint), tree)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = outpoint(&source(&out, CAPACITY, 0), 0);
        }
        let prevouts = vec![output(CAPACITY, out.script_pubkey())];
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        let own = sign_schnorr(&keys.tower, &digest).to_vec();
        let stack = [vec![own], evidence.to_vec()].concat();
        set_witness(&mut tx, 0, &out.witness(&leaf, stack)?);
        let weighed = weight(&tx);
        let step = Step { label: "justice", tx, prevouts };
        let relayed = is_relayed(&step);
        let valid = judge(step)?;
        variants.push(Variant { name, weight: weighed, signatures: 0, valid, relayed, survives: None });
    }
    Ok(variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_valid_and_survive_as_they_say() {
        let variants = measure().unwrap();
        println!("{}", table(&variants).to_markdown());
        assert!(variants.iter().all(|variant| variant.valid));
        let survives: Vec<Option<bool>> = variants.iter().map(|variant| variant.survives).collect();
        assert_eq!(survives, [None, None, None, Some(false), Some(true), Some(true), None, None]);
        // A transaction with a fee input and a P2A output of 0 sat is not relayed.
        let relayed: Vec<bool> = variants.iter().map(|variant| variant.relayed).collect();
        assert_eq!(relayed, [true, true, false, true, true, true, true, true]);
        let weights: Vec<u64> = variants.iter().map(|variant| variant.weight).collect();
        assert_eq!(weights[..3], [496 + 609, 847, 847 + 52]);
    }
}
