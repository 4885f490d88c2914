//! `sigstack decode`: transactions, witnesses, control blocks, annexes and addresses, read for people.

use std::io::Write;
use std::str::FromStr;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network, Script, Transaction, TxIn, TxOut, Witness};
use sigstack_debugger::{Known, NUMS_KEY, control_view, disassemble};
use sigstack_interpreter::limits::ANNEX_TAG;
use sigstack_interpreter::sighash::annex_hash;

use crate::args::{DecodeArgs, DecodeWhat};
use crate::input;
use crate::output::Status;
use crate::problem::{Problem, Stop};

/// Runs the command.
pub(crate) fn run(args: &DecodeArgs, out: &mut impl Write) -> Result<Status, Stop> {
    write!(out, "{}", decode(args)?)?;
    Ok(Status::Yes)
}

fn decode(args: &DecodeArgs) -> Result<String, Problem> {
    let mut lines = Lines::default();
    match &args.what {
        DecodeWhat::Tx { hex } => lines.tx(&input::transaction(hex, "tx")?),
        DecodeWhat::Witness { hex } => lines.witness(&input::witness(hex, "witness")?, ""),
        DecodeWhat::Control { hex, script } => {
            let script = script.as_deref().map(|script| input::bytes(script, "--script")).transpose()?;
            lines.control(&input::bytes(hex, "control")?, script.as_deref(), "")?;
        }
        DecodeWhat::Annex { hex } => lines.annex(&input::bytes(hex, "annex")?)?,
        DecodeWhat::Address { address } => lines.address(&input::text(address, "address")?)?,
    }
    Ok(lines.0)
}

fn words(script: &[u8]) -> String {
    let words: Vec<String> = disassemble(script).into_iter().map(|(_, word)| word).collect();
    if words.is_empty() { "(empty)".into() } else { words.join(" ") }
}

/// The kind of an output's script.
fn kind(script: &Script) -> &'static str {
    let kinds: [(bool, &str); 9] = [
        (script.is_p2pkh(), "P2PKH"),
        (script.is_p2sh(), "P2SH"),
        (script.is_p2wpkh(), "P2WPKH"),
        (script.is_p2wsh(), "P2WSH"),
        (script.is_p2tr(), "P2TR"),
        (script.is_p2pk(), "P2PK"),
        (script.is_op_return(), "OP_RETURN"),
        (script.is_multisig(), "multisig"),
        (script.is_witness_program(), "witness program of another kind"),
    ];
    kinds.into_iter().find(|(is_kind, _)| *is_kind).map_or("other", |(_, kind)| kind)
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, indent: &str, name: &str, value: impl core::fmt::Display) {
        self.0.push_str(&format!("{indent}{name:<16} {value}\n"));
    }

    fn tx(&mut self, tx: &Transaction) {
        self.line("", "txid", tx.compute_txid());
        self.line("", "wtxid", tx.compute_wtxid());
        self.line("", "version", tx.version.0);
        self.line("", "nLockTime", tx.lock_time.to_consensus_u32());
        self.line(
            "",
            "size",
            format!("{} bytes, weight {}, {} vbytes", tx.total_size(), tx.weight(), tx.vsize()),
        );
        for (nth, input) in tx.input.iter().enumerate() {
            self.0.push_str(&format!("input {nth}\n"));
            self.input(input);
        }
        for (nth, output) in tx.output.iter().enumerate() {
            self.0.push_str(&format!("output {nth}\n"));
            self.output(output);
        }
    }

    fn input(&mut self, input: &TxIn) {
        self.line("  ", "outpoint", input.previous_output);
        self.line("  ", "nSequence", format!("0x{:08x}", input.sequence.0));
        self.line("  ", "scriptSig", words(input.script_sig.as_bytes()));
        self.witness(&input.witness, "  ");
    }

    fn output(&mut self, output: &TxOut) {
        self.line("  ", "amount", format!("{} sat", output.value.to_sat()));
        self.line("  ", "kind", kind(&output.script_pubkey));
        self.line("  ", "script", words(output.script_pubkey.as_bytes()));
        if let Ok(address) = Address::from_script(&output.script_pubkey, Network::Bitcoin) {
            self.line("  ", "address", format!("{address} (on mainnet)"));
        }
    }

    fn witness(&mut self, witness: &Witness, indent: &str) {
        let known = Known::default();
        self.line(indent, "witness", format!("{} elements, {} bytes", witness.len(), witness.size()));
        for (nth, element) in witness.iter().enumerate() {
            let what = known.describe(element);
            let note = if what.is_empty() { String::new() } else { format!("  # {what}") };
            self.line(indent, &format!("  {nth}"), format!("{}{note}", hex::encode(element)));
        }
        let has_annex =
            witness.len() > 1 && witness.last().is_some_and(|last| last.first() == Some(&ANNEX_TAG));
        let length = witness.len() - usize::from(has_annex);
        let nth = |from_end: usize| length.checked_sub(from_end).and_then(|nth| witness.nth(nth));
        if let (Some(script), Some(control)) = (nth(2), nth(1))
            && control_view(control, None).is_ok()
        {
            self.0.push_str(&format!("{indent}read as a taproot script path\n"));
            self.line(indent, "  leaf script", words(script));
            let inner = format!("{indent}  ");
            // It has just been read.
            let _ = self.control(control, Some(script), &inner);
        } else if let Some(script) =
            nth(1).filter(|last| last.len() > 1 && last.len() != 64 && last.len() != 33)
        {
            self.line(indent, "  last as script", words(script));
        }
    }

    fn control(&mut self, control: &[u8], script: Option<&[u8]>, indent: &str) -> Result<(), String> {
        let view = control_view(control, script).map_err(|error| {
            format!("control: {} bytes: {error}; 33 + 32 for each hash, 128 at most", control.len())
        })?;
        self.line(indent, "leaf version", format!("0x{:02x}", view.leaf_version));
        self.line(indent, "output key is", if view.output_key_is_odd { "odd" } else { "even" });
        let nums =
            if view.internal_key == NUMS_KEY { "  # the NUMS key of BIP 341: no key path" } else { "" };
        self.line(indent, "internal key", format!("{}{nums}", hex::encode(view.internal_key)));
        for (nth, hash) in view.path.iter().enumerate() {
            self.line(indent, &format!("path {nth}"), hex::encode(hash));
        }
        if let (Some(leaf), Some(root)) = (view.leaf_hash, view.merkle_root) {
            self.line(indent, "tapleaf hash", hex::encode(leaf));
            self.line(indent, "merkle root", hex::encode(root));
            match view.output_key {
                Some((key, is_odd)) => {
                    let agrees = if is_odd == view.output_key_is_odd {
                        ""
                    } else {
                        "  # its parity is not the one above"
                    };
                    self.line(indent, "output key", format!("{}{agrees}", hex::encode(key)));
                }
                None => self.line(indent, "output key", "none: the internal key is not on the curve"),
            }
        }
        Ok(())
    }

    fn annex(&mut self, annex: &[u8]) -> Result<(), String> {
        if annex.first() != Some(&ANNEX_TAG) {
            return Err("annex: an annex begins with 0x50".into());
        }
        self.line("", "size", format!("{} bytes, the tag 0x50 included", annex.len()));
        self.line("", "data", hex::encode(annex.get(1..).unwrap_or_default()));
        self.line("", "sha_annex", hex::encode(annex_hash(annex)));
        Ok(())
    }

    fn address(&mut self, text: &str) -> Result<(), String> {
        let address: Address<NetworkUnchecked> =
            Address::from_str(text).map_err(|error| format!("address: {error}"))?;
        let networks = [Network::Bitcoin, Network::Testnet, Network::Signet, Network::Regtest];
        let names: Vec<String> = networks
            .into_iter()
            .filter(|it| address.is_valid_for_network(*it))
            .map(|it| it.to_string())
            .collect();
        let script = address.assume_checked().script_pubkey();
        self.line("", "networks", names.join(", "));
        self.line("", "kind", kind(&script));
        self.line("", "script", words(script.as_bytes()));
        self.line("", "script hex", hex::encode(script.as_bytes()));
        Ok(())
    }
}
