//! The outputs that a channel's transactions can create, and the secrets and signatures of each party. The simulated
//! adversary searches among them for transactions that it can make.

use bitcoin::{ScriptBuf, Transaction};
use secp256k1::SecretKey;

use super::{Construction, PartyKeys};
use crate::error::ChannelError;
use crate::keys::taproot_keypair;
use crate::taproot::TapOutput;
use crate::tx::p2wsh;

/// An output that a channel's transactions can create, with the scripts that can spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A taproot output, with its leaf scripts.
    Tap(TapOutput),
    /// A P2WSH output, given by its witness script.
    Script(Vec<u8>),
}

impl Known {
    /// Returns the scriptPubKey of this output.
    pub fn script_pubkey(&self) -> ScriptBuf {
        match self {
            Known::Tap(out) => out.script_pubkey(),
            Known::Script(script) => p2wsh(script),
        }
    }
}

/// Secrets and data that a party has in addition to the signed transactions.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Secret keys that the party has.
    pub keys: Vec<SecretKey>,
    /// Signatures over messages that the party has apart from its signed transactions. Each entry contains the public
    /// key, the message and the signature.
    pub statements: Vec<([u8; 32], Vec<u8>, [u8; 64])>,
    /// Values that witnesses need in addition to keys and signatures, such as state numbers, random values and hashes.
    pub data: Vec<Vec<u8>>,
    /// Transactions that a template in a leaf script fixes, so that anyone can build them. The outpoint of their first
    /// input is not set.
    pub fixed: Vec<Transaction>,
}

impl Held {
    /// Returns the secret keys that a party has in every construction.
    pub(super) fn of(party: &PartyKeys) -> Result<Held, ChannelError> {
        let pairs = [
            &party.funding,
            &party.payout,
            &taproot_keypair(&party.payout, None)?,
            &party.htlc,
            &party.number,
            &party.penalty,
        ];
        let keys = pairs.iter().map(|pair| pair.secret_key()).collect();
        Ok(Held { keys, ..Held::default() })
    }
}

/// Returns the HTLC outputs of all states of a channel.
pub(super) fn htlc_outputs(channel: &dyn Construction) -> Result<Vec<Known>, ChannelError> {
    let mut outputs = Vec::new();
    for number in 0..=channel.number() {
        for htlc in &channel.state(number)?.htlcs {
            outputs.push(Known::Tap(channel.setup().htlc_output(htlc)?));
        }
    }
    Ok(outputs)
}
