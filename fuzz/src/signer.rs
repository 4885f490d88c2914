//! Signs the input that a fuzz target verifies. The engine executes the script once with a host that accepts every
//! signature placeholder as a valid signature, and that records the signature hash for it. If this hash differs from
//! Core's, Core rejects the signature.

use sigstack_interpreter::sighash::{self, EcdsaMidstates, annex_hash};
use sigstack_interpreter::{
    Context, Flags, Host, NoInspector, Spend, Stack, TaprootMessage, Tapscript, TxView, run_script,
    verify_ecdsa, verify_schnorr,
};

use crate::keys;
use crate::recipe::Place;
use crate::spend::{Parts, Subject};
use crate::words::{placeholder, signature_element};

/// Replaces the signature placeholders in the stack by signatures.
pub(crate) fn sign(parts: &mut Parts, subject: &mut Subject, flags: Flags) {
    let signatures = {
        let Ok(spend) = Spend::new(&subject.tx, &subject.prevouts) else { return };
        let Ok(view) = spend.view(subject.index) else { return };
        let mut host = SigningHost { view, signatures: vec![] };
        run(parts, subject, flags, &mut host);
        host.signatures
    };
    for element in &mut parts.stack {
        let Some((number, hash_type)) = signature_element(element) else { continue };
        if let Some((_, signature)) = signatures.iter().find(|(nth, _)| *nth == number) {
            *element = [signature, hash_type].concat();
        }
    }
    parts.write(subject);
}

/// Executes the script of the input to verify, so that `host` makes the signatures. The result of the execution is
/// ignored.
fn run(parts: &Parts, subject: &Subject, flags: Flags, host: &mut SigningHost<'_>) {
    let annex_hash = parts.annex.as_ref().map(|annex| annex_hash(annex));
    let implied;
    let (script, context) = match parts.place {
        Place::Bare | Place::P2sh => (&parts.script, Context::Legacy),
        Place::P2wsh | Place::P2shP2wsh => (&parts.script, Context::WitnessV0),
        Place::P2wpkh | Place::P2shP2wpkh => {
            implied = parts.implied_script();
            (&implied, Context::WitnessV0)
        }
        Place::Tapscript => {
            let leaf_hash: &[u8; 32] = &bitcoin::hashes::Hash::to_byte_array(parts.leaf_hash());
            let size = subject.tx.input[subject.index].witness.size();
            let tapscript = Tapscript::new(*leaf_hash, parts.internal_key, annex_hash, size);
            (&parts.script, Context::Tapscript(tapscript))
        }
        Place::KeyPath => {
            let Some((number, hash_type)) = parts.stack.first().and_then(|first| signature_element(first))
            else {
                return;
            };
            let message = TaprootMessage { annex_hash, tapscript: None };
            let hash_type = hash_type.first().copied().unwrap_or_default();
            if let Some(digest) = host.taproot_digest(&message, hash_type) {
                host.answer(number, &parts.internal_key, |key| key.sign_schnorr(&digest).to_vec());
            }
            return;
        }
        Place::Program | Place::P2shProgram => return,
    };
    let mut stack = Stack::new();
    if parts.stack.iter().all(|element| stack.push(element).is_ok()) {
        let _ = run_script(&mut stack, script, context, flags, host, &mut NoInspector);
    }
}

/// A host that accepts signature placeholders as signatures of known keys, and makes the signatures that replace them.
struct SigningHost<'a> {
    view: TxView<'a>,
    /// Signatures that the host made. Each has the number of the placeholder that it replaces.
    signatures: Vec<(u8, Vec<u8>)>,
}

impl SigningHost<'_> {
    fn answer(&mut self, number: u8, public_key: &[u8], sign: impl Fn(&keys::Key) -> Vec<u8>) -> bool {
        let Some(key) = keys::known(public_key) else { return false };
        if self.signatures.iter().all(|(known, _)| *known != number) {
            self.signatures.push((number, sign(key)));
        }
        true
    }
}

impl Host for SigningHost<'_> {
    fn legacy_digest(&mut self, script_code: &[u8], hash_type: u8, _: &mut EcdsaMidstates) -> [u8; 32] {
        sighash::legacy::digest(&self.view, script_code, hash_type.into())
    }

    fn segwit_v0_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        _: &mut EcdsaMidstates,
    ) -> Option<[u8; 32]> {
        // Spent amounts are below 2^63.
        Some(sighash::segwit_v0::digest(&self.view, script_code, hash_type.into()))
    }

    fn taproot_digest(&mut self, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]> {
        sighash::taproot::digest(&self.view, message, hash_type)
    }

    fn verify_ecdsa(&mut self, signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool {
        match placeholder(signature) {
            Some(number) => self.answer(number, public_key, |key| key.sign_ecdsa(digest)),
            None => verify_ecdsa(signature, public_key, digest),
        }
    }

    fn verify_schnorr(&mut self, signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool {
        match placeholder(signature) {
            Some(number) => self.answer(number, public_key, |key| key.sign_schnorr(message).to_vec()),
            None => verify_schnorr(signature, public_key, message),
        }
    }

    fn view(&self) -> TxView<'_> {
        self.view
    }

    // Locks do not affect the signature hash. Locks that are not satisfied fail when the spend is verified.
    fn check_lock_time(&mut self, _: i64) -> bool {
        true
    }

    fn check_sequence(&mut self, _: i64) -> bool {
        true
    }
}
