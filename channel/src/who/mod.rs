//! Derives, for each output of a construction, who can spend it, when, and with which data.
//!
//! For every spending path of an output, the smallest coalitions that can satisfy it alone are derived. The inputs are the output's
//! policy and what each role knows: its own secrets, everything that it ever received, and what is public. With its own secrets a
//! party can make a revocation signature against itself at any time. Data that a witness reveals is public from then on.
//!
//! The commitment transactions of the two parties have the same outputs with exchanged names; the tables show those of A. An old
//! state is one that a later state has replaced. For an old state, the received data includes what the other party gave for the
//! later state.

mod derive;
mod knowledge;
mod outputs;

pub use knowledge::Role;

use crate::compare::Table;
use crate::model::{KINDS, Kind};

/// A way to spend an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Spending path: the key path, or the name of the leaf in the policy.
    pub path: String,
    /// State to which the row applies: `old`, `latest`, or `any`.
    pub state: &'static str,
    /// The smallest coalitions that can spend by this path, each without the others. An empty coalition is everybody, miners
    /// included.
    pub who: Vec<Vec<Role>>,
    /// Locks that must have expired.
    pub from: String,
    /// Data that is used: own keys, and data received from others.
    pub with: String,
    /// Recipient of the money: that of a fixed transaction, or `free` if the spenders choose the outputs.
    pub pays: String,
}

impl Row {
    /// Formats the coalitions: members of `A + B` act together, and each of `A, B` acts alone.
    pub fn who(&self) -> String {
        let words = |roles: &Vec<Role>| {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            if names.is_empty() { "anyone".to_owned() } else { names.join(" + ") }
        };
        self.who.iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

/// An output and the ways to spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spendable {
    /// Name of the output.
    pub name: &'static str,
    /// Name of the policy file, or `None` for P2A.
    pub policy: Option<&'static str>,
    /// The ways to spend the output.
    pub rows: Vec<Row>,
}

/// The reason for which no table can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhoError {
    /// There is no policy file with this name.
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

/// Returns the outputs of a construction, and who can spend them.
///
/// # Errors
///
/// [`WhoError`] if a policy of the construction is missing or does not compile.
pub fn who(kind: Kind) -> Result<Vec<Spendable>, WhoError> {
    let outputs = outputs::outputs(kind);
    let rows = |output: &knowledge::Output| {
        derive::rows(output).map(|rows| Spendable { name: output.name, policy: output.policy, rows })
    };
    outputs.iter().map(rows).collect()
}

/// Formats the rows of an output as a table.
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

/// Returns one table with the outputs of these constructions, or of all constructions if `names` is empty. Unknown names are
/// ignored.
///
/// # Errors
///
/// Same errors as [`who`].
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
