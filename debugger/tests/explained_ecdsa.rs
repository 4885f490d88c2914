//! Tests the explanations of common mistakes with ECDSA signatures. Each mistake is paired with the correct signature.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod signing;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{Amount, ScriptBuf};
use sigstack_debugger::{Trace, assemble};
use sigstack_interpreter::Flags;

use signing::{
    Spending, assert_explained, assert_valid, compressed, ecdsa, keypair, last_notes, schnorr, verdict,
};

const ALL: EcdsaSighashType = EcdsaSighashType::All;

/// An output with a script, either legacy or segwit v0.
struct Output {
    script: ScriptBuf,
    is_segwit: bool,
    spending: Spending,
}

impl Output {
    fn of(assembly: &str, is_segwit: bool) -> Output {
        let script = ScriptBuf::from_bytes(assemble(assembly).unwrap());
        let script_pubkey = if is_segwit { script.to_p2wsh() } else { script.to_p2sh() };
        Output { script, is_segwit, spending: Spending::of(&script_pubkey) }
    }

    /// Returns an output with the script `<compressed(1)> CHECKSIG`.
    fn check_sig(is_segwit: bool) -> Output {
        Output::of(&format!("<{}> CHECKSIG", hex::encode(compressed(1))), is_segwit)
    }

    fn legacy(&self, script_code: &ScriptBuf, input: usize, hash_type: EcdsaSighashType) -> [u8; 32] {
        let cache = SighashCache::new(&self.spending.tx);
        cache.legacy_signature_hash(input, script_code, hash_type.to_u32()).unwrap().to_byte_array()
    }

    fn segwit(
        &self,
        script_code: &ScriptBuf,
        input: usize,
        amount: Amount,
        hash_type: EcdsaSighashType,
    ) -> [u8; 32] {
        let mut cache = SighashCache::new(&self.spending.tx);
        cache.p2wsh_signature_hash(input, script_code, amount, hash_type).unwrap().to_byte_array()
    }

    /// Returns the signature hash of the input with index `input`, for this hash type.
    fn digest(&self, input: usize, hash_type: EcdsaSighashType) -> [u8; 32] {
        match self.is_segwit {
            true => self.segwit(&self.script, input, self.spending.prevouts[input].value, hash_type),
            false => self.legacy(&self.script, input, hash_type),
        }
    }

    fn spend(&self, stack: &[Vec<u8>]) -> Trace {
        let all = [stack, &[self.script.to_bytes()]].concat();
        if self.is_segwit {
            return self.spending.trace(&all, Vec::new(), Flags::POLICY, None);
        }
        let words: Vec<String> = all.iter().map(|it| format!("<{}>", hex::encode(it))).collect();
        self.spending.trace(&[], assemble(&words.join(" ")).unwrap(), Flags::POLICY, None)
    }
}

#[test]
fn another_hash_type() {
    for is_segwit in [false, true] {
        let output = Output::check_sig(is_segwit);
        let digest = output.digest(0, EcdsaSighashType::Single);
        assert_valid(&output.spend(&[ecdsa(1, digest, 3)]));
        assert_explained(
            &output.spend(&[ecdsa(1, digest, 1)]),
            "NULLFAIL",
            &["other-hash-type: valid with hash type 0x03 (SINGLE)".into()],
        );
    }
}

#[test]
fn another_input() {
    for is_segwit in [false, true] {
        let output = Output::check_sig(is_segwit);
        assert_valid(&output.spend(&[ecdsa(1, output.digest(0, ALL), 1)]));
        assert_explained(
            &output.spend(&[ecdsa(1, output.digest(1, ALL), 1)]),
            "NULLFAIL",
            &["other-input: it is a signature for input 1".into()],
        );
    }
}

#[test]
fn a_digest_that_was_hashed_once_more() {
    for is_segwit in [false, true] {
        let output = Output::check_sig(is_segwit);
        let digest = output.digest(0, ALL);
        assert_valid(&output.spend(&[ecdsa(1, digest, 1)]));
        assert_explained(
            &output.spend(&[ecdsa(1, sha256::Hash::hash(&digest).to_byte_array(), 1)]),
            "NULLFAIL",
            &["hashed-twice: it signs SHA256 of the digest: the digest was hashed once more".into()],
        );
    }
}

#[test]
fn the_digest_of_the_other_kind_of_output() {
    let old = Output::check_sig(false);
    let new = Output::check_sig(true);
    let amount = old.spending.prevouts[0].value;
    assert_explained(
        &old.spend(&[ecdsa(1, old.segwit(&old.script, 0, amount, ALL), 1)]),
        "NULLFAIL",
        &["other-digest: it was made over the BIP 143 digest; this input needs the legacy one".into()],
    );
    assert_explained(
        &new.spend(&[ecdsa(1, new.legacy(&new.script, 0, ALL), 1)]),
        "NULLFAIL",
        &["other-digest: it was made over the legacy digest; this input needs the BIP 143 one".into()],
    );
}

#[test]
fn another_amount() {
    let output = Output::check_sig(true);
    let with = |satoshi| output.segwit(&output.script, 0, Amount::from_sat(satoshi), ALL);
    assert_valid(&output.spend(&[ecdsa(1, with(5_000), 1)]));
    let amount = |satoshi| format!("other-amount: it was made for an amount of {satoshi} sat");
    assert_explained(&output.spend(&[ecdsa(1, with(0), 1)]), "NULLFAIL", &[amount(0)]);
    // The outputs differ only in their amounts, so using the other amount and exchanging the prevouts both make the
    // signature valid.
    let order = "prevouts-swapped: the prevouts are in the wrong order: with those of inputs 0 and 1 exchanged, the input \
                 is valid";
    let both = [order.to_owned(), amount(6_000)];
    assert_explained(&output.spend(&[ecdsa(1, with(6_000), 1)]), "NULLFAIL", &both);
}

#[test]
fn the_script_pubkey_in_place_of_the_script() {
    let output = Output::check_sig(false);
    let script_pubkey = output.spending.prevouts[0].script_pubkey.clone();
    assert_explained(
        &output.spend(&[ecdsa(1, output.legacy(&script_pubkey, 0, ALL), 1)]),
        "NULLFAIL",
        &["script-code: it was made over the scriptPubKey instead of the script that runs".into()],
    );
}

#[test]
fn signatures_in_the_wrong_order() {
    let keys = [hex::encode(compressed(1)), hex::encode(compressed(2))];
    for is_segwit in [false, true] {
        let output = Output::of(&format!("<{}> CHECKSIGVERIFY <{}> CHECKSIG", keys[0], keys[1]), is_segwit);
        let sign = |number| ecdsa(number, output.digest(0, ALL), 1);
        assert_valid(&output.spend(&[sign(2), sign(1)]));
        assert_explained(
            &output.spend(&[sign(1), sign(2)]),
            "NULLFAIL",
            &[format!("other-key: it is a signature of another key of this spend: {}", keys[1])],
        );
    }
}

#[test]
fn key_and_signature_swapped() {
    let output = Output::of("CHECKSIG", true);
    let signature = ecdsa(1, output.digest(0, ALL), 1);
    assert_valid(&output.spend(&[signature.clone(), compressed(1)]));
    assert_explained(
        &output.spend(&[compressed(1), signature]),
        "SIG_DER",
        &["swapped: the public key looks like a signature: key and signature are swapped".into()],
    );
}

#[test]
fn signatures_of_another_form() {
    let output = Output::check_sig(true);
    let digest = output.digest(0, ALL);
    let whole = ecdsa(1, digest, 1);
    assert_valid(&output.spend(core::slice::from_ref(&whole)));
    assert_explained(
        &output.spend(&[whole[..whole.len() - 1].to_vec()]),
        "SIG_DER",
        &["hash-type-missing: the signature has no hash type after its DER encoding".into()],
    );
    assert_explained(
        &output.spend(&[schnorr(&keypair(1), digest)]),
        "SIG_DER",
        &["schnorr: the signature looks like Schnorr; scripts before tapscript take ECDSA signatures".into()],
    );
}

/// OP_CHECKMULTISIG tries the keys in order for each signature. The explanation names the key that made the signature.
#[test]
fn multisig_signatures_in_the_wrong_order() {
    let keys = [hex::encode(compressed(1)), hex::encode(compressed(2))];
    let output = Output::of(&format!("2 <{}> <{}> 2 CHECKMULTISIG", keys[0], keys[1]), true);
    let sign = |number| ecdsa(number, output.digest(0, ALL), 1);
    assert_valid(&output.spend(&[Vec::new(), sign(1), sign(2)]));
    let trace = output.spend(&[Vec::new(), sign(2), sign(1)]);
    assert_explained(
        &trace,
        "NULLFAIL",
        &[format!("other-key: it is a signature of another key of this spend: {}", keys[0])],
    );
}

#[test]
fn prevouts_in_the_wrong_order() {
    let output = Output::check_sig(true);
    let digest = output.digest(0, ALL);
    assert_valid(&output.spend(&[ecdsa(1, digest, 1)]));
    let Output { script, spending, .. } = Output::check_sig(true);
    let spend = |prevouts: [usize; 2], witness_script: &ScriptBuf| {
        let other = ScriptBuf::from(vec![0x51]).to_p2wsh();
        let mut own = spending.prevouts.clone();
        own[1].script_pubkey = other;
        let moved =
            Spending { tx: spending.tx.clone(), prevouts: prevouts.map(|nth| own[nth].clone()).into() };
        moved.trace(&[ecdsa(1, digest, 1), witness_script.to_bytes()], Vec::new(), Flags::POLICY, None)
    };
    assert_valid(&spend([0, 1], &script));
    // The witness program of the other prevout belongs to another script, so no script is executed.
    let swapped = spend([1, 0], &script);
    let text =
        "the prevouts are in the wrong order: with those of inputs 0 and 1 exchanged, the input is valid"
            .to_owned();
    assert_eq!(verdict(&swapped), "WITNESS_PROGRAM_MISMATCH");
    assert!(last_notes(&swapped).contains(&text));
    let other_script = spend([1, 0], &ScriptBuf::from(vec![0x52]));
    assert_eq!(verdict(&other_script), "WITNESS_PROGRAM_MISMATCH");
    assert!(!last_notes(&other_script).contains(&text));
}
