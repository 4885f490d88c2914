//! The items that each role knows about an output, as data.

/// A role that can act on an output. Anyone without a role, miners included, knows what is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The party whose commitment transaction is published, and which may cheat. If both parties have the same transactions, either
    /// party.
    A,
    /// The other party.
    B,
    /// The watchtower of B.
    Tower,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 3] = [Role::A, Role::B, Role::Tower];

    /// Returns the name of the role in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Role::A => "A",
            Role::B => "B",
            Role::Tower => "tower",
        }
    }
}

/// The states for which a role knows an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// The role knows the item for every state.
    Any,
    /// The role knows the item if the output is that of an old state.
    Old,
    /// The role knows the item if the output is that of the latest state.
    Latest,
}

/// A signature that was made earlier and that a role stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Name of the key in the policy.
    pub(super) key: &'static str,
    /// Path for which the signature is valid: `key`, the name of a leaf, or `leaf` for every leaf.
    pub(super) on: &'static str,
    /// Description of the signature in tables.
    pub(super) what: &'static str,
    /// Recipient of the signed transaction's outputs, or `None` if the signature is of a message that does not fix a transaction.
    pub(super) pays: Option<&'static str>,
    /// Lock of the signed transaction, if it has one.
    pub(super) from: Option<&'static str>,
}

/// An item that a role knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Secret of a key.
    Key(&'static str),
    /// Share of a key's secret. All roles that have a share must sign together.
    Share(&'static str),
    /// A signature made earlier.
    Signature(Held),
    /// Preimage of a hash.
    Preimage(&'static str),
    /// A transaction that a template in the policy fixes: name of the template in the policy, name of the transaction in tables,
    /// the recipient of its outputs, and its lock.
    Transaction(&'static str, &'static str, &'static str, Option<&'static str>),
    /// Scripts of the output's leaves that this role may have to reveal, and the hashes of the merkle path.
    Scripts,
}

/// An item, with the role that knows it and the states for which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// Role that knows the item, or `None` for everybody.
    pub(super) role: Option<Role>,
    /// States for which the role knows the item.
    pub(super) when: When,
    /// The known item.
    pub(super) item: Item,
}

impl Fact {
    /// Restricts the fact to old states.
    pub(super) const fn old(self) -> Fact {
        Fact { when: When::Old, ..self }
    }
}

/// Returns a fact that A knows.
pub(super) const fn a(item: Item) -> Fact {
    Fact { role: Some(Role::A), when: When::Any, item }
}

/// Returns a fact that B knows.
pub(super) const fn b(item: Item) -> Fact {
    Fact { role: Some(Role::B), when: When::Any, item }
}

/// Returns a fact that B's watchtower knows.
pub(super) const fn tower(item: Item) -> Fact {
    Fact { role: Some(Role::Tower), when: When::Any, item }
}

/// Returns a fact that everybody knows.
pub(super) const fn public(item: Item) -> Fact {
    Fact { role: None, when: When::Any, item }
}

/// Returns a stored signature.
pub(super) const fn held(
    key: &'static str,
    on: &'static str,
    what: &'static str,
    pays: Option<&'static str>,
) -> Item {
    Item::Signature(Held { key, on, what, pays, from: None })
}

/// Returns a stored signature of a transaction with a lock.
pub(super) const fn held_from(
    key: &'static str,
    on: &'static str,
    what: &'static str,
    pays: &'static str,
    from: &'static str,
) -> Item {
    Item::Signature(Held { key, on, what, pays: Some(pays), from: Some(from) })
}

/// An output of a construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    /// Name of the output in tables.
    pub(super) name: &'static str,
    /// Name of the policy file, or `None` for P2A, which everybody can spend.
    pub(super) policy: Option<&'static str>,
    /// Whether the output belongs to a numbered state, so that old states and the latest state can be spent differently.
    pub(super) numbered: bool,
    /// Facts about the output.
    pub(super) facts: Vec<Fact>,
}

impl Output {
    /// Returns an output described by a policy file.
    pub(super) fn new(name: &'static str, policy: &'static str, facts: &[&[Fact]]) -> Output {
        Output { name, policy: Some(policy), numbered: false, facts: facts.concat() }
    }

    /// Marks the output as one that exists in old states and in the latest state.
    pub(super) fn numbered(self) -> Output {
        Output { numbered: true, ..self }
    }

    /// Returns a P2A output.
    pub(super) fn p2a(name: &'static str) -> Output {
        Output { name, policy: None, numbered: false, facts: Vec::new() }
    }
}
