//! Decodes addresses, and explains what is wrong with a text that is not an address.

use std::str::FromStr;

use bitcoin::address::NetworkUnchecked;
use bitcoin::bech32::primitives::decode::{CharError, CheckedHrpstring, CheckedHrpstringError};
use bitcoin::bech32::primitives::decode::{UncheckedHrpstring, UncheckedHrpstringError};
use bitcoin::bech32::{Bech32, Bech32m};
use bitcoin::{Address, Network, base58};
use sigstack_debugger::counted;

use super::tree::Fields;
use super::{kind, words};
use crate::problem::Problem;

/// Human-readable prefixes of segwit addresses (BIP 173).
const PREFIXES: [&str; 3] = ["bc", "tb", "bcrt"];

/// Characters of bech32 data, in the order of their values (BIP 173).
const BECH32_CHARS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Number of characters of a bech32 or bech32m checksum.
const CHECKSUM_LENGTH: usize = 6;

/// First byte of a private key in wallet import format, on mainnet and on test networks.
const WIF_VERSIONS: [u8; 2] = [0x80, 0xef];

/// Maximum length of a segwit address in characters (BIP 173). Other addresses are shorter.
const MAX_LENGTH: usize = 90;

/// Decodes an address to its networks, kind and script.
pub(super) fn address(text: &str) -> Result<Fields, Problem> {
    if text.len() > MAX_LENGTH {
        let what = format!("{} characters, where an address has at most {MAX_LENGTH}", text.len());
        return Err(other_form(text).unwrap_or_else(|| Problem::new(what)));
    }
    let address: Address<NetworkUnchecked> = Address::from_str(text)
        .map_err(|error| reason(text).unwrap_or_else(|| Problem::new(error.to_string())))?;
    let networks = [Network::Bitcoin, Network::Testnet, Network::Testnet4, Network::Signet, Network::Regtest];
    let names: Vec<String> = networks
        .into_iter()
        .filter(|network| address.is_valid_for_network(*network))
        .map(|network| network.to_string())
        .collect();
    let script = address.assume_checked().script_pubkey();
    let mut fields = Fields::default();
    fields.value("networks", names.join(", "), names);
    fields.text("kind", kind(&script));
    fields.text("script", words(script.as_bytes()));
    fields.text("script hex", hex::encode(script.as_bytes()));
    Ok(fields)
}

/// Returns the error for a text that is not an address but related to one, such as a descriptor. Returns `None` for
/// other texts.
fn other_form(text: &str) -> Option<Problem> {
    if text.contains('(') {
        return Some(
            Problem::new("a descriptor, where an address is expected")
                .hint("bitcoin-cli deriveaddresses verifies its checksum and derives the address"),
        );
    }
    let lower = text.to_lowercase();
    if lower.starts_with("bitcoin:") {
        let problem = Problem::new("a URI (BIP 21), where an address is expected");
        return Some(problem.hint("give the part between : and ?"));
    }
    if text.is_empty() {
        return Some(Problem::new("the address is empty"));
    }
    if lower.starts_with("sp1") || lower.starts_with("tsp1") {
        let problem = Problem::new("a silent payment address (BIP 352), which is no output");
        return Some(problem.hint("the sender derives a taproot output from it and its own inputs"));
    }
    let is_extended = matches!(text.get(1..4), Some("pub" | "prv")) && text.len() > 100;
    is_extended.then(|| {
        Problem::new("an extended key (BIP 32), where an address is expected")
            .hint("an address belongs to one of the keys that are derived from it")
    })
}

/// Explains why a text is not an address. Returns `None` if there is nothing to add to the decoder's error.
fn reason(text: &str) -> Option<Problem> {
    let other_form = other_form(text);
    if other_form.is_some() {
        return other_form;
    }
    let lower = text.to_lowercase();
    match lower.rsplit_once('1') {
        Some((prefix, data)) if PREFIXES.contains(&prefix) => segwit(text, data),
        Some((prefix, data)) if data.len() >= 38 && prefix.chars().all(|char| char.is_ascii_lowercase()) => {
            Some(
                Problem::new(format!("the prefix {prefix:?} is of no Bitcoin network"))
                    .hint("bc, tb or bcrt"),
            )
        }
        _ => legacy(text),
    }
}

fn segwit(text: &str, data: &str) -> Option<Problem> {
    if data.len() <= CHECKSUM_LENGTH {
        let what =
            format!("{} after the prefix, where the checksum alone has 6", counted(data.len(), "character"));
        return Some(Problem::new(what).hint("the address is cut off"));
    }
    match UncheckedHrpstring::new(text) {
        Err(UncheckedHrpstringError::Char(CharError::MixedCase)) => {
            return Some(Problem::new("upper and lower case are mixed, which BIP 173 forbids"));
        }
        Err(UncheckedHrpstringError::Char(CharError::InvalidChar(char))) => {
            let position = data.chars().position(|other| other == char.to_ascii_lowercase());
            let position = text.len() - data.len() + position.unwrap_or_default();
            let what = format!("{char:?} at position {position}, counted from 0, is no character of bech32");
            return Some(Problem::new(what).hint("1, b, i and o are left out after the prefix"));
        }
        Err(_) => return None,
        Ok(_) => {}
    }
    let is_bad = |checksum: Result<CheckedHrpstring<'_>, CheckedHrpstringError>| checksum.is_err();
    let bech32 = !is_bad(CheckedHrpstring::new::<Bech32>(text));
    let bech32m = !is_bad(CheckedHrpstring::new::<Bech32m>(text));
    let version = data.chars().next().and_then(|char| BECH32_CHARS.find(char))?;
    match (version, bech32, bech32m) {
        (0, false, true) => Some(Problem::new(
            "the checksum is bech32m, but an address of witness version 0 needs bech32 (BIP 173)",
        )),
        (1.., true, false) => Some(Problem::new(format!(
            "the checksum is bech32, but an address of witness version {version} needs bech32m (BIP 350)"
        ))),
        (_, false, false) => {
            let name = if version == 0 { "bech32" } else { "bech32m" };
            let what = format!("the {name} checksum is wrong");
            Some(Problem::new(what).hint("a character is wrong, missing or one too many"))
        }
        _ => None,
    }
}

fn legacy(text: &str) -> Option<Problem> {
    if let Some((position, char)) = text.chars().enumerate().find(|(_, char)| !is_base58(*char)) {
        let what = format!("{char:?} at position {position}, counted from 0, is in no address");
        return Some(Problem::new(what));
    }
    let bytes = base58::decode(text).ok()?;
    let Ok(payload) = base58::decode_check(text) else {
        let what =
            format!("the base58 checksum is wrong ({}; an address has 25)", counted(bytes.len(), "byte"));
        return Some(Problem::new(what).hint("a character is wrong, missing or one too many"));
    };
    let version = payload.first()?;
    Some(Problem::new(match payload.len() {
        33 | 34 if WIF_VERSIONS.contains(version) => {
            "a private key (wallet import format), where an address is expected".to_owned()
        }
        21 => format!("the first byte 0x{version:02x} is of no address of a Bitcoin network"),
        _ => format!("{} with the checksum, where an address has 25", counted(bytes.len(), "byte")),
    }))
}

fn is_base58(char: char) -> bool {
    char.is_ascii_alphanumeric() && !matches!(char, '0' | 'O' | 'I' | 'l')
}
