//! Signature checks put off until a few can be made one after the other.
//!
//! Between two checks of the curve a processor forgets much of the code of the one and of the other. Inputs of one
//! signature each are verified in groups: every script runs as if its signature were good, and then the signatures are
//! checked. If all are, the scripts ran as they had to. If anything fails, the group's answers mean nothing, and the inputs
//! are verified again one by one.

use core::ops::Range;

use bitcoin::TxOut;

use crate::all::InputError;
use crate::curve;
use crate::flags::Flags;
use crate::inspector::NoInspector;
use crate::spend::Spend;
use crate::tx_host::TxHost;
use crate::verify::verify_input;

/// How many checks are put off at most; further ones are made at once. It bounds the memory, and the work that a failure
/// makes vain.
pub(crate) const GROUP: usize = 16;

/// Verifies some inputs, each as [`Spend::verify`] does.
pub(crate) fn verify_group(spend: &Spend<'_>, inputs: Range<usize>, flags: Flags) -> Result<(), InputError> {
    if inputs.len() > 1 && holds_with_deferred_checks(spend, inputs.clone(), flags) {
        return Ok(());
    }
    let verify = |input| spend.verify(input, flags).map_err(|error| InputError { input, error });
    inputs.into_iter().try_for_each(verify)
}

/// Whether inputs are valid, by scripts that run before their signatures are checked. It may say no of valid ones.
fn holds_with_deferred_checks(spend: &Spend<'_>, mut inputs: Range<usize>, flags: Flags) -> bool {
    let mut deferred = Deferred::default();
    let scripts_hold =
        flags.check().is_ok() && inputs.all(|input| script_holds(spend, input, flags, &mut deferred));
    scripts_hold && deferred.all_hold()
}

/// Whether an input is valid if the checks hold that it puts off.
fn script_holds(spend: &Spend<'_>, input: usize, flags: Flags, deferred: &mut Deferred) -> bool {
    let Ok(signing) = spend.signing(input) else { return false };
    let deferred = spend.prevouts().get(input).is_some_and(expects_no_false_check).then_some(deferred);
    verify_input(TxHost { signing, deferred }, flags, &mut NoInspector).is_ok()
}

/// Whether a valid spend of an output makes no check of a signature that does not hold, but for odd ones, which then are
/// verified twice. CHECKMULTISIG tries keys that have not signed; in tapscript a signature that does not hold makes the
/// spend invalid (BIP 342 "Rules for signature opcodes").
fn expects_no_false_check(prevout: &TxOut) -> bool {
    let script = &prevout.script_pubkey;
    script.is_p2pkh() || script.is_p2wpkh() || script.is_p2tr()
}

/// Checks that were answered with yes and have yet to be made.
#[derive(Default)]
pub(crate) struct Deferred {
    checks: [Option<Check>; GROUP],
    count: usize,
}

enum Check {
    Ecdsa { signature: Signature, public_key: [u8; 33], digest: [u8; 32] },
    Schnorr { signature: [u8; 64], public_key: [u8; 32], digest: [u8; 32] },
}

/// A DER signature without its hash type. Longer ones, which are rare and mostly invalid, are not put off.
struct Signature {
    bytes: [u8; 72],
    length: usize,
}

impl Deferred {
    /// Notes an ECDSA check. False if it has to be made at once.
    pub(crate) fn put_off_ecdsa(&mut self, signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool {
        let mut bytes = [0; 72];
        let (Some(start), Ok(public_key)) = (bytes.get_mut(..signature.len()), public_key.try_into()) else {
            return false;
        };
        start.copy_from_slice(signature);
        let signature = Signature { bytes, length: signature.len() };
        self.put_off(Check::Ecdsa { signature, public_key, digest: *digest })
    }

    /// Notes a check of BIP 340. False if it has to be made at once.
    pub(crate) fn put_off_schnorr(
        &mut self,
        signature: &[u8; 64],
        public_key: &[u8; 32],
        message: &[u8],
    ) -> bool {
        let Ok(digest) = message.try_into() else { return false };
        self.put_off(Check::Schnorr { signature: *signature, public_key: *public_key, digest })
    }

    fn put_off(&mut self, check: Check) -> bool {
        let Some(slot) = self.checks.get_mut(self.count) else { return false };
        *slot = Some(check);
        self.count += 1;
        true
    }

    /// Makes the checks. Whether all answers were right.
    pub(crate) fn all_hold(&self) -> bool {
        self.checks.iter().flatten().all(Check::holds)
    }
}

impl Check {
    fn holds(&self) -> bool {
        match self {
            Check::Ecdsa { signature: Signature { bytes, length }, public_key, digest } => {
                let signature = bytes.get(..*length).unwrap_or_default();
                curve::verify_ecdsa(signature, public_key, digest)
            }
            Check::Schnorr { signature, public_key, digest } => {
                curve::verify_schnorr(signature, public_key, digest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::key::{Keypair, Secp256k1, TweakedPublicKey};
    use bitcoin::secp256k1::{All, Message};
    use bitcoin::{Amount, PublicKey, ScriptBuf, Transaction, TxIn, Witness};
    use bitcoin::{absolute::LockTime, transaction::Version};

    use super::*;
    use crate::TaprootMessage;
    use crate::error::ScriptError;
    use crate::sighash::{Signing, legacy, segwit_v0, taproot};

    const ALL: u8 = 1;

    struct Signer {
        secp: Secp256k1<All>,
        keys: Keypair,
    }

    impl Signer {
        fn new() -> Signer {
            let secp = Secp256k1::new();
            let keys = Keypair::from_seckey_slice(&secp, &[7; 32]).unwrap();
            Signer { secp, keys }
        }

        fn key(&self) -> PublicKey {
            self.keys.public_key().into()
        }

        /// P2WPKH, P2TR and P2PKH in turn.
        fn output(&self, input: usize) -> TxOut {
            let output_key = TweakedPublicKey::dangerous_assume_tweaked(self.keys.x_only_public_key().0);
            let script_pubkey = match input % 3 {
                0 => ScriptBuf::new_p2wpkh(&self.key().wpubkey_hash().unwrap()),
                1 => ScriptBuf::new_p2tr_tweaked(output_key),
                _ => ScriptBuf::new_p2pkh(&self.key().pubkey_hash()),
            };
            TxOut { value: Amount::from_sat(1000), script_pubkey }
        }

        fn ecdsa(&self, digest: [u8; 32]) -> Vec<u8> {
            let signature = self.secp.sign_ecdsa(&Message::from_digest(digest), &self.keys.secret_key());
            [&signature.serialize_der(), [ALL].as_slice()].concat()
        }

        /// Spends an output, with a digest that is changed by `damage`.
        fn sign(&self, signing: &Signing<'_>, damage: u8) -> TxIn {
            let implied = ScriptBuf::new_p2pkh(&self.key().pubkey_hash());
            let damaged = |mut digest: [u8; 32]| {
                digest[31] ^= damage;
                digest
            };
            let mut signed = TxIn::default();
            match signing.input % 3 {
                0 => {
                    let digest = segwit_v0::digest(signing, implied.as_bytes(), ALL.into());
                    let signature = self.ecdsa(damaged(digest));
                    signed.witness = Witness::from_slice(&[signature, self.key().to_bytes()]);
                }
                1 => {
                    let message = TaprootMessage { annex_hash: None, tapscript: None };
                    let digest = damaged(taproot::digest(signing, &message, 0).unwrap());
                    let signature =
                        self.secp.sign_schnorr_no_aux_rand(&Message::from_digest(digest), &self.keys);
                    signed.witness = Witness::from_slice(&[signature.serialize()]);
                }
                _ => {
                    let digest = legacy::digest(signing, implied.as_bytes(), ALL.into());
                    let pushes = [self.ecdsa(damaged(digest)), self.key().to_bytes()];
                    let push =
                        |data: &Vec<u8>| [&[u8::try_from(data.len()).unwrap()], data.as_slice()].concat();
                    signed.script_sig = ScriptBuf::from(pushes.iter().flat_map(push).collect::<Vec<u8>>());
                }
            }
            signed
        }
    }

    /// The verdict on a transaction some of whose inputs are signed wrongly.
    fn verdict(inputs: usize, damaged: &[usize]) -> Result<(), InputError> {
        let signer = Signer::new();
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn::default(); inputs],
            output: vec![],
        };
        let prevouts: Vec<TxOut> = (0..inputs).map(|input| signer.output(input)).collect();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let sign = |input| signer.sign(&spend.signing(input).unwrap(), damaged.contains(&input).into());
        tx.input = (0..inputs).map(sign).collect();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let verdict = verify_group(&spend, 0..inputs, Flags::CONSENSUS);
        assert_eq!(spend.verify_all(Flags::CONSENSUS), verdict);
        verdict
    }

    #[test]
    fn every_signature_is_checked_and_the_first_wrong_one_reported() {
        for inputs in [1, 2, 3, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP + 3] {
            assert_eq!(verdict(inputs, &[]), Ok(()));
            for damaged in 0..inputs {
                let error = verdict(inputs, &[damaged, inputs - 1]).unwrap_err();
                // The standard rules want signatures that do not hold to be empty.
                let expected =
                    if damaged % 3 == 1 { ScriptError::SchnorrSig } else { ScriptError::EvalFalse };
                assert_eq!((error.input, error.error.script_error()), (damaged, Some(expected)));
            }
        }
    }

    #[test]
    fn a_group_puts_off_what_it_has_room_for() {
        let (signature, key, digest) = ([0; 64], [0; 32], [0; 32]);
        let mut deferred = Deferred::default();
        assert!(deferred.all_hold());
        // Messages of CHECKSIGFROMSTACK of other lengths, keys that are not compressed, and long signatures.
        assert!(!deferred.put_off_schnorr(&signature, &key, &[0; 31]));
        assert!(!deferred.put_off_ecdsa(&[0; 71], &[4; 65], &digest));
        assert!(!deferred.put_off_ecdsa(&[0; 73], &[2; 33], &digest));
        assert!(deferred.all_hold());
        for _ in 0..GROUP / 2 {
            assert!(deferred.put_off_schnorr(&signature, &key, &digest));
            assert!(deferred.put_off_ecdsa(&[0; 72], &[2; 33], &digest));
        }
        assert!(!deferred.put_off_schnorr(&signature, &key, &digest));
        assert!(!deferred.put_off_ecdsa(&[0; 72], &[2; 33], &digest));
        assert!(!deferred.all_hold());
    }
}
