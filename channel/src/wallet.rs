//! A wallet with a single key, whose coins (unspent outputs) pay the fees of channel transactions.

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};
use secp256k1::Keypair;

use crate::chain::Chain;
use crate::error::ChannelError;
use crate::keys::{Seed, sign_schnorr, taproot_keypair, x_only};
use crate::sign;
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2tr, set_witness, transaction};

/// A wallet with one taproot key. Its coins (unspent outputs) are spent on the key path.
#[derive(Clone, Debug)]
pub struct Wallet {
    keypair: Keypair,
    script: ScriptBuf,
}

impl Wallet {
    /// Creates a wallet whose key is derived from a seed.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
    pub fn new(seed: &Seed) -> Result<Wallet, ChannelError> {
        Wallet::of(&seed.keypair("wallet", &[])?)
    }

    /// Creates a wallet from the internal key of its taproot outputs. These outputs have no script tree.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
    pub fn of(internal: &Keypair) -> Result<Wallet, ChannelError> {
        let keypair = taproot_keypair(internal, None)?;
        Ok(Wallet { script: p2tr(&x_only(&keypair)), keypair })
    }

    /// Returns the scriptPubKey of all coins of this wallet.
    pub fn script_pubkey(&self) -> &ScriptBuf {
        &self.script
    }

    /// Creates a coin of this wallet on the simulated chain: a confirmed output without a transaction. Returns the
    /// outpoint and the output.
    pub fn mint(&self, chain: &mut Chain, sat: u64) -> (OutPoint, TxOut) {
        let out = output(sat, self.script.clone());
        (chain.mint(out.clone()), out)
    }

    /// Signs the input with index `input`, which spends a coin of this wallet.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Usage`] if the input does not exist, or if the number of prevouts is not the number of inputs.
    pub fn sign(&self, tx: &mut Transaction, prevouts: &[TxOut], input: usize) -> Result<(), ChannelError> {
        let digest = sign::key_path(tx, prevouts, input, sign::DEFAULT)?;
        set_witness(tx, input, &[sign_schnorr(&self.keypair, &digest)]);
        Ok(())
    }

    /// Returns a signed transaction that spends one coin of this wallet, pays `fee` satoshi, and returns the rest to
    /// the wallet.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the coin is smaller than the fee.
    pub fn spend(
        &self,
        version: i32,
        coin: &(OutPoint, TxOut),
        fee: u64,
    ) -> Result<Transaction, ChannelError> {
        let rest = coin.1.value.to_sat().checked_sub(fee);
        let rest = rest.ok_or_else(|| ChannelError::refused("the coin is smaller than the fee"))?;
        let inputs = vec![input(coin.0, SEQUENCE_FREE)];
        let mut tx = transaction(version, 0, inputs, vec![output(rest, self.script.clone())]);
        self.sign(&mut tx, std::slice::from_ref(&coin.1), 0)?;
        Ok(tx)
    }

    /// Returns a signed child transaction that pays the fee of its parent. The child spends the parent's P2A output
    /// and one coin of this wallet, pays `fee` satoshi, and returns the rest to the wallet.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the parent has no P2A output, or if the P2A output and the coin together are
    /// smaller than the fee.
    pub fn fee_child(
        &self,
        parent: &Transaction,
        coin: &(OutPoint, TxOut),
        fee: u64,
    ) -> Result<Transaction, ChannelError> {
        let p2a = crate::tx::p2a();
        let anchor = (0..).zip(&parent.output).find(|(_, out)| out.script_pubkey == p2a);
        let (vout, anchor) = anchor.ok_or_else(|| ChannelError::refused("the parent has no P2A"))?;
        let sum = coin.1.value.to_sat().saturating_add(anchor.value.to_sat());
        let rest =
            sum.checked_sub(fee).ok_or_else(|| ChannelError::refused("the coin is smaller than the fee"))?;
        let inputs = vec![input(outpoint(parent, vout), SEQUENCE_FREE), input(coin.0, SEQUENCE_FREE)];
        let mut tx = transaction(3, 0, inputs, vec![output(rest, self.script.clone())]);
        self.sign(&mut tx, &[anchor.clone(), coin.1.clone()], 1)?;
        Ok(tx)
    }
}
