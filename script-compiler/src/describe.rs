//! Formats conditions in the syntax of the policy language.

use crate::atom::{Atom, KeyRef};
use crate::message::{Bounds, Msg};
use crate::node::Node;
use crate::policy::Compare;
use crate::program::Program;

impl Program {
    /// Returns a condition in the syntax of the policy language, with the names that the policy text gives to its
    /// values.
    pub fn describe(&self, atom: usize) -> String {
        match self.atoms.get(atom) {
            Some(atom) => self.describe_atom(atom),
            None => "?".into(),
        }
    }

    /// Returns a policy in the syntax of the policy language, without weights.
    pub fn describe_policy(&self, node: &Node) -> String {
        let list = |children: &mut dyn Iterator<Item = &Node>| {
            let words: Vec<String> = children.map(|child| self.describe_policy(child)).collect();
            words.join(",")
        };
        match node {
            Node::True => "TRIVIAL".into(),
            Node::False => "UNSATISFIABLE".into(),
            Node::Atom(atom) => self.describe(*atom),
            Node::And(children) => format!("and({})", list(&mut children.iter())),
            Node::Or(children) => format!("or({})", list(&mut children.iter().map(|(_, child)| child))),
            Node::Thresh(k, children) => format!("thresh({k},{})", list(&mut children.iter())),
        }
    }

    fn key(&self, key: &KeyRef) -> String {
        if key.internal { "internal".into() } else { self.key_name(&key.x) }
    }

    /// Returns the name of a key, or its hex encoding if it has no name.
    pub fn key_name(&self, key: &[u8; 32]) -> String {
        self.key_names.get(key).cloned().unwrap_or_else(|| hex::encode(key))
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        self.byte_names.get(bytes).cloned().unwrap_or_else(|| hex::encode(bytes))
    }

    fn describe_atom(&self, atom: &Atom) -> String {
        match atom {
            Atom::Sig(key) => format!("pk({})", self.key(key)),
            Atom::After(n) => format!("after({n})"),
            Atom::Older(n) => format!("older({n})"),
            Atom::Hash(hash, image) => format!("{}({})", hash.name(), self.bytes(image)),
            Atom::Rebind(rebind, key) => format!("{}({})", rebind.name(), self.key(key)),
            Atom::Presigned(key, signature) => {
                format!("presigned({},{})", self.key(key), self.bytes(signature))
            }
            Atom::Ctv(hash) => format!("ctv({})", self.bytes(hash)),
            Atom::TemplateHash(hash) => format!("templatehash({})", self.bytes(hash)),
            Atom::Opens(commitment, msg) => {
                format!("opens({},{})", self.bytes(commitment), self.message(msg))
            }
            Atom::Signed(msg, keys) => {
                let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
                format!("signed({},{})", self.message(msg), keys.join(","))
            }
        }
    }

    fn message(&self, msg: &Msg) -> String {
        match msg {
            Msg::Fixed(bytes) => self.bytes(bytes),
            Msg::Any(slot) => format!("any({slot})"),
            Msg::Any32(slot) => format!("any32({slot})"),
            Msg::Number(bounds) => match *bounds {
                Bounds::Newer(n) => Compare::Newer(n),
                Bounds::AtLeast(n) => Compare::AtLeast(n),
                Bounds::AtMost(n) => Compare::AtMost(n),
                Bounds::Between(a, b) => Compare::Between(a, b),
            }
            .to_string(),
            Msg::NewerWide(n) => format!("newer_wide({n})"),
            Msg::NewerOpened(join, commitment) => {
                format!("newer_{}({})", join.name(), self.bytes(commitment))
            }
            Msg::Locktime => "locktime".into(),
            Msg::Ctv(_) => "ctv".into(),
            Msg::TemplateHash => "templatehash".into(),
            Msg::Delegate => "delegate".into(),
            Msg::Join(join, left, right) => {
                format!("{}({},{})", join.name(), self.message(left), self.message(right))
            }
            Msg::Sha256(inner) => format!("sha256({})", self.message(inner)),
        }
    }
}
