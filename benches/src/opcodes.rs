//! Tapscripts ([`Shape`]) that repeat one opcode. They exist for every opcode that can be repeated, with operands of
//! the relevant sizes.

use sigstack_interpreter::limits::VALIDATION_WEIGHT_PER_SIGOP;
use sigstack_interpreter::{Flags, Instructions, KeyVersion, Opcode, PROPOSALS, Proposal, ProposalId};

use crate::shape::{Base, Shape};

/// Kind of the operands of an opcode. It determines the initial stacks on which the opcode is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The timed opcode has no operands, or the size of its operands does not matter.
    Nothing,
    /// The operands of the timed opcode are numbers.
    Numbers,
    /// The operands of the timed opcode are stack elements of any size.
    Elements,
    /// The operand of the timed opcode is the depth of a stack element. The stack has at least this number of elements
    /// below it.
    Depth,
    /// The operand of the timed opcode is a lock time of zero.
    LockTime,
    /// The operands of the timed opcode are a signature and its public key.
    Signature,
    /// The operands of the timed opcode are a signature, a number and the public key.
    SignatureNumber,
}

/// Opcodes of today's tapscript, in groups. Each row has the kind of the operands, the sequence of opcodes that the
/// timed script repeats, and the opcodes of the group. Each of them is timed in place of the `_` in the sequence.
const ROWS: &[(Takes, &str, &[&str])] = &[
    (Takes::Nothing, "_ DROP", &["0", "1NEGATE", "1", "16", "DEPTH"]),
    (Takes::Nothing, "_", &["NOP", "NOP1", "NOP10", "CODESEPARATOR"]),
    (Takes::Nothing, "1 _ ENDIF", &["IF", "NOTIF"]),
    (Takes::Nothing, "1 IF _ ENDIF", &["ELSE"]),
    (Takes::Nothing, "0 IF _ ENDIF", &["RETURN"]),
    (Takes::Numbers, "DUP _ DROP", &["1ADD", "1SUB", "NEGATE", "ABS", "NOT", "0NOTEQUAL"]),
    (
        Takes::Numbers,
        "2DUP _ DROP",
        &["ADD", "SUB", "BOOLAND", "BOOLOR", "NUMEQUAL", "NUMNOTEQUAL", "LESSTHAN"],
    ),
    (Takes::Numbers, "2DUP _ DROP", &["GREATERTHAN", "LESSTHANOREQUAL", "GREATERTHANOREQUAL", "MIN", "MAX"]),
    (Takes::Numbers, "2DUP _", &["NUMEQUALVERIFY"]),
    (Takes::Numbers, "3DUP _ DROP", &["WITHIN"]),
    (Takes::Elements, "DUP _ DROP", &["RIPEMD160", "SHA1", "SHA256", "HASH160", "HASH256"]),
    (Takes::Elements, "3DUP _ DROP _ DROP _ DROP", &["RIPEMD160", "SHA1", "SHA256", "HASH160", "HASH256"]),
    (Takes::Elements, "_", &["RIPEMD160", "SHA1", "SHA256", "HASH160", "HASH256"]),
    (Takes::Elements, "DUP _", &["DROP", "NIP", "VERIFY"]),
    (Takes::Elements, "_ DROP", &["DUP", "OVER", "TUCK", "IFDUP", "SIZE"]),
    (Takes::Elements, "_ 2DROP", &["2DUP", "2OVER"]),
    (Takes::Elements, "_ 2DROP DROP", &["3DUP"]),
    (Takes::Elements, "2DUP _", &["2DROP", "EQUALVERIFY"]),
    (Takes::Elements, "2DUP _ DROP", &["EQUAL"]),
    (Takes::Elements, "_", &["ROT", "SWAP", "2ROT", "2SWAP"]),
    (Takes::Elements, "_ FROMALTSTACK", &["TOALTSTACK"]),
    (Takes::Elements, "TOALTSTACK _", &["FROMALTSTACK"]),
    (Takes::Depth, "DUP _ DROP", &["PICK"]),
    (Takes::Depth, "DUP _", &["ROLL"]),
    (Takes::LockTime, "_", &["CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY"]),
    (Takes::Signature, "2DUP _ DROP", &["CHECKSIG"]),
    (Takes::Signature, "2DUP _", &["CHECKSIGVERIFY"]),
    (Takes::Signature, "2DUP _ 2ROT", &["CHECKSIGVERIFY"]),
    (Takes::SignatureNumber, "3DUP _ DROP", &["CHECKSIGADD"]),
];

/// Number of stack elements that suffices for the operands of every opcode.
const FEW: usize = 6;
/// Number of stack elements close to the limit of 1,000, which leaves room for the elements that the repeated opcodes
/// add.
const MANY: usize = 990;

fn bases(takes: Takes) -> Vec<Base> {
    let number = |count, number| Base::Number { count, number };
    match takes {
        Takes::Nothing => vec![number(1, 1)],
        Takes::Numbers => vec![number(FEW, 1), number(FEW, i64::from(i32::MAX)), number(MANY, -1_000)],
        Takes::Elements => [(FEW, 1), (FEW, 8), (FEW, 32), (FEW, 119), (FEW, 520), (MANY, 1), (MANY, 520)]
            .map(|(count, size)| Base::Bytes { count, size })
            .to_vec(),
        Takes::Depth => vec![number(FEW, 4), number(200, 190), number(MANY, 980)],
        Takes::LockTime => vec![number(1, 0)],
        Takes::Signature => vec![Base::Signature(KeyVersion::Bip342, 0)],
        Takes::SignatureNumber => vec![Base::SignatureNumber],
    }
}

/// Returns the shapes (tapscripts that repeat one opcode) for all opcodes that are active in tapscript today.
pub fn today() -> Vec<Shape> {
    let of_row = |(takes, body, opcodes): &(Takes, &'static str, &'static [&'static str])| {
        let (takes, body) = (*takes, *body);
        opcodes.iter().flat_map(move |opcode| {
            bases(takes).into_iter().map(move |base| Shape {
                opcode,
                body: body.replace('_', opcode),
                base,
                flags: Flags::CONSENSUS,
                checks: usize::from(matches!(takes, Takes::Signature | Takes::SignatureNumber)),
            })
        })
    };
    ROWS.iter().flat_map(of_row).collect()
}

/// Returns the shapes (tapscripts that repeat one opcode) of proposals, each with the name of the proposal's flag.
pub fn proposed() -> Vec<(&'static str, Shape)> {
    let of_scripts = PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts());
    of_scripts.flat_map(|proposal| shapes(proposal).into_iter().map(|shape| (proposal.name, shape))).collect()
}

/// Returns the shapes (tapscripts that repeat one opcode) of a proposal. In a body, which is the repeated part, `_`
/// stands for the opcode. Each body is tried with each base (initial stack). A proposal that is not listed here has
/// one shape, made from the example script in [`Proposal::sample`].
fn shapes(proposal: &Proposal) -> Vec<Shape> {
    let elements = |sizes: &[usize]| -> Vec<Base> {
        sizes.iter().map(|size| Base::Bytes { count: FEW, size: *size }).collect()
    };
    let (opcode, bodies, bases): (&str, &[&str], Vec<Base>) = match proposal.id {
        ProposalId::CHECKSIGFROMSTACK => (
            "CHECKSIGFROMSTACK",
            &["3DUP _ DROP", "3DUP _ DROP 5 ROLL 5 ROLL 5 ROLL"],
            [0, 32, 64, 256, 520].map(Base::SignedMessage).to_vec(),
        ),
        ProposalId::ANYPREVOUT => (
            "CHECKSIG",
            &["2DUP _ DROP", "2DUP _VERIFY 2ROT"],
            BIP118_HASH_TYPES.map(|hash_type| Base::Signature(KeyVersion::Bip118, hash_type)).to_vec(),
        ),
        ProposalId::CHECKTEMPLATEVERIFY => ("NOP4", &["_"], vec![Base::CheckTemplate]),
        ProposalId::OP_CAT => ("CAT", &["2DUP _ DROP"], elements(&[1, 8, 32, 128, 260])),
        ProposalId::PAIRCOMMIT => ("PAIRCOMMIT", &["2DUP _ DROP", "DUP _"], elements(&[1, 32, 55, 119, 520])),
        _ => return of_sample(proposal).into_iter().collect(),
    };
    let shape = |body: &str, base| Shape {
        opcode,
        body: body.replace('_', opcode),
        base,
        flags: Flags::CONSENSUS | proposal.flag,
        checks: checks(proposal),
    };
    bodies.iter().flat_map(|body| bases.iter().map(|base| shape(body, base.clone()))).collect()
}

/// Returns a shape that repeats the example script of a proposal and drops its result each time. Returns `None` if the
/// proposal has no example.
fn of_sample(proposal: &Proposal) -> Option<Shape> {
    let sample = proposal.sample?;
    let opcode = proposal.opcodes.first().map_or("CHECKSIG", |info| &info.name["OP_".len()..]);
    let pushes = sample.stack.iter().map(|element| format!("0x{}", hex(element)));
    let words =
        Instructions::new(sample.script).map_while(Result::ok).map(|instruction| match instruction.opcode {
            Opcode(1..=78) => format!("0x{}", hex(instruction.data)),
            opcode => opcode.to_string()["OP_".len()..].to_owned(),
        });
    let body = pushes.chain(words).chain(["DROP".to_owned()]).collect::<Vec<_>>().join(" ");
    let base = Base::Number { count: 1, number: 1 };
    Some(Shape { opcode, body, base, flags: Flags::CONSENSUS | proposal.flag, checks: checks(proposal) })
}

/// Returns the number of signature checks that one use of the proposal makes: 1 if it uses up signature operation
/// budget, otherwise 0.
fn checks(proposal: &Proposal) -> usize {
    usize::from(proposal.cost >= VALIDATION_WEIGHT_PER_SIGOP)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash types that BIP 118 defines for its public keys.
pub const BIP118_HASH_TYPES: [u8; 13] =
    [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sigstack_interpreter::OPCODES;

    use super::*;
    use crate::keys::Keys;

    #[test]
    fn every_shape_is_valid() {
        for shape in today().into_iter().chain(proposed().into_iter().map(|(_, shape)| shape)) {
            let case = shape.case(&mut Keys::of(&shape.name(), 0), 3);
            assert!(case.verify(shape.flags), "{}", shape.name());
        }
    }

    /// Every proposal with an example script has a valid shape. A proposal that is added later is therefore measured,
    /// too.
    #[test]
    fn the_sample_of_every_proposal_is_a_shape() {
        for shape in PROPOSALS.iter().filter_map(|proposal| of_sample(proposal)) {
            let case = shape.case(&mut Keys::of(&shape.name(), 0), 3);
            assert!(case.verify(shape.flags), "{}", shape.name());
        }
    }

    #[test]
    fn every_opcode_of_tapscript_is_there() {
        let covered: BTreeSet<String> = today()
            .iter()
            .chain(proposed().iter().map(|(_, shape)| shape))
            .flat_map(|shape| shape.body.split(' ').map(|word| format!("OP_{word}")).collect::<Vec<_>>())
            .collect();
        // Every base consists of pushes, so these have no shape. Small numbers are equivalent, and so are NOPs.
        // OP_CHECKMULTISIG is disabled in tapscript.
        let exempt = |name: &str| {
            name.starts_with("OP_PUSHDATA")
                || name.starts_with("OP_NOP")
                || name.strip_prefix("OP_").is_some_and(|number| number.parse::<u8>().is_ok())
                || name.starts_with("OP_CHECKMULTISIG")
                || name == "OP_INVALIDOPCODE"
        };
        for info in OPCODES.iter().filter(|info| !exempt(info.name)) {
            let succeeds = info.opcode.is_success() && !covered.contains(info.name);
            let fails = matches!(info.name, "OP_VERIF" | "OP_VERNOTIF" | "OP_RESERVED1" | "OP_RESERVED2");
            assert!(succeeds || fails || covered.contains(info.name), "{}", info.name);
        }
    }
}
