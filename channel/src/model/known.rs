//! What the transactions of a channel can pay to, and what a party of it can sign with: the adversary's search and its checks read
//! this from a construction.

use bitcoin::{ScriptBuf, Transaction};
use secp256k1::SecretKey;

use super::{Construction, PartyKeys};
use crate::error::ChannelError;
use crate::keys::taproot_keypair;
use crate::taproot::TapOutput;
use crate::tx::p2wsh;

/// An output with everything that can spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A taproot output and its leaves.
    Tap(TapOutput),
    /// P2WSH and its script.
    Script(Vec<u8>),
}

impl Known {
    /// The script that pays to it.
    pub fn script_pubkey(&self) -> ScriptBuf {
        match self {
            Known::Tap(out) => out.script_pubkey(),
            Known::Script(script) => p2wsh(script),
        }
    }
}

/// What a party has in its hands beside signed transactions.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Its secret keys.
    pub keys: Vec<SecretKey>,
    /// Signatures of messages that are no transactions: key, message, signature.
    pub statements: Vec<([u8; 32], Vec<u8>, [u8; 64])>,
    /// Other values that witnesses need: numbers, random values, hashes.
    pub data: Vec<Vec<u8>>,
    /// Transactions that a leaf fixes and everyone can build, their first input left open.
    pub fixed: Vec<Transaction>,
}

impl Held {
    /// The keys of a party in every construction.
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

/// The HTLC outputs of all states.
pub(super) fn htlc_outputs(channel: &dyn Construction) -> Result<Vec<Known>, ChannelError> {
    let mut outputs = Vec::new();
    for number in 0..=channel.number() {
        for htlc in &channel.state(number)?.htlcs {
            outputs.push(Known::Tap(channel.setup().htlc_output(htlc)?));
        }
    }
    Ok(outputs)
}
