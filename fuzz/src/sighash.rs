//! Property: every signature hash and template hash equals that of the [naive implementations](crate::naive), which
//! are written from the BIPs. If rust-bitcoin's `SighashCache` can compute the hash, it also equals that result.
//! Several hashes may share one cache.
//!
//! Fuzz input: four hash types (4 bytes each), the leaf hash, a code separator position (4 bytes), then a
//! [recipe](crate::recipe). The recipe's script is the script code, and its stack contains the scripts of the prevouts.

use bitcoin::hashes::Hash;
use bitcoin::sighash::{Annex, EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::TapLeafHash;
use bitcoin::{Script, ScriptBuf, Transaction};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{self, annex_hash};
use sigstack_interpreter::{KeyVersion, Spend, TaprootMessage, TapscriptMessage, TxView};

use crate::bytes::Reader;
use crate::naive::{self, taproot::Leaf};
use crate::recipe::Recipe;
use crate::spend::{Subject, unspent};
use crate::words::split;

/// Runs the fuzz target `sighash` on one fuzz input. Panics if two implementations give different hashes.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let hash_types: [u32; 4] = core::array::from_fn(|_| reader.u32());
    let leaf = Leaf { hash: reader.array(), code_separator: reader.u32() };
    let recipe = Recipe::read(&mut reader);
    let mut subject = unspent(&recipe);
    for (prevout, script) in subject.prevouts.iter_mut().zip(&recipe.stack) {
        prevout.script_pubkey = ScriptBuf::from(script.clone());
    }
    let annex = recipe.annex.as_ref().map(|annex| [&[0x50], annex.get(1..).unwrap_or_default()].concat());
    let spend = Spend::new(&subject.tx, &subject.prevouts).expect("a prevout for each input");
    let view = spend.view(subject.index).expect("the input is there");
    let check = Check { subject: &subject, view: &view, annex: annex.as_deref(), leaf };
    for hash_type in hash_types {
        check.ecdsa(&recipe.script, hash_type);
        // Only few of the 256 taproot hash types are defined, so a masked one is tried too.
        check.taproot(hash_type as u8);
        check.taproot(hash_type as u8 & 0xc3);
    }
    check.templates();
}

struct Check<'a> {
    subject: &'a Subject,
    view: &'a TxView<'a>,
    annex: Option<&'a [u8]>,
    leaf: Leaf,
}

impl Check<'_> {
    fn tx(&self) -> &Transaction {
        &self.subject.tx
    }

    fn ecdsa(&self, script_code: &[u8], hash_type: u32) {
        let Subject { tx, prevouts, index } = self.subject;
        let legacy = sighash::legacy::digest(self.view, script_code, hash_type);
        assert_eq!(legacy, naive::legacy::digest(tx, *index, script_code, hash_type), "{hash_type:x}");
        let script = Script::from_bytes(script_code);
        let cache = SighashCache::new(tx);
        // rust-bitcoin requires its caller to handle OP_CODESEPARATOR and truncated pushes, so scripts with these are not
        // compared.
        let parts = split(script_code);
        let is_whole = parts.last().is_none_or(|last| naive::legacy::cut_bytes(last) == 0);
        if is_whole && !parts.contains(&[0xab].as_slice()) {
            let theirs = cache.legacy_signature_hash(*index, script, hash_type).expect("the input is there");
            assert_eq!(legacy, theirs.to_byte_array(), "{hash_type:x}");
        }
        let segwit = sighash::segwit_v0::digest(self.view, script_code, hash_type);
        let naive = naive::segwit_v0::digest(tx, prevouts, *index, script_code, hash_type);
        assert_eq!(segwit, naive, "{hash_type:x}");
        // rust-bitcoin supports six hash types here.
        if let Ok(known) = EcdsaSighashType::from_standard(hash_type) {
            let value = prevouts[*index].value;
            let theirs = SighashCache::new(tx).p2wsh_signature_hash(*index, script, value, known);
            assert_eq!(segwit, theirs.expect("the input is there").to_byte_array(), "{hash_type:x}");
        }
    }

    fn taproot(&self, hash_type: u8) {
        let Subject { tx, prevouts, index } = self.subject;
        let message = |key_version: Option<KeyVersion>| TaprootMessage {
            annex_hash: self.annex.map(annex_hash),
            tapscript: key_version.map(|key_version| TapscriptMessage {
                key_version,
                leaf_hash: self.leaf.hash,
                code_separator_position: self.leaf.code_separator,
            }),
        };
        for leaf in [None, Some(self.leaf)] {
            let message = message(leaf.map(|_| KeyVersion::Bip342));
            let ours = sighash::taproot::digest(self.view, &message, hash_type);
            assert_eq!(ours, naive::taproot::digest(tx, prevouts, *index, self.annex, leaf, hash_type));
            if let Ok(known) = TapSighashType::from_consensus_u8(hash_type) {
                let annex = self.annex.map(|annex| Annex::new(annex).expect("it begins with 0x50"));
                let leaf = leaf.map(|leaf| (TapLeafHash::from_byte_array(leaf.hash), leaf.code_separator));
                let all = Prevouts::All(prevouts);
                let theirs = SighashCache::new(tx).taproot_signature_hash(*index, &all, annex, leaf, known);
                assert_eq!(ours, theirs.ok().map(|digest| digest.to_byte_array()), "{hash_type:x}");
            } else {
                assert_eq!(ours, None, "{hash_type:x}");
            }
        }
        let ours = sighash::taproot::digest(self.view, &message(Some(KeyVersion::Bip118)), hash_type);
        let naive = naive::anyprevout::digest(tx, prevouts, *index, self.annex, self.leaf, hash_type);
        assert_eq!(ours, naive, "{hash_type:x}");
    }

    fn templates(&self) {
        let index = self.subject.index;
        let ctv = checktemplateverify::check_template_digest(self.view);
        assert_eq!(ctv, naive::check_template_hash(self.tx(), index));
        let annex_hash = self.annex.map(annex_hash);
        let ours = templatehash::template_hash_digest(self.view, annex_hash.as_ref());
        assert_eq!(ours, naive::template_hash(self.tx(), index, self.annex));
    }
}
