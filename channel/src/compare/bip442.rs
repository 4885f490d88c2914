//! Reproduces the table "Cost comparison" of BIP 442 from serialized transactions.
//!
//! The BIP does not say how its weights were computed. These assumptions reproduce them:
//!
//! - LN-Symmetry without anchors.
//! - State outputs with the single leaf `IF update ELSE settle ENDIF`.
//! - A settlement that pays two taproot outputs.
//! - The settlement's hash in the annex, in an OP_RETURN output or in the witness of the update.
//!
//! Each transaction is signed and verified.

use bitcoin::{OutPoint, Transaction, TxOut, Txid, hashes::Hash as _};
use sigstack_interpreter::{Flags, Opcode as O, Spend};

use crate::chain::Reject;
use crate::error::ChannelError;
use crate::keys::{Seed, generator_keypair, sign_schnorr, x_only};
use crate::leaves::{self, NUMBER_BASE};
use crate::model::PlayError;
use crate::script::script;
use crate::sign::{self, ALL_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, op_return, outpoint, output, p2tr, set_witness, transaction, weight};

/// A row of the table "Cost comparison" of BIP 442. Its weights are either those that the BIP publishes or those that
/// [`measure_bip442`] measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bip442Row {
    /// Name of the method in the BIP.
    pub method: &'static str,
    /// Column "Force close" of the table: weight of the update transaction that spends the funding output, plus
    /// weight of the settlement. In weight units.
    pub force_close: u64,
    /// Column "Contest" of the table: weight of an update transaction that spends the output of an older state. In
    /// weight units.
    pub contest: u64,
}

/// The table "Cost comparison" as published in BIP 442. Weights are in weight units.
pub const BIP_442: [Bip442Row; 7] = [
    Bip442Row { method: "APO-Annex", force_close: 1221, contest: 627 },
    Bip442Row { method: "APO-Return", force_close: 1359, contest: 765 },
    Bip442Row { method: "CTV+CSFS", force_close: 1394, contest: 765 },
    Bip442Row { method: "CTV+CSFS+IKEY", force_close: 1328, contest: 732 },
    Bip442Row { method: "CTV+CSFS+IKEY+PC", force_close: 1191, contest: 594 },
    Bip442Row { method: "THIKCS-Annex", force_close: 1160, contest: 563 },
    Bip442Row { method: "THIKCS-Return", force_close: 1329, contest: 733 },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bind {
    Apo,
    Ctv,
    CtvIkey,
    Pc,
    Th,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Publish {
    Annex,
    Return,
    Witness,
}

struct Method {
    bind: Bind,
    publish: Publish,
    key: [u8; 32],
    signer: secp256k1::Keypair,
}

const CAPACITY: u64 = 1_000_000;

impl Method {
    fn flags(&self) -> Flags {
        Flags::CONSENSUS
            | match self.bind {
                Bind::Apo => Flags::ANYPREVOUT,
                Bind::Ctv => Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY,
                Bind::CtvIkey => Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY | Flags::INTERNALKEY,
                Bind::Pc => {
                    Flags::CHECKSIGFROMSTACK
                        | Flags::CHECKTEMPLATEVERIFY
                        | Flags::INTERNALKEY
                        | Flags::PAIRCOMMIT
                }
                Bind::Th => Flags::CHECKSIGFROMSTACK | Flags::TEMPLATEHASH | Flags::INTERNALKEY,
            }
    }

    fn update_script(&self, state: u32) -> Vec<u8> {
        match self.bind {
            Bind::Apo => leaves::update_apo(Some(state)),
            Bind::Ctv => leaves::update_ctv(&self.key, Some(state)),
            Bind::CtvIkey => leaves::update_ctv_internal_key(Some(state)),
            Bind::Pc => leaves::update_pair_commit(Some(state)),
            Bind::Th => leaves::update_templatehash(Some(state)),
        }
    }

    fn settlement(&self) -> Transaction {
        let outs = vec![output(600_000, p2tr(&self.key)), output(CAPACITY - 600_000, p2tr(&self.key))];
        transaction(2, 0, vec![input(OutPoint::null(), 144)], outs)
    }

    fn settle_script(&self) -> Result<Vec<u8>, ChannelError> {
        let tx = self.settlement();
        Ok(match self.bind {
            Bind::Apo => {
                let generator = generator_keypair()?;
                let nothing = [output(0, bitcoin::ScriptBuf::new())];
                let digest = sign::script_path(&tx, &nothing, 0, &[], ALL_ANYPREVOUTANYSCRIPT, true, None)?;
                let signature = with_hash_type(sign_schnorr(&generator, &digest), ALL_ANYPREVOUTANYSCRIPT);
                leaves::template_signature(&signature, &x_only(&generator))
            }
            Bind::Th => leaves::template_templatehash(&sign::template_hash(&tx, None)?),
            _ => leaves::template_ctv(&sign::check_template(&tx)?),
        })
    }

    fn state_leaf(&self, state: u32) -> Result<Vec<u8>, ChannelError> {
        let update = self.update_script(state + 1);
        let settle = self.settle_script()?;
        let branch = |op: O| script(&[&op]);
        Ok([branch(O::OP_IF), update, branch(O::OP_ELSE), settle, branch(O::OP_ENDIF)].concat())
    }

    fn output_of(&self, leaf: &[u8]) -> Result<TapOutput, ChannelError> {
        TapOutput::new(self.key, vec![(0, Leaf::Script(leaf.to_vec()))])
    }

    /// Builds the update transaction to `state`, which spends the output `spent` (outpoint and leaf).
    /// `selector` contains the witness elements that select the update branch of this leaf. Returns the
    /// transaction and the spent output.
    fn update(
        &self,
        state: u32,
        spent: (OutPoint, &[u8]),
        selector: &[Vec<u8>],
    ) -> Result<(Transaction, TxOut), ChannelError> {
        let next = self.output_of(&self.state_leaf(state)?)?;
        let mut outs = vec![output(CAPACITY, next.script_pubkey())];
        let settle = self.settlement();
        let published = match self.bind {
            Bind::Th => sign::template_hash(&settle, None)?,
            _ => sign::check_template(&settle)?,
        };
        if self.publish == Publish::Return {
            outs.push(output(0, op_return(&published)));
        }
        let mut tx = transaction(2, NUMBER_BASE + state, vec![input(spent.0, SEQUENCE_FREE)], outs);
        let annex = (self.publish == Publish::Annex).then(|| [&[0x50][..], &published].concat());
        let from = self.output_of(spent.1)?;
        let prevout = output(CAPACITY, from.script_pubkey());
        let csfs = |message: &[u8]| sign_schnorr(&self.signer, message).to_vec();
        let mut stack = match self.bind {
            Bind::Apo => {
                let prevouts = std::slice::from_ref(&prevout);
                let kind = ALL_ANYPREVOUTANYSCRIPT;
                let digest = sign::script_path(&tx, prevouts, 0, &[], kind, true, annex.as_deref())?;
                vec![with_hash_type(sign_schnorr(&self.signer, &digest), kind)]
            }
            Bind::Ctv | Bind::CtvIkey => {
                let template = sign::check_template(&tx)?;
                vec![csfs(&template), template.to_vec()]
            }
            Bind::Pc => {
                let template = sign::check_template(&tx)?;
                let signature = csfs(&leaves::pair_commit(&published, &template));
                vec![signature, published.to_vec(), template.to_vec()]
            }
            Bind::Th => vec![csfs(&sign::template_hash(&tx, annex.as_deref())?)],
        };
        stack.extend_from_slice(selector);
        let mut witness = from.witness(spent.1, stack)?;
        witness.extend(annex);
        set_witness(&mut tx, 0, &witness);
        Ok((tx, prevout))
    }

    fn verify(&self, label: &'static str, tx: &Transaction, prevout: &TxOut) -> Result<u64, PlayError> {
        let prevouts = std::slice::from_ref(prevout);
        let spend = Spend::new(tx, prevouts).map_err(ChannelError::from)?;
        let reject = |error| PlayError::Chain { label, reject: Reject::Script(error) };
        spend.verify(self.flags()).map_err(reject)?;
        Ok(weight(tx))
    }

    fn measure(&self, method: &'static str) -> Result<Bip442Row, PlayError> {
        let channel = self.update_script(0);
        let funding = OutPoint { txid: Txid::all_zeros(), vout: 0 };
        let (update, prevout) = self.update(1, (funding, &channel), &[])?;
        let first = self.verify("update", &update, &prevout)?;

        let leaf = self.state_leaf(1)?;
        let (contest, prevout) = self.update(2, (outpoint(&update, 0), &leaf), &[vec![1]])?;
        let contested = self.verify("contest", &contest, &prevout)?;

        let mut settle = self.settlement();
        if let Some(first) = settle.input.first_mut() {
            first.previous_output = outpoint(&update, 0);
        }
        let out = self.output_of(&leaf)?;
        set_witness(&mut settle, 0, &out.witness(&leaf, vec![vec![]])?);
        let settled = self.verify("settlement", &settle, &prevout)?;
        Ok(Bip442Row { method, force_close: first + settled, contest: contested })
    }
}

/// Builds and verifies the transactions of each row of the table "Cost comparison" of BIP 442, and returns the
/// measured weights.
///
/// # Errors
///
/// [`PlayError`] if the interpreter rejects a transaction.
pub fn measure_bip442() -> Result<Vec<Bip442Row>, PlayError> {
    let signer = Seed::from_name("bip 442").keypair("internal", &[])?;
    // CSFS and BIP 118 verify signatures with x-only keys, so the parity of the signer's public key does not
    // matter.
    let key = x_only(&signer);
    let methods = [
        (Bind::Apo, Publish::Annex),
        (Bind::Apo, Publish::Return),
        (Bind::Ctv, Publish::Return),
        (Bind::CtvIkey, Publish::Return),
        (Bind::Pc, Publish::Witness),
        (Bind::Th, Publish::Annex),
        (Bind::Th, Publish::Return),
    ];
    let rows = methods.into_iter().zip(BIP_442);
    rows.map(|((bind, publish), row)| Method { bind, publish, key, signer }.measure(row.method)).collect()
}
