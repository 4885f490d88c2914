//! Transactions that are signed once their fee is known.

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::{Keypair, SecretKey};

use crate::bolt3::{SIGHASH_ALL, sign_segwit_v0};
use crate::error::ChannelError;
use crate::keys::sign_schnorr;
use crate::model::Step;
use crate::sign;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, output, set_witness, weight};
use crate::wallet::Wallet;

/// Bytes of an ECDSA signature with its hash type, at most: s is low.
const ECDSA_SIZE: usize = 72;

/// A key and the script that checks its signature.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A tapscript, signed with SIGHASH_DEFAULT.
    Leaf(Keypair, Vec<u8>),
    /// A P2WSH script, signed with SIGHASH_ALL.
    WitnessScript(SecretKey, Vec<u8>),
}

/// How an input of a draft is unlocked.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// The witness; the element that the signature replaces is empty.
    witness: Vec<Vec<u8>>,
    /// Who signs, and the place of the signature in the witness; none if the witness is complete.
    signer: Option<(Signer, usize)>,
}

impl Unlock {
    /// A complete witness. Nothing in it depends on what the draft leaves open.
    pub fn complete(witness: Vec<Vec<u8>>) -> Unlock {
        Unlock { witness, signer: None }
    }

    /// A witness with a signature at this place.
    pub fn signed(signer: Signer, witness: Vec<Vec<u8>>, place: usize) -> Unlock {
        Unlock { witness, signer: Some((signer, place)) }
    }

    fn with(&self, signature: Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut witness = self.witness.clone();
        if let (Some((_, place)), Some(signature)) = (&self.signer, signature)
            && let Some(element) = witness.get_mut(*place)
        {
            *element = signature;
        }
        witness
    }

    fn sign(&self, tx: &Transaction, prevouts: &[TxOut], nth: usize) -> Result<Vec<Vec<u8>>, ChannelError> {
        let signature = match &self.signer {
            None => None,
            Some((Signer::Leaf(key, leaf), _)) => {
                let digest = sign::script_path(tx, prevouts, nth, leaf, sign::DEFAULT, false, None)?;
                Some(sign_schnorr(key, &digest).to_vec())
            }
            Some((Signer::WitnessScript(key, script), _)) => {
                Some(sign_segwit_v0(tx, prevouts, nth, script, key, SIGHASH_ALL)?)
            }
        };
        Ok(self.with(signature))
    }

    /// A witness of the largest size.
    fn largest(&self) -> Vec<Vec<u8>> {
        let size = match self.signer {
            Some((Signer::Leaf(..), _)) => 64,
            _ => ECDSA_SIZE,
        };
        self.with(Some(vec![0; size]))
    }
}

/// A transaction without its signatures. Its first output is what is left after the fee.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it is.
    pub label: &'static str,
    /// The transaction. The first output has the amount before the fee.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// How each input is unlocked.
    pub unlocks: Vec<Unlock>,
}

impl Draft {
    /// The draft of a transaction that is complete.
    pub fn of(step: Step) -> Draft {
        let unlocks = step.tx.input.iter().map(|input| Unlock::complete(input.witness.to_vec())).collect();
        Draft { label: step.label, tx: step.tx, prevouts: step.prevouts, unlocks }
    }

    /// Weight units, with signatures of the largest size.
    pub fn weight(&self) -> u64 {
        let mut tx = self.tx.clone();
        for (nth, unlock) in self.unlocks.iter().enumerate() {
            set_witness(&mut tx, nth, &unlock.largest());
        }
        weight(&tx)
    }

    /// Weight units with a coin of a wallet and its change.
    pub fn funded_weight(&self) -> u64 {
        let mut with_coin = self.clone();
        with_coin.tx.input.push(input(OutPoint::null(), SEQUENCE_FREE));
        with_coin.tx.output.push(output(0, crate::tx::p2tr(&[0; 32])));
        with_coin.unlocks.push(Unlock::complete(vec![vec![0; 64]]));
        with_coin.weight()
    }

    /// Maximum fee that the first output can pay: it stays above its dust limit.
    pub fn spare(&self) -> u64 {
        self.tx.output.first().map_or(0, |out| out.value.to_sat().saturating_sub(P2TR_DUST_LIMIT))
    }

    /// Satoshi that the transaction pays before anything is taken from its first output.
    pub fn fee(&self) -> u64 {
        let paid = self.prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        paid.saturating_sub(crate::tx::output_sum(&self.tx))
    }

    /// The signed transaction, with so many satoshi less in its first output.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the output would be dust.
    pub fn step(&self, fee: u64) -> Result<Step, ChannelError> {
        if fee > 0 && fee > self.spare() {
            return Err(ChannelError::refused("the first output cannot pay this fee"));
        }
        let mut tx = self.tx.clone();
        if let Some(first) = tx.output.first_mut() {
            first.value = bitcoin::Amount::from_sat(first.value.to_sat().saturating_sub(fee));
        }
        self.sign(tx, self.prevouts.clone())
    }

    /// The signed transaction at this feerate in sat/vB, or at the highest that its first output can pay.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if it cannot be signed.
    pub fn at(&self, rate: u64) -> Result<Step, ChannelError> {
        self.step(self.weight().div_ceil(4).saturating_mul(rate).min(self.spare()))
    }

    /// The signed transaction, with a coin of a wallet that pays what this fee lacks and takes the rest back.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the change would be dust.
    pub fn funded(&self, wallet: &Wallet, coin: &(OutPoint, TxOut), fee: u64) -> Result<Step, ChannelError> {
        let paid = coin.1.value.to_sat().saturating_add(self.fee());
        let change = paid.saturating_sub(fee);
        if change < P2TR_DUST_LIMIT {
            return Err(ChannelError::refused("the coin cannot pay this fee"));
        }
        let (mut tx, mut prevouts) = (self.tx.clone(), self.prevouts.clone());
        let last = tx.input.len();
        tx.input.push(input(coin.0, SEQUENCE_FREE));
        tx.output.push(output(change, wallet.script_pubkey().clone()));
        prevouts.push(coin.1.clone());
        let mut step = self.sign(tx, prevouts)?;
        wallet.sign(&mut step.tx, &step.prevouts, last)?;
        Ok(step)
    }

    fn sign(&self, mut tx: Transaction, prevouts: Vec<TxOut>) -> Result<Step, ChannelError> {
        for (nth, unlock) in self.unlocks.iter().enumerate() {
            let witness = unlock.sign(&tx, &prevouts, nth)?;
            set_witness(&mut tx, nth, &witness);
        }
        Ok(Step { label: self.label, tx, prevouts })
    }
}
