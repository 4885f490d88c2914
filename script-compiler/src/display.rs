//! Formats a document in the canonical layout. Parsing the output returns the same document, and formatting that again
//! returns the same text.

use core::fmt::{self, Display, Formatter};

use crate::policy::*;

/// Maximum width of a line in bytes. An expression that is wider is split over several lines.
const MAX_WIDTH: usize = 100;

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Key::Name(name) => f.write_str(&name.text),
            Key::Literal(bytes, _) => f.write_str(&hex::encode(bytes)),
            Key::Internal(_) => f.write_str("internal"),
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (nth, term) in self.terms.iter().enumerate() {
            if nth > 0 {
                f.write_str("+")?;
            }
            match term {
                Term::Name(name) => f.write_str(&name.text)?,
                Term::Literal(number) => write!(f, "{number}")?,
            }
        }
        Ok(())
    }
}

/// Returns `true` if byte strings of this length are written without `0x`: hashes and keys, and BIP 118 signatures with
/// their hash type.
pub(crate) const fn is_bare_length(len: usize) -> bool {
    matches!(len, 20 | 32 | 65)
}

fn write_bytes(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    let prefix = if is_bare_length(bytes.len()) { "" } else { "0x" };
    write!(f, "{prefix}{}", hex::encode(bytes))
}

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Bytes::Name(name) => f.write_str(&name.text),
            Bytes::Literal(bytes, _) => write_bytes(bytes, f),
        }
    }
}

impl<N: Display> Display for Compare<N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Compare::Newer(n) => write!(f, "newer({n})"),
            Compare::AtLeast(n) => write!(f, "atleast({n})"),
            Compare::AtMost(n) => write!(f, "atmost({n})"),
            Compare::Between(a, b) => write!(f, "between({a},{b})"),
        }
    }
}

impl Join {
    /// Returns the fragment's name in the policy language: `pair` or `cat`.
    pub const fn name(self) -> &'static str {
        match self {
            Join::Pair => "pair",
            Join::Cat => "cat",
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Message::Fixed(bytes) => bytes.fmt(f),
            Message::Any(name) => write!(f, "any({})", name.text),
            Message::Any32(name) => write!(f, "any32({})", name.text),
            Message::Number(compare) => compare.fmt(f),
            Message::NewerWide(n) => write!(f, "newer_wide({n})"),
            Message::NewerOpened(join, c) => write!(f, "newer_{}({c})", join.name()),
            Message::Locktime => f.write_str("locktime"),
            Message::Ctv => f.write_str("ctv"),
            Message::TemplateHash => f.write_str("templatehash"),
            Message::Delegate => f.write_str("delegate"),
            Message::Join(join, left, right) => write!(f, "{}({left},{right})", join.name()),
            Message::Sha256(inner) => write!(f, "sha256({inner})"),
        }
    }
}

impl Rebind {
    /// Returns the fragment's name in the policy language: `apo` or `apoas`.
    pub const fn name(self) -> &'static str {
        match self {
            Rebind::AnyPrevout => "apo",
            Rebind::AnyPrevoutAnyScript => "apoas",
        }
    }
}

impl Display for Policy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Trivial => f.write_str("TRIVIAL"),
            Kind::Unsatisfiable => f.write_str("UNSATISFIABLE"),
            Kind::Pk(key) => write!(f, "pk({key})"),
            Kind::After(n) => write!(f, "after({n})"),
            Kind::Older(n) => write!(f, "older({n})"),
            Kind::Hash(hash, image) => write!(f, "{}({image})", hash.name()),
            Kind::Rebind(rebind, key) => write!(f, "{}({key})", rebind.name()),
            Kind::Presigned(key, signature) => write!(f, "presigned({key},{signature})"),
            Kind::Ctv(hash) => write!(f, "ctv({hash})"),
            Kind::TemplateHash(hash) => write!(f, "templatehash({hash})"),
            Kind::Signed(message, keys) => {
                write!(f, "signed({message}")?;
                keys.iter().try_for_each(|key| write!(f, ",{key}"))?;
                f.write_str(")")
            }
            Kind::Opens(commitment, message) => write!(f, "opens({commitment},{message})"),
            Kind::Named(name) => f.write_str(&name.text),
            Kind::Tree(left, right) => write!(f, "{{{left},{right}}}"),
            Kind::And(_) | Kind::Or(_) | Kind::Thresh(..) => {
                let (head, arguments) = branches(self);
                f.write_str(&head)?;
                for (nth, (prefix, child)) in arguments.iter().enumerate() {
                    let comma = if nth > 0 { "," } else { "" };
                    write!(f, "{comma}{prefix}{child}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Splits an `and`, `or` or `thresh` into its opening and its arguments. Each argument comes with the text before it,
/// such as a weight. Returns an empty result for other fragments.
fn branches(policy: &Policy) -> (String, Vec<(String, &Policy)>) {
    match &policy.kind {
        Kind::And(children) => ("and(".into(), children.iter().map(|child| (String::new(), child)).collect()),
        Kind::Or(children) => {
            let weighted = children.iter().any(|(weight, _)| *weight != 1);
            let prefix = |weight: u32| if weighted { format!("{weight}@") } else { String::new() };
            ("or(".into(), children.iter().map(|(weight, child)| (prefix(*weight), child)).collect())
        }
        Kind::Thresh(k, children) => {
            (format!("thresh({k},"), children.iter().map(|child| (String::new(), child)).collect())
        }
        _ => (String::new(), Vec::new()),
    }
}

/// Writes a policy. If the policy does not fit on the line, it is split over several lines. `used` is the number of
/// bytes already written to the line, `indent` the indentation of the line in bytes.
fn write_broken(f: &mut Formatter<'_>, policy: &Policy, used: usize, indent: usize) -> fmt::Result {
    let line = policy.to_string();
    let (head, arguments) = branches(policy);
    if used + line.len() <= MAX_WIDTH || arguments.is_empty() {
        return f.write_str(&line);
    }
    f.write_str(&head)?;
    let inner = indent + 2;
    for (nth, (prefix, child)) in arguments.iter().enumerate() {
        let comma = if nth > 0 { "," } else { "" };
        write!(f, "{comma}\n{:inner$}{prefix}", "")?;
        write_broken(f, child, inner + prefix.len() + 1, inner)?;
    }
    write!(f, "\n{:indent$})", "")
}

impl Display for Internal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Internal::Nums(_) => f.write_str("nums"),
            Internal::Key(key) => key.fmt(f),
        }
    }
}

impl Display for Output {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Output::Tr(internal, None) => write!(f, "tr({internal})"),
            Output::Tr(internal, Some(policy)) => {
                let head = format!("tr({internal},");
                f.write_str(&head)?;
                write_broken(f, policy, head.len() + 1, 0)?;
                f.write_str(")")
            }
            Output::Bare(policy) => write_broken(f, policy, 0, 0),
        }
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Key(name, value, purpose) => {
                write!(f, "key {}", name.text)?;
                if let Some(value) = value {
                    write!(f, " = {}", hex::encode(value))?;
                }
                match purpose {
                    Purpose::Any => f.write_str(";"),
                    Purpose::Templates => f.write_str(" signs templates;"),
                }
            }
            Statement::Number(name, None) => write!(f, "number {};", name.text),
            Statement::Number(name, Some(value)) => write!(f, "number {} = {value};", name.text),
            Statement::Bytes(name, None) => write!(f, "bytes {};", name.text),
            Statement::Bytes(name, Some(value)) => {
                write!(f, "bytes {} = ", name.text)?;
                write_bytes(value, f)?;
                f.write_str(";")
            }
            Statement::Policy(name, policy) => {
                let head = format!("policy {} = ", name.text);
                f.write_str(&head)?;
                write_broken(f, policy, head.len() + 1, 0)?;
                f.write_str(";")
            }
            Statement::Allow(reason) => write!(f, "allow {};", reason.text),
            Statement::Output(output) => output.fmt(f),
        }
    }
}

impl Display for Document {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (nth, item) in self.items.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            match item {
                Item::Blank => {}
                Item::Comment(text) => write!(f, "#{text}")?,
                Item::Statement(statement, None) => statement.fmt(f)?,
                Item::Statement(statement, Some(comment)) => write!(f, "{statement} #{comment}")?,
            }
        }
        Ok(())
    }
}
