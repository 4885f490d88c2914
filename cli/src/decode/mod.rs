//! `sigstack decode`: decodes transactions, witnesses, control blocks, annexes and addresses, as text or as JSON.

mod address;
mod tree;
mod witness;

use std::io::Write;

use bitcoin::{Address, Network, Script, Transaction, TxIn, TxOut, Witness, XOnlyPublicKey};
use sigstack_debugger::{ControlView, Known, control_view, disassemble};
use sigstack_interpreter::CodePoints;
use sigstack_interpreter::limits::ANNEX_TAG;
use sigstack_interpreter::sighash::annex_hash;
use sigstack_interpreter::taproot::NUMS_KEY;

use crate::args::{DecodeArgs, DecodeWhat};
use crate::input;
use crate::output::Status;
use crate::prevouts::{of_outputs, of_transactions};
use crate::problem::{Problem, Stop};
use sigstack_debugger::counted;
use tree::Fields;

/// Runs `sigstack decode`.
pub(crate) fn run(args: &DecodeArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let fields = decode(args)?;
    if args.json {
        writeln!(out, "{}", fields.to_json())?;
    } else {
        write!(out, "{fields}")?;
    }
    Ok(Status::Yes)
}

fn decode(args: &DecodeArgs) -> Result<Fields, Problem> {
    match &args.what {
        DecodeWhat::Tx { hex, prevouts, prev_txs } => {
            let tx = input::transaction(hex, "tx")?;
            let known = if prev_txs.is_empty() {
                of_outputs(&tx, prevouts, None)?
            } else {
                of_transactions(&tx, prev_txs)?
            };
            Ok(tx_fields(&tx, &known))
        }
        DecodeWhat::Witness { hex, prevout } => {
            let witness = input::witness(hex, "witness")?;
            let prevout = prevout.as_deref().map(|text| input::output(text, "--prevout")).transpose()?;
            let mut fields = Fields::default();
            add_witness(&mut fields, &witness, prevout.as_ref(), Script::new());
            Ok(fields)
        }
        DecodeWhat::Control { hex, script } => {
            let read = |text: &str| match text.starts_with("hex:") || text.starts_with("asm:") {
                true => input::script(text, "--script", &CodePoints::default()),
                false => input::bytes(text, "--script"),
            };
            let script = script.as_deref().map(read).transpose()?;
            let control = input::bytes(hex, "control")?;
            let view = control_view(&control, script.as_deref()).map_err(|error| {
                Problem::new(format!("{}: {error}", counted(control.len(), "byte")))
                    .at("control")
                    .hint("a control block has 33 bytes, and 32 more for each of at most 128 hashes")
            })?;
            Ok(control_fields(&view))
        }
        DecodeWhat::Annex { hex } => annex_fields(&input::bytes(hex, "annex")?),
        DecodeWhat::Address { address } => {
            address::address(&input::text(address, "address")?).map_err(|problem| problem.at("address"))
        }
    }
}

fn words(script: &[u8]) -> String {
    let words: Vec<String> = disassemble(script).into_iter().map(|(_, word)| word).collect();
    if words.is_empty() { "(empty)".into() } else { words.join(" ") }
}

/// Script of a pay-to-anchor output: OP_1 and a witness program of two bytes.
const P2A: [u8; 4] = [0x51, 0x02, 0x4e, 0x73];

/// Returns the name of an output script's kind, such as `P2WPKH`.
fn kind(script: &Script) -> &'static str {
    let kinds: [(bool, &str); 10] = [
        (script.is_p2pkh(), "P2PKH"),
        (script.is_p2sh(), "P2SH"),
        (script.is_p2wpkh(), "P2WPKH"),
        (script.is_p2wsh(), "P2WSH"),
        (script.is_p2tr(), "P2TR"),
        (script.as_bytes() == P2A, "P2A (pay to anchor)"),
        (script.is_p2pk(), "P2PK"),
        (script.is_op_return(), "OP_RETURN"),
        (script.is_multisig(), "multisig"),
        (script.is_witness_program(), "witness program of another kind"),
    ];
    kinds.into_iter().find(|(is_kind, _)| *is_kind).map_or("other", |(_, kind)| kind)
}

fn tx_fields(tx: &Transaction, prevouts: &[Option<TxOut>]) -> Fields {
    let mut fields = Fields::default();
    fields.text("txid", tx.compute_txid());
    fields.text("wtxid", tx.compute_wtxid());
    fields.number("version", tx.version.0.cast_unsigned());
    fields.number("nLockTime", tx.lock_time.to_consensus_u32());
    let mut size = Fields::default();
    size.number("bytes", tx.total_size());
    size.number("weight", tx.weight().to_wu());
    size.number("vbytes", tx.vsize());
    let text = format!("{} bytes, weight {}, {} vbytes", tx.total_size(), tx.weight(), tx.vsize());
    fields.value("size", text, size.to_json());
    let inputs = tx.input.iter().enumerate();
    fields.list(
        "input",
        inputs.map(|(nth, input)| input_fields(input, prevouts.get(nth).and_then(Option::as_ref))).collect(),
    );
    fields.list("output", tx.output.iter().map(output_fields).collect());
    fields
}

fn input_fields(input: &TxIn, prevout: Option<&TxOut>) -> Fields {
    let mut fields = Fields::default();
    fields.text("outpoint", input.previous_output);
    fields.value("nSequence", format!("0x{:08x}", input.sequence.0), input.sequence.0);
    let script_sig = words(input.script_sig.as_bytes());
    fields.value("scriptSig", &script_sig, if input.script_sig.is_empty() { "" } else { &script_sig });
    if let Some(prevout) = prevout {
        fields.fields("spends", output_fields(prevout));
    }
    add_witness(&mut fields, &input.witness, prevout, &input.script_sig);
    fields
}

fn output_fields(output: &TxOut) -> Fields {
    let mut fields = Fields::default();
    fields.value("amount", format!("{} sat", output.value.to_sat()), output.value.to_sat());
    fields.text("kind", kind(&output.script_pubkey));
    let script = words(output.script_pubkey.as_bytes());
    fields.value("script", &script, if output.script_pubkey.is_empty() { "" } else { &script });
    if let Ok(address) = Address::from_script(&output.script_pubkey, Network::Bitcoin) {
        fields.value("address", format!("{address} (on mainnet)"), address.to_string());
    }
    fields
}

fn add_witness(fields: &mut Fields, witness: &Witness, prevout: Option<&TxOut>, script_sig: &Script) {
    let known = Known::default();
    // The size is left out for an empty witness, because a transaction without witnesses does not serialize the number of
    // elements.
    let size = match witness.is_empty() {
        true => "(empty)".to_owned(),
        false => format!("{}, {}", counted(witness.len(), "element"), counted(witness.size(), "byte")),
    };
    let elements: Vec<String> = witness.iter().map(hex::encode).collect();
    fields.value("witness", size, elements);
    let readings = witness::readings(witness, prevout, script_sig);
    let lines = witness.iter().enumerate().map(|(nth, element)| {
        // If a reading names the element, its meaning is not guessed from its bytes.
        let role = witness::role(&readings, nth);
        let what = if role.is_empty() { known.describe(element) } else { role };
        let note = if what.is_empty() { String::new() } else { format!("  # {what}") };
        format!("{}{note}", hex::encode(element))
    });
    fields.lines("element", lines.collect());
    fields.list("reading", readings.into_iter().map(|reading| reading.fields).collect());
}

fn control_fields(view: &ControlView) -> Fields {
    let mut fields = Fields::default();
    let version = format!("0x{:02x}", view.leaf_version);
    let other = match view.leaf_version {
        0x02 => "  # no leaf version of BIP 341: a compressed public key begins so",
        ANNEX_TAG => "  # no leaf version of BIP 341: an annex begins so",
        _ => "",
    };
    fields.value("leaf version", format!("{version}{other}"), version);
    fields.text("output key is", if view.output_key_is_odd { "odd" } else { "even" });
    let key = hex::encode(view.internal_key);
    let note = if view.internal_key == NUMS_KEY {
        "  # the NUMS key of BIP 341: no key path"
    } else if XOnlyPublicKey::from_slice(&view.internal_key).is_err() {
        "  # not on the curve: the control block fits no output"
    } else {
        ""
    };
    fields.value("internal key", format!("{key}{note}"), key);
    fields.values("path", view.path.iter().map(hex::encode).collect());
    if let (Some(leaf), Some(root)) = (view.leaf_hash, view.merkle_root) {
        fields.text("tapleaf hash", hex::encode(leaf));
        fields.text("merkle root", hex::encode(root));
        match view.output_key {
            Some((key, is_odd)) => {
                let agrees =
                    if is_odd == view.output_key_is_odd { "" } else { "  # its parity is not the one above" };
                let key = hex::encode(key);
                fields.value("output key", format!("{key}{agrees}"), key);
            }
            None => fields.value("output key", "none: the internal key is not on the curve", None::<String>),
        }
    }
    fields
}

fn annex_fields(annex: &[u8]) -> Result<Fields, Problem> {
    if annex.first() != Some(&ANNEX_TAG) {
        return Err(Problem::new("an annex begins with 0x50").at("annex"));
    }
    let mut fields = Fields::default();
    fields.value("size", format!("{}, the tag 0x50 included", counted(annex.len(), "byte")), annex.len());
    fields.text("data", hex::encode(annex.get(1..).unwrap_or_default()));
    fields.text("sha_annex", hex::encode(annex_hash(annex)));
    Ok(fields)
}
