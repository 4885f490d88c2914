//! What each role knows about an output, as data.

/// Somebody who can act on an output. Whoever is none of these, a miner too, knows what is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The party whose version is published, and who may cheat. Where versions are symmetric, either party.
    A,
    /// The other party.
    B,
    /// The tower of B.
    Tower,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::A, Role::B, Role::Tower];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Role::A => "A",
            Role::B => "B",
            Role::Tower => "tower",
        }
    }
}

/// The states in which a role knows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// In every state.
    Any,
    /// If the output is that of an old state.
    Old,
    /// If the output is that of the latest state.
    Latest,
}

/// A signature that somebody made earlier and that a role keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// The key, as the policy names it.
    pub(super) key: &'static str,
    /// The path that the signature is for: `key`, the name of a leaf, or `leaf` for every leaf.
    pub(super) on: &'static str,
    /// The words for it in the table.
    pub(super) what: &'static str,
    /// What the signed transaction pays; `None` if the signature is over a message that leaves the transaction free.
    pub(super) pays: Option<&'static str>,
    /// A lock of the signed transaction.
    pub(super) from: Option<&'static str>,
}

/// Something that a role knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The secret of a key.
    Key(&'static str),
    /// A part of the secret of a key: all who have a part sign together.
    Share(&'static str),
    /// A signature made earlier.
    Signature(Held),
    /// The preimage of a hash.
    Preimage(&'static str),
    /// The transaction that a template of the policy fixes: the template's name in the policy, the transaction's name in the table,
    /// what it pays, and its lock.
    Transaction(&'static str, &'static str, &'static str, Option<&'static str>),
    /// The scripts of the output's leaves that this role has to reveal, and the hashes beside them.
    Scripts,
}

/// An item, and who knows it when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// Who knows it; `None` for everybody.
    pub(super) role: Option<Role>,
    /// In which states.
    pub(super) when: When,
    /// The item.
    pub(super) item: Item,
}

impl Fact {
    /// The same fact about old states only.
    pub(super) const fn old(self) -> Fact {
        Fact { when: When::Old, ..self }
    }
}

/// A fact that A knows.
pub(super) const fn a(item: Item) -> Fact {
    Fact { role: Some(Role::A), when: When::Any, item }
}

/// A fact that B knows.
pub(super) const fn b(item: Item) -> Fact {
    Fact { role: Some(Role::B), when: When::Any, item }
}

/// A fact that B's tower knows.
pub(super) const fn tower(item: Item) -> Fact {
    Fact { role: Some(Role::Tower), when: When::Any, item }
}

/// A fact that everybody knows.
pub(super) const fn public(item: Item) -> Fact {
    Fact { role: None, when: When::Any, item }
}

/// A signature that is kept.
pub(super) const fn held(
    key: &'static str,
    on: &'static str,
    what: &'static str,
    pays: Option<&'static str>,
) -> Item {
    Item::Signature(Held { key, on, what, pays, from: None })
}

/// A signature that is kept, of a transaction with a lock.
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
    /// What it is.
    pub(super) name: &'static str,
    /// The policy file; `None` for P2A, which everybody can spend.
    pub(super) policy: Option<&'static str>,
    /// Whether old states have another answer than the latest one.
    pub(super) numbered: bool,
    /// What is known about it.
    pub(super) facts: Vec<Fact>,
}

impl Output {
    /// An output of a policy file.
    pub(super) fn new(name: &'static str, policy: &'static str, facts: &[&[Fact]]) -> Output {
        Output { name, policy: Some(policy), numbered: false, facts: facts.concat() }
    }

    /// The same output, which exists in old states and in the latest.
    pub(super) fn numbered(self) -> Output {
        Output { numbered: true, ..self }
    }

    /// A P2A.
    pub(super) fn p2a(name: &'static str) -> Output {
        Output { name, policy: None, numbered: false, facts: Vec::new() }
    }
}
