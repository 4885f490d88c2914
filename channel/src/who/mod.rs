//! Who can spend which output, when, and with what.
//!
//! For every output of a construction and every path of it, the smallest coalitions that can satisfy it alone are derived from
//! the output's policy and from what each role knows: its own secrets, with which it can make evidence against itself at any
//! time, everything that it ever received, and what is public. What a witness shows is public from then on.
//!
//! Each party's version has the same outputs with the names exchanged; the tables show A's. An old state is one that a later state
//! has replaced; in such a state "received" includes what the other side gave for the later one.

mod derive;
mod knowledge;
mod outputs;

pub use knowledge::Role;

use crate::compare::Table;
use crate::model::{KINDS, Kind};

/// A way to spend an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key path, or the leaf by its name in the policy.
    pub path: String,
    /// `old`, `latest`, or `any`.
    pub state: &'static str,
    /// The smallest coalitions that can do it, each alone; an empty one is everybody, miners included.
    pub who: Vec<Vec<Role>>,
    /// The locks that must have ended.
    pub from: String,
    /// Own keys and what was received from others.
    pub with: String,
    /// What the transaction pays: a fixed transaction, or `free` if those who spend decide.
    pub pays: String,
}

impl Row {
    /// The coalitions in words: `A + B` act together, each of `A, B` acts alone.
    pub fn who(&self) -> String {
        let words = |roles: &Vec<Role>| {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            if names.is_empty() { "anyone".to_owned() } else { names.join(" + ") }
        };
        self.who.iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

/// An output with its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spendable {
    /// What the output is.
    pub name: &'static str,
    /// The policy file; `None` for P2A.
    pub policy: Option<&'static str>,
    /// The ways to spend it.
    pub rows: Vec<Row>,
}

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhoError {
    /// There is no policy file of this name.
    NoPolicy(&'static str),
    /// The policy does not compile.
    Policy(sigstack_compiler::Error),
}

impl core::fmt::Display for WhoError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            WhoError::NoPolicy(name) => write!(f, "there is no policy file {name}"),
            WhoError::Policy(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WhoError {}

impl From<sigstack_compiler::Error> for WhoError {
    fn from(error: sigstack_compiler::Error) -> WhoError {
        WhoError::Policy(error)
    }
}

/// The outputs of a construction, and who can spend them.
///
/// # Errors
///
/// [`WhoError`] if a policy of the construction is missing or wrong.
pub fn who(kind: Kind) -> Result<Vec<Spendable>, WhoError> {
    let outputs = outputs::outputs(kind);
    let rows = |output: &knowledge::Output| {
        derive::rows(output).map(|rows| Spendable { name: output.name, policy: output.policy, rows })
    };
    outputs.iter().map(rows).collect()
}

/// The rows of an output as a table.
pub fn table(output: &Spendable) -> Table {
    let mut table = Table::new(&["path", "state", "who", "from", "with", "pays"]);
    for row in &output.rows {
        table.push(cells(row));
    }
    table
}

fn cells(row: &Row) -> Vec<String> {
    vec![
        row.path.clone(),
        row.state.to_owned(),
        row.who(),
        row.from.clone(),
        row.with.clone(),
        row.pays.clone(),
    ]
}

/// One table of these constructions, or of all if no name is given; names that are unknown have no rows.
///
/// # Errors
///
/// As [`who`].
pub fn full_table(names: &[&str]) -> Result<Table, WhoError> {
    let headings = ["construction", "output", "policy", "path", "state", "who", "from", "with", "pays"];
    let mut table = Table::new(&headings);
    for (name, kind) in KINDS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        for output in who(*kind)? {
            for row in &output.rows {
                let head = [*name, output.name, output.policy.unwrap_or_default()].map(str::to_owned);
                table.push(head.into_iter().chain(cells(row)).collect());
            }
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
