//! Drafts: transactions with the data to sign them once their fee is known.

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::{Keypair, SecretKey};

use crate::bolt3::{SIGHASH_ALL, sign_segwit_v0};
use crate::error::ChannelError;
use crate::keys::sign_schnorr;
use crate::sign;
use crate::step::Step;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, output, set_witness, weight};
use crate::wallet::Wallet;

/// Maximum size in bytes of an ECDSA signature with low s, including its hash type.
const ECDSA_SIZE: usize = 72;

/// A secret key that signs an input, and the script that will verify the signature.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A key pair and the tapscript that verifies its signature. The sighash type is SIGHASH_DEFAULT.
    Leaf(Keypair, Vec<u8>),
    /// A secret key and the P2WSH witness script that verifies its signature. The sighash type is SIGHASH_ALL.
    WitnessScript(SecretKey, Vec<u8>),
}

/// The witness of one input of a transaction that is not signed yet. One witness element may be a signature that is
/// made once the fee is known.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// Witness elements, bottom of the stack first. If a signature is made later, its element is still empty.
    witness: Vec<Vec<u8>>,
    /// The key that signs the input once the fee is known, and the index of the signature in the witness. `None` if the
    /// witness is already complete.
    signer: Option<(Signer, usize)>,
}

impl Unlock {
    /// Creates the data for the witness of an input from a complete witness. This witness must remain valid when the
    /// fee changes.
    pub fn complete(witness: Vec<Vec<u8>>) -> Unlock {
        Unlock { witness, signer: None }
    }

    /// Creates the data for the witness of an input from a witness without its signature. The signature of `signer`
    /// will replace the element with index `place`.
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

    /// Returns the witness with a signature of maximum size, to estimate the weight of the transaction.
    fn largest(&self) -> Vec<Vec<u8>> {
        let size = match self.signer {
            Some((Signer::Leaf(..), _)) => 64,
            _ => ECDSA_SIZE,
        };
        self.with(Some(vec![0; size]))
    }
}

/// A transaction with the data to sign it. If its first output pays the fee, the fee is subtracted before the
/// transaction is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Short description of the transaction.
    pub label: &'static str,
    /// The transaction, not signed yet. The fee is not yet subtracted from its first output.
    pub tx: Transaction,
    /// Outputs that the transaction spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// Data for the witness of each input, in input order.
    pub unlocks: Vec<Unlock>,
}

impl Draft {
    /// Creates a draft from a transaction that is already signed, and whose witnesses remain as they are.
    pub fn of(step: Step) -> Draft {
        let unlocks = step.tx.input.iter().map(|input| Unlock::complete(input.witness.to_vec())).collect();
        Draft { label: step.label, tx: step.tx, prevouts: step.prevouts, unlocks }
    }

    /// Returns the weight of the transaction in weight units, with signatures of maximum size.
    pub fn weight(&self) -> u64 {
        let mut tx = self.tx.clone();
        for (nth, unlock) in self.unlocks.iter().enumerate() {
            set_witness(&mut tx, nth, &unlock.largest());
        }
        weight(&tx)
    }

    /// Returns the weight that the transaction has after an input from the wallet and a change output are added, in
    /// weight units.
    pub fn funded_weight(&self) -> u64 {
        let mut with_coin = self.clone();
        with_coin.tx.input.push(input(OutPoint::null(), SEQUENCE_FREE));
        with_coin.tx.output.push(output(0, crate::tx::p2tr(&[0; 32])));
        with_coin.unlocks.push(Unlock::complete(vec![vec![0; 64]]));
        with_coin.weight()
    }

    /// Returns the maximum fee in satoshi that can be subtracted from the first output without making it dust.
    pub fn spare(&self) -> u64 {
        self.tx.output.first().map_or(0, |out| out.value.to_sat().saturating_sub(P2TR_DUST_LIMIT))
    }

    /// Returns the fee in satoshi that the transaction pays if nothing is subtracted from its first output.
    pub fn fee(&self) -> u64 {
        let paid = self.prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        paid.saturating_sub(crate::tx::output_sum(&self.tx))
    }

    /// Subtracts `fee` satoshi from the first output of the transaction and signs it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the first output would be dust.
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

    /// Subtracts a fee from the first output so that the transaction pays the feerate `rate` in sat/vB, and signs it.
    /// If the first output cannot pay this feerate, the fee is the highest that it can pay.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the transaction cannot be signed.
    pub fn at(&self, rate: u64) -> Result<Step, ChannelError> {
        self.step(self.weight().div_ceil(4).saturating_mul(rate).min(self.spare()))
    }

    /// Adds an unspent output of the wallet as an input, adds a change output, and signs the transaction. `fee` is the
    /// total fee in satoshi.
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
