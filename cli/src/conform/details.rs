//! Formats the scripts and the witness of a test case for reports.

use bitcoin::Script;
use sigstack_debugger::disassemble;
use sigstack_interpreter::taproot::annex;
use sigstack_vectors::{InputQuestion, Question, VerdictCase};

/// Maximum number of characters of a script or witness element that a report shows.
const MOST_SHOWN: usize = 1200;

/// Returns the scripts and the witness elements of the input that a case is about, each with its name. Returns an
/// empty list for a case about a whole transaction, which may have many scripts.
pub(super) fn scripts(case: &VerdictCase) -> Vec<(String, String)> {
    let InputQuestion { tx, prevouts, index, .. } = match &case.question {
        Question::Input(question) => question,
        Question::Transaction(_) => return Vec::new(),
    };
    let (Some(input), Some(prevout)) = (tx.input.get(*index), prevouts.get(*index)) else {
        return Vec::new();
    };
    let mut scripts = vec![("scriptPubKey".to_owned(), words(prevout.script_pubkey.as_bytes()))];
    if !input.script_sig.is_empty() {
        scripts.push(("scriptSig".into(), words(input.script_sig.as_bytes())));
    }
    let redeem_script = redeem_script(&prevout.script_pubkey, &input.script_sig);
    scripts.extend(redeem_script.iter().map(|script| ("redeemScript".into(), words(script))));
    let program = redeem_script.as_deref().map_or(prevout.script_pubkey.as_script(), Script::from_bytes);
    let witness: Vec<&[u8]> = input.witness.iter().collect();
    let script_at = script_in_witness(program, &witness);
    for (nth, element) in witness.iter().enumerate() {
        match script_at == Some(nth) {
            true => scripts.push((format!("witness {nth}, the script"), words(element))),
            false => scripts.push((format!("witness {nth}"), shortened(hex::encode(element)))),
        }
    }
    scripts
}

/// Returns the index of the script in a witness. In P2WSH this is the last element. In a taproot script path spend it
/// is the element before the control block, which an annex may follow. Returns `None` if the witness has no script.
fn script_in_witness(program: &Script, witness: &[&[u8]]) -> Option<usize> {
    if program.is_p2wsh() {
        return witness.len().checked_sub(1);
    }
    if !program.is_p2tr() {
        return None;
    }
    let has_annex = annex(witness.len(), witness.last().copied()).is_some();
    witness.len().checked_sub(if has_annex { 3 } else { 2 })
}

/// Returns the redeem script of a P2SH input: the last element that the scriptSig pushes. Returns `None` for other
/// inputs.
fn redeem_script(script_pubkey: &Script, script_sig: &Script) -> Option<Vec<u8>> {
    let last = script_sig.instructions().last()?.ok()?;
    let bytes = last.push_bytes()?.as_bytes();
    script_pubkey.is_p2sh().then(|| bytes.to_vec())
}

fn words(script: &[u8]) -> String {
    let words: Vec<String> = disassemble(script).into_iter().map(|(_, word)| word).collect();
    if words.is_empty() { "(empty)".into() } else { shortened(words.join(" ")) }
}

/// Returns a text for a report: a placeholder for an empty text, and for a long text its beginning and its length.
pub(super) fn shortened(text: String) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}... ({} characters)", text.get(..end).unwrap_or_default(), text.len()),
        None if text.is_empty() => "(empty)".into(),
        None => text,
    }
}
