//! Signature checks put off until a few can be made one after the other.
//!
//! Between two checks of the curve a processor forgets much of the code of the one and of the other. Spends that check one
//! signature, and must have a good one, are verified in groups: every script runs as if its signature were good, and then the
//! signatures are checked. If all are, the scripts ran as they had to. If anything fails, the group's answers mean nothing,
//! and its inputs are verified again one by one.

use core::ops::Range;

use crate::all::InputError;
use crate::curve;
use crate::flags::Flags;
use crate::inspector::NoInspector;
use crate::instruction::is_push_only;
use crate::spend::Spend;
use crate::tx_host::TxHost;
use crate::verify::verify_input;

/// How many checks are put off at most. It bounds the memory, and the work that a failure makes vain.
pub(crate) const GROUP: usize = 64;

/// Verifies some inputs, each as [`Spend::verify`] does, and stops at the first that fails.
pub(crate) fn verify_group(
    spend: &Spend<'_>,
    mut inputs: Range<usize>,
    flags: Flags,
) -> Result<(), InputError> {
    while !inputs.is_empty() {
        let alike = inputs.clone().take(GROUP).take_while(|input| has_one_check(spend, *input)).count();
        let next = inputs.start + alike.max(1);
        let together = inputs.start..next;
        if alike < 2 || !holds_with_deferred_checks(spend, together.clone(), flags) {
            let verify = |input| spend.verify(input, flags).map_err(|error| InputError { input, error });
            together.into_iter().try_for_each(verify)?;
        }
        inputs.start = next;
    }
    Ok(())
}

/// Whether inputs are valid, by scripts that run before their signatures are checked.
fn holds_with_deferred_checks(spend: &Spend<'_>, mut inputs: Range<usize>, flags: Flags) -> bool {
    let mut deferred = Deferred::none();
    let mut script_holds = |input| {
        let Ok(signing) = spend.signing(input) else { return false };
        let host = TxHost { signing, deferred: Some(&mut deferred) };
        verify_input(host, flags, &mut NoInspector).is_ok()
    };
    flags.check().is_ok() && inputs.all(&mut script_holds) && deferred.all_hold()
}

/// Whether a spend checks one signature and is invalid without it: P2PKH, P2WPKH, the key path of P2TR. Others may try keys that
/// have not signed (CHECKMULTISIG), branch on the answer, or work hard for a spend that a bad signature ends at once.
fn has_one_check(spend: &Spend<'_>, input: usize) -> bool {
    let (Some(tx_input), Some(prevout)) = (spend.tx().input.get(input), spend.prevouts().get(input)) else {
        return false;
    };
    let script = &prevout.script_pubkey;
    let elements = tx_input.witness.len();
    (script.is_p2wpkh() && elements == 2)
        || (script.is_p2tr() && elements == 1)
        || (script.is_p2pkh() && is_push_only(tx_input.script_sig.as_bytes()))
}

/// Checks that were answered with yes and have yet to be made.
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
    fn none() -> Deferred {
        Deferred { checks: [const { None }; GROUP], count: 0 }
    }

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
    use bitcoin::{Amount, PublicKey, ScriptBuf, Transaction, TxIn, TxOut, Witness};
    use bitcoin::{absolute::LockTime, transaction::Version};

    use super::*;
    use crate::TaprootMessage;
    use crate::error::ScriptError;
    use crate::sighash::{Signing, legacy, segwit_v0, taproot};

    const ALL: u8 = 1;
    const TRUE: u8 = 0x51;
    const RETURN: u8 = 0x6a;

    /// An input between groups.
    const NO_CHECK: usize = GROUP + 3;

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

        /// P2WPKH, P2TR and P2PKH in turn, but for one that needs no signature.
        fn output(&self, input: usize) -> TxOut {
            let output_key = TweakedPublicKey::dangerous_assume_tweaked(self.keys.x_only_public_key().0);
            let script_pubkey = match input % 3 {
                _ if input == NO_CHECK => ScriptBuf::from(vec![TRUE]),
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
                _ if signing.input == NO_CHECK => {
                    signed.script_sig = ScriptBuf::from(if damage == 0 { vec![] } else { vec![RETURN] });
                }
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

    /// A transaction some of whose inputs are signed wrongly, and what it spends.
    fn spent(inputs: usize, damaged: &[usize]) -> (Transaction, Vec<TxOut>) {
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
        (tx, prevouts)
    }

    fn verdict(tx: &Transaction, prevouts: &[TxOut]) -> Result<(), InputError> {
        let spend = Spend::new(tx, prevouts).unwrap();
        let verdict = verify_group(&spend, 0..prevouts.len(), Flags::CONSENSUS);
        assert_eq!(spend.verify_all(Flags::CONSENSUS), verdict);
        verdict
    }

    #[test]
    fn every_signature_is_checked_and_the_first_wrong_one_reported() {
        for inputs in [0, 1, 2, 3, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP + 9] {
            let (tx, prevouts) = spent(inputs, &[]);
            assert_eq!(verdict(&tx, &prevouts), Ok(()));
            // Where groups and the transaction begin and end.
            let near_an_edge = |input: &usize| (input + 3) % GROUP < 6 || input + 3 > inputs;
            for damaged in (0..inputs).filter(near_an_edge) {
                let (tx, prevouts) = spent(inputs, &[damaged, inputs - 1]);
                let error = verdict(&tx, &prevouts).unwrap_err();
                let expected = match damaged % 3 {
                    _ if damaged == NO_CHECK => ScriptError::OpReturn,
                    1 => ScriptError::SchnorrSig,
                    _ => ScriptError::EvalFalse,
                };
                assert_eq!((error.input, error.error.script_error()), (damaged, Some(expected)));
            }
        }
    }

    /// A group that is good needs no second look, and one that is not has one.
    #[test]
    fn a_good_group_is_verified_once() {
        let holds = |damaged: &[usize]| {
            let (tx, prevouts) = spent(6, damaged);
            let spend = Spend::new(&tx, &prevouts).unwrap();
            holds_with_deferred_checks(&spend, 0..6, Flags::CONSENSUS)
        };
        assert!(holds(&[]));
        assert!((0..6).all(|damaged| !holds(&[damaged])));
    }

    /// A scriptSig may check a signature too, and go on when it does not hold: consensus only forbids it for P2SH.
    #[test]
    fn a_check_that_does_not_hold_need_not_be_an_error() {
        const CHECKSIG: u8 = 0xac;
        const DROP: u8 = 0x75;
        let (mut tx, prevouts) = spent(6, &[]);
        let (wrong, _) = spent(6, &[2]);
        for input in [2, 5] {
            let odd = [
                wrong.input[2].script_sig.as_bytes(),
                &[CHECKSIG, DROP],
                tx.input[input].script_sig.as_bytes(),
            ];
            tx.input[input].script_sig = ScriptBuf::from(odd.concat());
        }
        assert_eq!(verdict(&tx, &prevouts), Ok(()));
    }

    #[test]
    fn what_has_one_check() {
        let (tx, prevouts) = spent(NO_CHECK + 1, &[]);
        let kinds = |tx: &Transaction| -> Vec<bool> {
            let spend = Spend::new(tx, &prevouts).unwrap();
            (0..=NO_CHECK + 1).map(|input| has_one_check(&spend, input)).collect()
        };
        assert_eq!(kinds(&tx), (0..=NO_CHECK + 1).map(|input| input < NO_CHECK).collect::<Vec<_>>());
        let mut longer = tx.clone();
        longer.input[0].witness.push([1]);
        longer.input[1].witness.push([1]);
        longer.input[2].script_sig = ScriptBuf::from(vec![0x61]);
        assert_eq!(kinds(&longer)[..4], [false, false, false, true]);
    }

    #[test]
    fn a_group_puts_off_what_it_has_room_for() {
        let (signature, key, digest) = ([0; 64], [0; 32], [0; 32]);
        let mut deferred = Deferred::none();
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
