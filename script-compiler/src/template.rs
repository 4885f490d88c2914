//! Script templates: leaves that are compiled once and filled with different values many times.
//!
//! A channel creates a new output for every state, and only numbers, hashes and keys differ between the outputs. Compiling
//! the policy for each state would be slow, and a script written by hand could differ from the policy. A [`Template`] is the
//! compiled script, cut at the pushes of the values that change. Filling it copies bytes.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::XOnlyPublicKey;
use sigstack_interpreter::{Instruction, Instructions, Opcode, script_num};

use crate::compile::compile;
use crate::compiled::Compiled;
use crate::error::Error;
use crate::fragment::Frag;
use crate::policy::{Document, HashFn, Statement};
use crate::script::Writer;

/// A value for a hole. A hole is a push of the script that the template leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill<'a> {
    /// A key or another string of bytes, which the filled script pushes.
    Bytes(&'a [u8]),
    /// A number, pushed in its minimal encoding. The script may push this number plus a constant of the policy. The
    /// number may be negative if this sum is not.
    Number(i64),
}

/// Reason why no template can be made of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The document does not compile. The field is the compiler's error.
    Policy(Error),
    /// The compiled output has no leaf with this index.
    NoLeaf(usize),
    /// The document has no example value for a name that is to become a hole.
    NoValue(String),
    /// The script depends on the hole in another way than by a push of its value, or of its value plus a constant. The
    /// field is the byte offset of the instruction.
    NotAPush(usize),
}

impl core::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            TemplateError::Policy(error) => error.fmt(f),
            TemplateError::NoLeaf(leaf) => write!(f, "the output has no leaf {leaf}"),
            TemplateError::NoValue(name) => write!(f, "the policy gives no value to `{name}`"),
            TemplateError::NotAPush(at) => {
                write!(f, "the instruction at byte {at} depends on a hole, and is no push of its value")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

/// A part of a script template: fixed bytes, or a push whose value is supplied later.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Script bytes that are the same in every filled script.
    Fixed(Vec<u8>),
    /// A push of `size` bytes, the value of the hole with this index. `before` has the bytes of the push that precede
    /// the data.
    Copy { before: Vec<u8>, hole: usize, size: usize },
    /// A push of the sum of a number and a constant. The number is the value of the hole with this index.
    Number { hole: usize, plus: u64 },
}

/// A leaf's script in which some pushes are holes. [`Template::fill`] supplies their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// For each condition of the leaf, the fixed bytes and holes that its script consists of. In the order of the leaf
    /// script.
    conditions: Vec<Vec<Part>>,
    /// Number of bytes to allocate for a filled script.
    size: usize,
}

/// Two different values for a hole, a push whose value the template leaves open. The policy is compiled with each of
/// them, and the two scripts are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pair {
    Bytes([Vec<u8>; 2]),
    Number([u64; 2]),
}

impl Template {
    /// Compiles a document and turns the given names into holes of the leaf with index `leaf`. The document must give an
    /// example value to each name.
    ///
    /// The document is compiled twice, with two different values for each hole. Instructions in which the two scripts differ
    /// must be pushes of these values.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] if the policy does not compile, or if a hole affects the script in any other way than through a
    /// push of its value.
    pub fn new(document: &Document, leaf: usize, holes: &[&str]) -> Result<Template, TemplateError> {
        let pairs: Vec<Pair> = holes
            .iter()
            .enumerate()
            .map(|(nth, name)| {
                pair(document, name, nth).ok_or_else(|| TemplateError::NoValue((*name).into()))
            })
            .collect::<Result<_, _>>()?;
        let [one, other] = [0, 1].map(|which| {
            let given = holes.iter().zip(&pairs).map(|(name, pair)| ((*name).to_owned(), pair.text(which)));
            let given: BTreeMap<String, String> = given.collect();
            compile(document, &given, &BTreeSet::new()).map_err(TemplateError::Policy)
        });
        let [one, other] = [conditions(&one?, leaf)?, conditions(&other?, leaf)?];
        let (mut found, mut at) = (Vec::new(), 0);
        if one.len() != other.len() {
            return Err(TemplateError::NotAPush(0));
        }
        for (one, other) in one.iter().zip(&other) {
            found.push(parts(one, other, &pairs, at)?);
            at += one.len();
        }
        Ok(Template { conditions: found, size: at + 8 * holes.len() })
    }

    /// Returns the script with these values in its holes. The values are in the order in which [`Template::new`] was
    /// given the names of the holes. Returns `None` if a value is missing, does not have the kind and length of its
    /// hole, or makes a number negative.
    pub fn fill(&self, values: &[Fill<'_>]) -> Option<Vec<u8>> {
        self.fill_conditions(0..self.conditions.len(), values)
    }

    /// Like [`Template::fill`], but returns only the script of a range of the leaf's conditions.
    pub fn fill_conditions(
        &self,
        conditions: core::ops::Range<usize>,
        values: &[Fill<'_>],
    ) -> Option<Vec<u8>> {
        let mut out = Writer { bytes: Vec::with_capacity(self.size) };
        for part in self.conditions.get(conditions)?.iter().flatten() {
            match part {
                Part::Fixed(bytes) => out.bytes.extend_from_slice(bytes),
                Part::Copy { before, hole, size } => {
                    let Some(Fill::Bytes(value)) = values.get(*hole) else { return None };
                    if value.len() != *size {
                        return None;
                    }
                    out.bytes.extend_from_slice(before);
                    out.bytes.extend_from_slice(value);
                }
                Part::Number { hole, plus } => {
                    let Some(Fill::Number(value)) = values.get(*hole) else { return None };
                    out.number(value.checked_add_unsigned(*plus).and_then(|sum| u64::try_from(sum).ok())?);
                }
            }
        }
        Some(out.bytes)
    }

    /// Returns the number of conditions in the leaf.
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }
}

impl Pair {
    fn text(&self, which: usize) -> String {
        match self {
            Pair::Bytes(values) => values.get(which).map(hex::encode).unwrap_or_default(),
            Pair::Number(values) => values.get(which).map(u64::to_string).unwrap_or_default(),
        }
    }
}

/// Returns the example value of a name in the document, and another value of the same kind. `nth` is the index of the
/// hole.
fn pair(document: &Document, name: &str, nth: usize) -> Option<Pair> {
    document.statements().find_map(|statement| match statement {
        Statement::Key(found, Some(key), _) if found.text == name => {
            // About half of all 32-byte strings are valid keys, so one of 256 hashes is practically certain to be one.
            let hashes = (0..=u8::MAX).map(|byte| HashFn::Sha256.hash(&[key.as_slice(), &[byte]].concat()));
            let other = hashes.into_iter().find(|hash| XOnlyPublicKey::from_slice(hash).is_ok())?;
            Some(Pair::Bytes([key.to_vec(), other]))
        }
        Statement::Bytes(found, Some(bytes)) if found.text == name && bytes.len() >= 20 => {
            // Of a signature, only part of `s` is changed. Its first byte and the hash type stay the same, so that the
            // signature encoding stays valid.
            let (mut other, half) = (bytes.clone(), bytes.len() / 2);
            other.iter_mut().skip(half + 1).take(half.saturating_sub(2)).for_each(|byte| *byte ^= 0x55);
            Some(Pair::Bytes([bytes.clone(), other]))
        }
        // The number is increased by a power of three. The increase of a sum of two holes then differs from the
        // increase of every single hole.
        Statement::Number(found, Some(n)) if found.text == name => {
            let step = 3u64.checked_pow(u32::try_from(nth).ok()?)?;
            Some(Pair::Number([*n, n.checked_add(step)?]))
        }
        _ => None,
    })
}

/// Returns the scripts of a leaf's conditions, one script for each condition.
fn conditions(compiled: &Compiled, leaf: usize) -> Result<Vec<Vec<u8>>, TemplateError> {
    let found = compiled.leaves.get(leaf).ok_or(TemplateError::NoLeaf(leaf))?;
    let Frag::And(parts) = &found.frag else { return Ok(vec![found.script.clone()]) };
    let mut out = Writer::default();
    let mut scripts = Vec::with_capacity(parts.len());
    for part in parts {
        let start = out.bytes.len();
        part.write(compiled.atoms(), &mut out);
        scripts.push(out.bytes.get(start..).unwrap_or_default().to_vec());
    }
    Ok(scripts)
}

/// Returns the data that an instruction pushes, or `None` if it is not a push.
fn pushed(instruction: &Instruction<'_>) -> Option<Vec<u8>> {
    match instruction.opcode.0 {
        0x51..=0x60 => Some(vec![instruction.opcode.0 - Opcode::OP_1.0 + 1]),
        _ if instruction.opcode <= Opcode::OP_PUSHDATA4 => Some(instruction.data.to_vec()),
        _ => None,
    }
}

/// Compares two scripts of the same policy. Bytes that are equal become fixed parts, and pushes that differ become
/// holes. `start` is the byte offset of the scripts in their leaf.
fn parts(one: &[u8], other: &[u8], pairs: &[Pair], start: usize) -> Result<Vec<Part>, TemplateError> {
    let mut found: Vec<Part> = Vec::new();
    let (mut ones, mut others) = (Instructions::new(one), Instructions::new(other));
    loop {
        let at = start + ones.offset();
        let bad = || TemplateError::NotAPush(at);
        let [begin, other_begin] = [ones.offset(), others.offset()];
        let (left, right) = match (ones.next(), others.next()) {
            (None, None) => return Ok(found),
            (Some(Ok(left)), Some(Ok(right))) => (left, right),
            _ => return Err(bad()),
        };
        let bytes = one.get(begin..ones.offset()).unwrap_or_default();
        if Some(bytes) == other.get(other_begin..others.offset()) {
            match found.last_mut() {
                Some(Part::Fixed(fixed)) => fixed.extend_from_slice(bytes),
                _ => found.push(Part::Fixed(bytes.to_vec())),
            }
            continue;
        }
        let (left, right) = pushed(&left).zip(pushed(&right)).ok_or_else(bad)?;
        let hole = pairs.iter().enumerate().find_map(|(hole, pair)| match pair {
            Pair::Bytes([a, b]) => {
                let before = bytes.strip_suffix(a.as_slice())?;
                right.ends_with(b).then(|| Part::Copy { before: before.to_vec(), hole, size: a.len() })
            }
            Pair::Number([a, b]) => {
                let plus = number(&left)?.checked_sub(*a)?;
                (number(&right)? == b.checked_add(plus)?).then_some(Part::Number { hole, plus })
            }
        });
        found.push(hole.ok_or_else(bad)?);
    }
}

/// Returns the number that a push leaves, or `None` if the data are not a number or the number is negative.
fn number(pushed: &[u8]) -> Option<u64> {
    script_num::decode(pushed, 5, true).ok().and_then(|number| u64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const KEYS: &str = "key A = d31c7433ee04327e18e7e912b6b0380fa10efbf8430898c5a957f1d1c768c850;
                        key B = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
                        bytes h = 9b367605effb8e4090d507070ddaa6a2a7850820; number n = 16; number T = 144;";

    fn template(output: &str, leaf: usize, holes: &[&str]) -> Result<Template, TemplateError> {
        let document = crate::parse::parse(&format!("{KEYS} {output}")).unwrap();
        Template::new(&document, leaf, holes)
    }

    #[test]
    fn holes_are_pushes_and_numbers_are_shortest() {
        let output = "tr(nums,{pk(B),and(pk(A),hash160(h),after(500000000+n+1))})";
        let found = template(output, 1, &["n", "h", "A"]).unwrap();
        let fill = |n| {
            let values = [Fill::Number(n), Fill::Bytes(&[5; 20]), Fill::Bytes(&[6; 32])];
            found.fill(&values).map(hex::encode)
        };
        let (h, a) = ("05".repeat(20), "06".repeat(32));
        let script = |n: &str| Some(format!("20{a}ad82012088a914{h}88{n}b1"));
        assert_eq!(fill(0), script("040165cd1d"));
        assert_eq!(fill(-1), script("040065cd1d"));
        // Tests the values at which the encoding changes: 16 and 17, 127 and 128.
        assert_eq!(fill(16 - 500_000_001), script("60"));
        assert_eq!(fill(17 - 500_000_001), script("0111"));
        assert_eq!(fill(128 - 500_000_001), script("028000"));
        assert_eq!(fill(-500_000_001), script("00"));
        assert_eq!(fill(-500_000_002), None);
        assert_eq!(found.conditions(), 3);
        assert_eq!(
            found.fill_conditions(2..3, &[Fill::Number(0)]).map(hex::encode),
            Some("040165cd1db1".to_owned())
        );
        assert_eq!(found.fill_conditions(2..4, &[Fill::Number(0)]), None);
    }

    #[test]
    fn values_of_another_kind_or_length_are_refused() {
        let found = template("tr(nums,and(pk(A),older(T)))", 0, &["A", "T"]).unwrap();
        let key = Fill::Bytes(&[6; 32]);
        assert!(found.fill(&[key, Fill::Number(5)]).is_some());
        assert_eq!(found.fill(&[Fill::Bytes(&[6; 31]), Fill::Number(5)]), None);
        assert_eq!(found.fill(&[key, key]), None);
        assert_eq!(found.fill(&[key]), None);
    }

    #[test]
    fn what_is_no_hole_is_refused() {
        let refused = |output, leaf, holes: &[&str]| template(output, leaf, holes).unwrap_err();
        assert_eq!(refused("tr(A,pk(B))", 1, &["B"]), TemplateError::NoLeaf(1));
        assert_eq!(refused("tr(A,pk(B))", 0, &["C"]), TemplateError::NoValue("C".into()));
        // Twice a number, the sum of two holes, and the hash of a hole are not pushes of the hole's value.
        assert_eq!(refused("tr(A,and(pk(B),older(T+T)))", 0, &["T", "n"]), TemplateError::NotAPush(34));
        assert_eq!(refused("tr(A,and(pk(B),older(T+n)))", 0, &["T", "n"]), TemplateError::NotAPush(34));
        assert!(template("tr(A,and(pk(B),older(T+n)))", 0, &["T"]).is_ok());
        let TemplateError::Policy(error) = refused("tr(A,hash160(h))", 0, &["h"]) else { panic!() };
        assert!(matches!(error.kind, ErrorKind::Refused(crate::Reason::Unprotected, _)));
    }
}
