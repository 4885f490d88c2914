//! Derives who can spend each output of a construction, when, and with which data.
//!
//! There are three roles: the parties A and B, and the watchtower of B. For every spending path of an output, the
//! result is the smallest sets of roles (coalitions) that can use the path without the other roles. It is derived from
//! the output's policy and from what each role knows: its own secrets, everything that it ever received, and public
//! data. A party can sign any state number with its own key at any time, even if this revokes its own state. Data that
//! a witness reveals is public from then on.
//!
//! The commitment transactions of the two parties have the same outputs with exchanged roles, so the tables show only
//! the commitment transaction of A. An old state is a state that a later state has replaced. In an old state, a party
//! has also received the data that the other party gave for the later state.

mod derive;
mod knowledge;
mod outputs;

pub use knowledge::Role;

use crate::compare::Table;
use crate::model::{KINDS, Kind};

/// One row of a table: a way to spend an output, and the sets of roles that can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Spending path: the key path, or the name of the leaf in the policy.
    pub path: String,
    /// State to which this row of the table applies: `old`, `latest`, or `any`.
    pub state: &'static str,
    /// The smallest sets of roles that can spend by this path, each without the other roles. An empty set means
    /// everybody, including miners.
    pub who: Vec<Vec<Role>>,
    /// The locks that must have expired before this path can be used, or `at once` if there is none.
    pub from: String,
    /// The data that the spenders need for this spending path: their own keys, and data received from others.
    pub with: String,
    /// Recipient that the spending transaction must pay, if this path fixes the transaction. `free` if the spenders
    /// choose the outputs.
    pub pays: String,
}

impl Row {
    /// Formats the sets of roles that can use this path. In `A + B`, the two must act together. In `A, B`, each can
    /// act alone.
    pub fn who(&self) -> String {
        let words = |roles: &Vec<Role>| {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            if names.is_empty() { "anyone".to_owned() } else { names.join(" + ") }
        };
        self.who.iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

/// An output of a construction, with all ways to spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spendable {
    /// Name of the output in tables.
    pub name: &'static str,
    /// Name of the policy file that describes the output. `None` for P2A, which needs no policy.
    pub policy: Option<&'static str>,
    /// All ways to spend the output, each with the sets of roles that can use it.
    pub rows: Vec<Row>,
}

/// Reason why the roles that can spend an output could not be derived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhoError {
    /// There is no policy file with this name.
    NoPolicy(&'static str),
    /// The policy of an output does not compile.
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

/// Returns the outputs of a construction, each with the ways to spend it and the roles that can do so.
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

/// Formats the ways to spend an output as a table with one row for each.
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

/// Returns one table with the ways to spend all outputs of the constructions in `names`, or of all constructions if
/// `names` is empty. Unknown names are ignored.
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
