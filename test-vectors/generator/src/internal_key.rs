//! Cases of OP_INTERNALKEY (BIP 349).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, KeyVersion, Opcode, Proposal, ScriptError};

use super::group::{Group, Rule};
use super::item::{Item, Signature};
use super::keys::{Key, digest_of};
use super::script::Script;
use super::spec::{Spec, StopsAt, Verdict};
use super::{opcode_mistakes, states, template};
use sigstack_vectors::Case;

const SPECIFICATION: &str = "BIP 349, Specification";

const PUSHES: Rule = Rule {
    source: SPECIFICATION,
    text: "pushes the 32-byte x-only internal key of the control block that the leaf is spent with",
    only: None,
};
const THIS_BLOCK: Rule = Rule {
    source: SPECIFICATION,
    text: "the key does not depend on the tree, the leaf's place in it, or the output key's parity",
    only: None,
};
const AS_KEY: Rule = Rule {
    source: "BIP 349, Motivation",
    text: "what it pushes is a key for the signature opcodes",
    only: None,
};
const FULL_STACK: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "the push counts toward the 1,000 elements of the stack",
    only: None,
};

const IK: Opcode = Opcode::OP_INTERNALKEY;
const DIFFERS: Verdict = Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY));

fn expecting(key: &[u8]) -> Script {
    Script::new().op(IK).push(key).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1])
}

fn pushing(key: Key) -> Spec {
    let mut spec = Spec::tapscript(expecting(&key.x_only())).under(Flags::INTERNALKEY);
    spec.internal_key = key;
    spec
}

fn sibling(nth: usize) -> [u8; 32] {
    digest_of(&format!("sibling {nth}"))
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("internalkey");
    states::success_opcode(&mut group, Proposal::INTERNALKEY, &pushing(Key(3)));
    for number in 0..24 {
        let id = format!("key-{number}");
        let base = group.accept(&id, &PUSHES, "the internal key", pushing(Key(number)));
        group.reject(
            &base,
            &format!("{id}-other-block"),
            &PUSHES,
            "the output has another internal key",
            |spec| spec.internal_key = Key(number + 100),
            DIFFERS,
        );
        let compressed = Key(number).compressed();
        group.reject(
            &base,
            &format!("{id}-not-compressed"),
            &PUSHES,
            "the script expects the key with its parity byte",
            |spec| spec.script = expecting(&compressed),
            DIFFERS,
        );
    }
    for depth in [0, 1, 2, 3, 10, 127, 128] {
        for number in [0, 1, 2, 3] {
            let mut spec = pushing(Key(number));
            spec.path = (0..depth).map(sibling).collect();
            let id = format!("depth-{depth}-key-{number}");
            let base = group.accept(&id, &THIS_BLOCK, &format!("{depth} steps below the root"), spec);
            group.reject(
                &base,
                &format!("{id}-other-block"),
                &THIS_BLOCK,
                "the output has another internal key",
                |spec| spec.internal_key = Key(number + 100),
                DIFFERS,
            );
        }
    }
    for annex in [vec![0x50], vec![0x50; 300]] {
        let mut spec = pushing(Key(4));
        let id = format!("annex-{}", annex.len());
        spec.annex = Some(annex);
        group.accept(&id, &THIS_BLOCK, "with an annex", spec);
    }
    as_key(&mut group);
    let size = |number| Script::new().ops(&[IK, Opcode::OP_SIZE]).number(number).op(Opcode::OP_EQUALVERIFY);
    let base = group.accept("size", &PUSHES, "32 bytes", Spec::tapscript(size(32)).under(Flags::INTERNALKEY));
    group.reject(&base, "size-33", &PUSHES, "the script expects 33", |spec| spec.script = size(33), DIFFERS);
    template::stack_limit(&mut group, &FULL_STACK, IK, Flags::INTERNALKEY);
    opcode_mistakes::internal_key(&mut group);
    group.finish()
}

fn as_key(group: &mut Group) {
    let sign = |key: Key, hash_type: u8| Signature::new(key, hash_type, KeyVersion::Bip342);
    for hash_type in [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
        for opcode in [Opcode::OP_CHECKSIG, Opcode::OP_CHECKSIGVERIFY, Opcode::OP_CHECKSIGADD] {
            let script = match opcode {
                Opcode::OP_CHECKSIGVERIFY => Script::new().ops(&[IK, opcode, Opcode::OP_1]),
                Opcode::OP_CHECKSIGADD => Script::new().ops(&[Opcode::OP_0, IK, opcode]),
                _ => Script::new().ops(&[IK, opcode]),
            };
            let spec = Spec::tapscript(script).under(Flags::INTERNALKEY).with(sign(Key(0), hash_type));
            let id =
                format!("{}-{hash_type:02x}", opcode.to_string().trim_start_matches("OP_").to_lowercase());
            let base = group.accept(&id, &AS_KEY, "the internal key signs", spec);
            let invalid = Verdict::Reject(ScriptError::SchnorrSig, StopsAt::Opcode(opcode));
            let other = Item::from(sign(Key(1), hash_type));
            let id = format!("{id}-other-signer");
            group.reject(&base, &id, &AS_KEY, "another key signs", |spec| spec.stack[0] = other, invalid);
        }
    }
    let flags = Flags::INTERNALKEY | Flags::CHECKSIGFROMSTACK;
    for message in [&b""[..], b"message", &[7; 32], &[7; 520]] {
        let signed = |key: Key| Item::message(key, message);
        let script = Script::new().ops(&[IK, Opcode::OP_CHECKSIGFROMSTACK]);
        let spec = Spec::tapscript(script).under(flags).with(signed(Key(0))).with_bytes(message);
        let id = format!("csfs-{}", message.len());
        let base = group.accept(&id, &AS_KEY, "the internal key signs a message", spec);
        group.reject(
            &base,
            &format!("{id}-other-signer"),
            &AS_KEY,
            "another key signs",
            |spec| spec.stack[0] = signed(Key(1)),
            Verdict::Reject(ScriptError::SchnorrSig, StopsAt::Opcode(Opcode::OP_CHECKSIGFROMSTACK)),
        );
    }
}
