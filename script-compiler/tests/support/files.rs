//! The policy files and the example values in them.
//!
//! The secret of a key is SHA256("sigstack example key NAME"), except for G, whose secret is 1. The prefix of a name
//! decides how its bytes are computed: `hash160_` and `sha256_` are hashes of preimages, `ctv_`, `th_` and `sig_` are
//! templates (`sig_` as a signature by G), `pair_` and `cat_` are commitments to the number 70000, `commit_` is a
//! commitment to two values from the witness, `tag_` is a hash.

use std::path::PathBuf;

use secp256k1::Keypair;
use sigstack_compiler::policy::{Document, HashFn, Item, Join, Statement};
use sigstack_compiler::{Value, pair_commit, parse};

use super::{Template, World, hash, template_output, x_only};

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// Returns the sorted names of all policy files.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap().strip_suffix(".policy").map(str::to_owned)
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

pub fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.policy"))).unwrap()
}

/// Returns the template transaction for a name in the policy files. Its nLockTime and nSequence satisfy every lock in
/// these files.
fn template(name: &str) -> Template {
    Template { lock_time: 900_000, sequence: 144, outputs: vec![template_output(name)] }
}

fn bytes(world: &mut World, name: &str) -> Option<Vec<u8>> {
    let (prefix, rest) = name.split_once('_')?;
    Some(match prefix {
        "hash160" => world.preimage(HashFn::Hash160, rest),
        "sha256" => world.preimage(HashFn::Sha256, rest),
        "ctv" => world.template(&template(rest)).ctv.to_vec(),
        "th" => world.template(&template(rest)).template_hash.to_vec(),
        "sig" => {
            let generator = Keypair::from_secret_bytes(one()).unwrap();
            world.presign(&generator, &template(rest))
        }
        "pair" => world.commit(Join::Pair, 70_000, rest).to_vec(),
        "cat" => world.commit(Join::Cat, 70_000, rest).to_vec(),
        "commit" => {
            let (value, blinding) = (world.slot("value"), world.slot("blinding"));
            let commitment = pair_commit(&value, &blinding).to_vec();
            world.openings.insert(commitment.clone(), vec![Value::Bytes(value), Value::Bytes(blinding)]);
            commitment
        }
        "tag" => hash(&["tag", rest]).to_vec(),
        _ => return None,
    })
}

fn one() -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    one
}

/// Returns the document of a policy file, with example values for its names, and the secrets for these values.
pub fn load(name: &str) -> (Document, World) {
    let text = read(name);
    let mut document = parse(&text).unwrap_or_else(|error| panic!("{name}: {}", error.render(&text)));
    let mut world = World { signed_lock: 800_000, ..World::default() };
    for item in &mut document.items {
        match item {
            Item::Statement(Statement::Key(name, value, _), _) => {
                *value = Some(if name.text == "G" {
                    let pair = Keypair::from_secret_bytes(one()).unwrap();
                    world.keys.insert(x_only(&pair), pair);
                    x_only(&pair)
                } else {
                    world.key(&name.text)
                });
            }
            Item::Statement(Statement::Bytes(name, value), _) => {
                if let Some(made) = bytes(&mut world, &name.text) {
                    *value = Some(made);
                }
            }
            _ => {}
        }
    }
    (document, world)
}
