//! Cases that show for each transaction field and each hash type whether a BIP 118 signature commits to the field.

use super::*;

/// Returns whether the signature message of a BIP 118 hash type commits to a field, according to the text of BIP 118.
fn commits(hash_type: u8, field: Field) -> bool {
    let inputs = hash_type & 0xc0;
    let (all_inputs, any_script) = (inputs == 0, inputs == ANYSCRIPT);
    let single = hash_type & 3 == 3;
    let all_outputs = hash_type & 3 < 2;
    match field {
        Field::Version | Field::LockTime | Field::OwnSequence => true,
        Field::AnnexAdded | Field::AnnexChanged | Field::CodeSeparator => true,
        Field::OwnOutpoint => all_inputs || inputs == ANYONECANPAY,
        Field::OwnAmount | Field::OwnScriptPubKey | Field::Leaf => !any_script,
        Field::OtherOutpoint | Field::OtherAmount | Field::OtherScriptPubKey => all_inputs,
        Field::OtherSequence | Field::InputAdded => all_inputs,
        Field::OtherScriptSig => false,
        // The index determines the output that SIGHASH_SINGLE signs.
        Field::InputIndex => all_inputs || single,
        Field::OwnOutput => all_outputs || single,
        Field::OtherOutput | Field::OutputAdded => all_outputs,
    }
}

pub(super) fn commitments(group: &mut Group) {
    for hash_type in DEFINED {
        for annex in [false, true] {
            let mut spec = valid(hash_type);
            spec.annex = annex.then(|| vec![0x50, 1, 2, 3]);
            let id = format!("commits-{hash_type:02x}{}", if annex { "-annex" } else { "" });
            let comment =
                format!("hash type {hash_type:#04x}, {} annex", if annex { "with" } else { "without" });
            let base = group.accept(&id, &COMMITS, &comment, spec);
            if annex {
                commitment(group, &base, &id, hash_type, Field::AnnexChanged);
            } else {
                for field in Field::OF_TX.iter().chain(Field::OF_TAPSCRIPT) {
                    if *field != Field::AnnexChanged {
                        commitment(group, &base, &id, hash_type, *field);
                    }
                }
            }
        }
    }
    let separators = [Opcode::OP_CODESEPARATOR, Opcode::OP_NOP, Opcode::OP_CODESEPARATOR];
    for hash_type in [0x00, 0x41, 0xc1] {
        let mut spec = leaf(&Key(1).bip118(), Signature { code_separator: 2, ..sign(hash_type) });
        spec.script = Script::new().ops(&separators).push(&Key(1).bip118()).op(CHECKSIG);
        let id = format!("code-separator-{hash_type:02x}");
        let base = group.accept(&id, &COMMITS, "the second of two OP_CODESEPARATORs is opcode 2", spec);
        for (slug, position) in [("first", 0), ("next", 3), ("none", u32::MAX)] {
            group.reject(
                &base,
                &format!("{id}-{slug}"),
                &COMMITS,
                &format!("the signature commits to position {position:#x}"),
                |spec| spec.stack[0] = Signature { code_separator: position, ..sign(hash_type) }.into(),
                fails(ScriptError::SchnorrSig),
            );
        }
    }
}

fn commitment(group: &mut Group, base: &Accepted, id: &str, hash_type: u8, field: Field) {
    let signature = Signature { signed_with: vec![field], ..sign(hash_type) };
    let difference = format!("the signature was made for a spend with {}", field.words());
    let id = format!("{id}-{}", field.slug());
    if commits(hash_type, field) {
        let change = |spec: &mut Spec| spec.stack[0] = signature.into();
        group.reject(base, &id, &COMMITS, &difference, change, fails(ScriptError::SchnorrSig));
    } else {
        group.accept_changed(base, &id, &COMMITS, &difference, |spec| spec.stack[0] = signature.into());
    }
}
