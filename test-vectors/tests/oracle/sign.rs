//! Recomputes the signatures of mutants, so that their verification gets past the signature checks.
//!
//! First the keys of an input are replaced by keys with known secrets. Then the engine reports the message of each failed
//! signature check, and that message is signed. If the engine computes another digest than Core, Core rejects the
//! signature.

use bitcoin::ScriptBuf;
use bitcoin::Witness;
use bitcoin::hashes::{Hash, hash160};
use bitcoin::key::Keypair;
use bitcoin::secp256k1::{All, Message, Secp256k1};
use sigstack_interpreter::{Event, Flags, Inspector, SignatureCheck, SignedMessage, Spend};
use sigstack_vectors::InputQuestion;

use crate::oracle::edit::split;
use crate::oracle::layout::{Layout, Place, push};
use crate::random::Random;

/// Signer with keys whose secrets are known.
pub(crate) struct Signer {
    secp: Secp256k1<All>,
    keys: Vec<Keypair>,
}

/// Secret keys of the signer. Each consists of 32 equal bytes, whose value is listed here.
const SECRETS: [u8; 4] = [0x21, 0x43, 0x65, 0x87];

/// Maximum number of signatures that are recomputed in one input.
const MAX_SIGNATURES: usize = 6;

/// Inspector that records the first failed signature check of a verification.
#[derive(Default)]
struct FirstFailure {
    check: Option<SignatureCheck>,
}

impl Inspector for FirstFailure {
    fn event(&mut self, event: &Event) {
        if let (None, Event::Signature(check)) = (&self.check, event)
            && !check.valid
        {
            self.check = Some(check.clone());
        }
    }
}

impl Signer {
    pub(crate) fn new() -> Signer {
        let secp = Secp256k1::new();
        let keys = SECRETS.map(|secret| Keypair::from_seckey_slice(&secp, &[secret; 32]).unwrap());
        Signer { secp, keys: keys.to_vec() }
    }

    /// Returns a key with a known secret, in the same encoding as `key`. Returns `None` if `key` has none of the
    /// encodings of a key. A 32-byte element counts as a key only if `x_only` is set.
    fn known(&self, key: &[u8], x_only: bool, random: &mut Random) -> Option<Vec<u8>> {
        let known = random.pick(&self.keys);
        match key {
            [2 | 3, rest @ ..] if rest.len() == 32 => Some(known.public_key().serialize().to_vec()),
            [4, rest @ ..] if rest.len() == 64 => Some(known.public_key().serialize_uncompressed().to_vec()),
            [1, rest @ ..] if rest.len() == 32 => {
                Some([&[1], known.x_only_public_key().0.serialize().as_slice()].concat())
            }
            _ if key.len() == 32 && x_only => Some(known.x_only_public_key().0.serialize().to_vec()),
            _ => None,
        }
    }

    /// Replaces the public keys of an input, and the hashes of these keys, by keys with known secrets. Then recomputes
    /// the signatures of the input.
    pub(crate) fn sign(&self, question: &mut InputQuestion, flags: Flags, random: &mut Random) {
        match Layout::read(question) {
            Some(mut layout) => {
                self.replace_keys(&mut layout, random);
                layout.write(question);
            }
            None => self.replace_output_key(question, random),
        }
        for _ in 0..MAX_SIGNATURES {
            let mut failure = FirstFailure::default();
            let spend = Spend::new(&question.tx, &question.prevouts).unwrap();
            let _ = spend.verify_input_with(question.index, flags, &mut failure);
            let Some(check) = failure.check else { return };
            let Some(signature) = self.answer(&check) else { return };
            replace_signature(question, &check.signature, &signature);
        }
    }

    fn replace_keys(&self, layout: &mut Layout, random: &mut Random) {
        let x_only = layout.place == Place::Tapscript;
        if x_only && random.once_in(2) {
            layout.leaf.internal_key = random.pick(&self.keys).x_only_public_key().0.serialize();
        }
        let mut parts = split(&layout.script);
        let mut replaced: Vec<(Vec<u8>, Vec<u8>)> = vec![];
        // Returns the data of a push of less than 76 bytes. Keys and hashes are not longer.
        let data = |part: &Vec<u8>| {
            part.get(1..).filter(|data| data.len() == usize::from(part[0])).map(<[u8]>::to_vec)
        };
        let in_script = parts.iter().filter_map(data).map(|data| (data, x_only));
        let in_stack = layout.stack.iter().map(|element| (element.clone(), false));
        for (key, x_only) in in_script.chain(in_stack) {
            if replaced.iter().any(|(old, _)| *old == key) {
                continue;
            }
            if let Some(known) = self.known(&key, x_only, random) {
                let hash = |key: &[u8]| hash160::Hash::hash(key).to_byte_array().to_vec();
                replaced.push((hash(&key), hash(&known)));
                replaced.push((key, known));
            }
        }
        for (old, new) in &replaced {
            parts
                .iter_mut()
                .filter(|part| data(part).as_ref() == Some(old))
                .for_each(|part| *part = push(new));
            layout
                .stack
                .iter_mut()
                .filter(|element| *element == old)
                .for_each(|element| element.clone_from(new));
        }
        layout.script = parts.concat();
    }

    /// Replaces the output key of a taproot output by a key whose secret is known. Other outputs are not changed.
    fn replace_output_key(&self, question: &mut InputQuestion, random: &mut Random) {
        let output = &mut question.prevouts[question.index].script_pubkey;
        if output.is_p2tr() {
            let key = random.pick(&self.keys).x_only_public_key().0.serialize();
            *output = ScriptBuf::from([&[0x51, 0x20], key.as_slice()].concat());
        }
    }

    /// Returns a valid signature in place of one whose check failed. `None` if the secret of the key is not known, or
    /// if the message does not have 32 bytes.
    fn answer(&self, check: &SignatureCheck) -> Option<Vec<u8>> {
        let key = self.keys.iter().find(|key| {
            let x_only = key.x_only_public_key().0.serialize();
            check.public_key == x_only
                || check.public_key == key.public_key().serialize()
                || check.public_key == key.public_key().serialize_uncompressed()
        })?;
        let message = Message::from_digest(check.message.as_slice().try_into().ok()?);
        Some(match check.signed {
            SignedMessage::Legacy { .. } | SignedMessage::SegwitV0 { .. } => {
                self.secp.sign_ecdsa(&message, &key.secret_key()).serialize_der().to_vec()
            }
            SignedMessage::Taproot { .. } | SignedMessage::Stack => {
                self.secp.sign_schnorr_no_aux_rand(&message, key).serialize().to_vec()
            }
        })
    }
}

/// Replaces a signature everywhere in the witness and the scriptSig of an input. The hash type byte stays the same.
fn replace_signature(question: &mut InputQuestion, old: &[u8], new: &[u8]) {
    let renewed = |element: &[u8]| match element.strip_prefix(old) {
        Some(hash_type) if hash_type.len() <= 1 => Some([new, hash_type].concat()),
        _ => None,
    };
    let input = &mut question.tx.input[question.index];
    let elements = input.witness.iter().map(|element| renewed(element).unwrap_or_else(|| element.to_vec()));
    input.witness = Witness::from_slice(&elements.collect::<Vec<_>>());
    let parts = split(input.script_sig.as_bytes()).into_iter().map(|part| {
        let element = part.get(1..).and_then(renewed);
        element.map_or(part, |element| push(&element))
    });
    input.script_sig = ScriptBuf::from(parts.collect::<Vec<_>>().concat());
}
