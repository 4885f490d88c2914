//! Reader of leaf scripts with witnesses that do not depend on a transaction. Each JSON object gives two checks: one
//! under the consensus flags, one with MINIMALDATA added. In both, the four proposals that the scripts use are active.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness};
use serde_json::Value;
use sigstack_interpreter::Flags;

use crate::check::Check;
use crate::dialect::{Rules, plain_flags};
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::validity::InputValidity;
use crate::question::InputQuestion;
use crate::reading::ParsedCase;
use crate::taptree::Leaf;

/// Names of the flags of the proposals whose opcodes the scripts use.
const PROPOSALS: &str = "CHECKSIGFROMSTACK,OP_CAT,INTERNALKEY,PAIRCOMMIT";

/// JSON fields with an expected verdict, each with a flag. The script is verified with this flag, the consensus flags,
/// and the flags of the proposals.
const VERDICTS: &[(&str, &str)] = &[("consensus_ok", "NONE"), ("ok_with_minimaldata", "MINIMALDATA")];

fn cases(document: &Document) -> Option<(&Value, &Vec<Value>)> {
    let Document::Json(value) = document else { return None };
    Some((value.get("internal_key")?, value.get("cases")?.as_array()?))
}

pub(crate) fn recognise(document: &Document) -> bool {
    cases(document).is_some()
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let Some((key, items)) = cases(document) else { return vec![] };
    let mut cases = Vec::new();
    for (nth, item) in items.iter().enumerate() {
        let note = item.get("note").and_then(Value::as_str).unwrap_or_default();
        for (verdict, more) in VERDICTS {
            let check = read_item(key, item, verdict, more).map(Check::shared);
            cases.push(ParsedCase::new(nth + 1, format!("{note} ({verdict})"), check));
        }
    }
    cases
}

fn read_item(key: &Value, item: &Value, verdict: &str, more: &str) -> Result<InputValidity, Bad> {
    let key: [u8; 32] = field::fixed_bytes(key, "internal_key")?;
    let script = field::bytes(field::get(item, "script")?, "script")?;
    let mut witness = field::witness(field::get(item, "witness")?, "witness")?;
    let valid = field::boolean(field::get(item, verdict)?, verdict)?;
    let leaf = Leaf::only(&key, &script).map_err(|problem| Bad::new("internal_key", problem))?;
    witness.push(&script);
    witness.push(&leaf.control_block);
    let flags = plain_flags(&format!("{},{PROPOSALS},{more}", Flags::CONSENSUS), "flags")?;
    let question = InputQuestion { flags, ..wrap(leaf.output_script(), witness) };
    Ok(InputValidity { question, valid })
}

/// Returns the question whether an input with this witness is valid. The input spends an output with this scriptPubKey,
/// and is the only input of its transaction.
fn wrap(script_pubkey: ScriptBuf, witness: Witness) -> InputQuestion {
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { witness, ..TxIn::default() }],
        output: vec![TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() }],
    };
    let prevouts = vec![TxOut { value: Amount::from_sat(1000), script_pubkey }];
    InputQuestion { tx, prevouts, index: 0, flags: Flags::NONE }
}
