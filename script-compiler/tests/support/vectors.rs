//! The compiler's test vectors: every way to spend the policy files, and each of its witnesses with damage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};
use sigstack_compiler::{Branch, compile};
use sigstack_interpreter::Flags;
use sigstack_vectors::{Case, Expect, Subject};

use super::{damaged, files, verify, with_witness};

pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/compiler/constructions.jsonl")
}

fn extra(fields: &[(&str, &str)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
}

/// Returns all test vectors of the compiler, one line of text each.
pub fn lines() -> String {
    let mut lines = String::new();
    for name in files::names() {
        let (document, mut world) = files::load(&name);
        let compiled = compile(&document, &BTreeMap::new(), &BTreeSet::new()).unwrap();
        let mut branches: Vec<Branch> = (0..compiled.leaves.len()).map(Branch::Leaf).collect();
        branches.extend(compiled.key_path.map(|_| Branch::Key));
        for branch in branches {
            let way = match branch {
                Branch::Key => "key".to_owned(),
                Branch::Leaf(nth) => format!("leaf-{nth}"),
            };
            let assets = world.assets(compiled.atoms(), 0..compiled.atoms().len());
            let plan = compiled.plan_among(&assets, |other| other == branch).unwrap();
            let (tx, prevout) = world.fill(&compiled, &plan);
            let met: Vec<String> = plan.atoms.iter().map(|&atom| compiled.program.describe(atom)).collect();
            let flags = Flags::CONSENSUS | plan.flags;
            let id = format!("compiler/{name}-{way}");
            let mut case = Case {
                id: Some(id.clone()),
                comment: met.join(", "),
                tx: tx.clone(),
                subject: Subject::Input(0),
                prevouts: vec![prevout.clone()],
                flags,
                expect: Expect::Ok,
                extra: extra(&[("group", "compiler"), ("policy", &name)]),
            };
            lines += &case.to_line();
            lines.push('\n');
            let witness: Vec<Vec<u8>> = tx.input[0].witness.to_vec();
            for (nth, (what, witness)) in damaged(&witness).into_iter().enumerate() {
                case.tx = with_witness(&tx, &witness);
                case.id = Some(format!("{id}-damaged-{nth}"));
                case.comment = what.clone();
                case.expect = Expect::Error(verify(&case.tx, &prevout, flags).unwrap_err());
                case.extra =
                    extra(&[("group", "compiler"), ("policy", &name), ("twin", &id), ("differs", &what)]);
                lines += &case.to_line();
                lines.push('\n');
            }
        }
    }
    lines
}
