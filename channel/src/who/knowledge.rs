//! What each role knows about an output: the types that describe secrets, signatures and other known items.

/// A role that can spend an output: a party or a watchtower. People without a role, including miners, know only what
/// is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The party whose commitment transaction is published, and which may cheat. If both parties have the same
    /// transactions, A is either party.
    A,
    /// Party B, which must contest if party A publishes an old state.
    B,
    /// The watchtower of party B.
    Tower,
}

impl Role {
    /// All roles: the two parties and the watchtower.
    pub const ALL: [Role; 3] = [Role::A, Role::B, Role::Tower];

    /// Returns the name that tables use for this role (a party or the watchtower).
    pub const fn name(self) -> &'static str {
        match self {
            Role::A => "A",
            Role::B => "B",
            Role::Tower => "tower",
        }
    }
}

/// The states for which a role knows an [`Item`]: all states, only old ones, or only the latest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// The party or watchtower knows the item (for example a key) for every state.
    Any,
    /// The party or watchtower knows the item (for example a key) only if the output belongs to an old state.
    Old,
    /// The party or watchtower knows the item (for example a key) only if the output belongs to the latest state.
    Latest,
}

/// A signature that was made earlier and that a role stores until it needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Policy name of the key that made the signature.
    pub(super) key: &'static str,
    /// Spending path for which the signature is valid: `key` for the key path, the name of a leaf, or `leaf` for every
    /// leaf.
    pub(super) on: &'static str,
    /// Description of the stored signature, as shown in tables.
    pub(super) what: &'static str,
    /// Recipient that the signed transaction pays to, as shown in tables. `None` if the signed message does not fix a
    /// transaction.
    pub(super) pays: Option<&'static str>,
    /// Lock of the signed transaction, as shown in tables. `None` if the signed transaction has no lock.
    pub(super) from: Option<&'static str>,
}

/// Something that a role knows and that can help to spend an output, such as a key, a signature or a preimage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Secret key of the public key with this name in the policy.
    Key(&'static str),
    /// Share of the secret key with this name in the policy. All roles with a share of this key must sign together.
    Share(&'static str),
    /// A signature that was made earlier and that the role stores.
    Signature(Held),
    /// Preimage of the hash with this name in the policy.
    Preimage(&'static str),
    /// Transaction that a template in the policy fixes. The first two values are the template's name in the policy and
    /// the transaction's name in tables. The third is the recipient, and the last is the lock, if there is one.
    Transaction(&'static str, &'static str, &'static str, Option<&'static str>),
    /// The leaf scripts of the output and the hashes of their Merkle paths, which a spend of a leaf must reveal.
    Scripts,
}

/// The fact that a role knows an item, for all states or for some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// Role (party or watchtower) that knows the item. `None` means that everybody knows it.
    pub(super) role: Option<Role>,
    /// States for which the role (party or watchtower) knows the item.
    pub(super) when: When,
    /// Item that the role (party or watchtower) knows, such as a key or a signature.
    pub(super) item: Item,
}

impl Fact {
    /// Restricts this fact to old channel states: the role knows the item only if the output belongs to an old state.
    pub(super) const fn old(self) -> Fact {
        Fact { when: When::Old, ..self }
    }
}

/// Returns the fact that party A knows `item` in every channel state.
pub(super) const fn a(item: Item) -> Fact {
    Fact { role: Some(Role::A), when: When::Any, item }
}

/// Returns the fact that party B knows `item` in every channel state.
pub(super) const fn b(item: Item) -> Fact {
    Fact { role: Some(Role::B), when: When::Any, item }
}

/// Returns the fact that the watchtower of party B knows `item` in every channel state.
pub(super) const fn tower(item: Item) -> Fact {
    Fact { role: Some(Role::Tower), when: When::Any, item }
}

/// Returns the fact that everybody knows `item` in every channel state.
pub(super) const fn public(item: Item) -> Fact {
    Fact { role: None, when: When::Any, item }
}

/// Returns a stored signature of a transaction without a lock. The arguments are the fields of [`Held`].
pub(super) const fn held(
    key: &'static str,
    on: &'static str,
    what: &'static str,
    pays: Option<&'static str>,
) -> Item {
    Item::Signature(Held { key, on, what, pays, from: None })
}

/// Returns a stored signature of a transaction with a lock. The arguments are the fields of [`Held`].
pub(super) const fn held_from(
    key: &'static str,
    on: &'static str,
    what: &'static str,
    pays: &'static str,
    from: &'static str,
) -> Item {
    Item::Signature(Held { key, on, what, pays: Some(pays), from: Some(from) })
}

/// An output that a construction's transactions create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    /// Name of the output in tables.
    pub(super) name: &'static str,
    /// Name of the policy file that describes the output. `None` for P2A, which everybody can spend.
    pub(super) policy: Option<&'static str>,
    /// Whether the output belongs to a channel state. If so, old states and the latest state are examined separately.
    pub(super) numbered: bool,
    /// Facts about the output: which items each role knows, such as keys and signatures.
    pub(super) facts: Vec<Fact>,
}

impl Output {
    /// Returns an output that is described by a policy file. It does not belong to a channel state.
    pub(super) fn new(name: &'static str, policy: &'static str, facts: &[&[Fact]]) -> Output {
        Output { name, policy: Some(policy), numbered: false, facts: facts.concat() }
    }

    /// Marks this output as belonging to a channel state. Old states and the latest state are then examined
    /// separately.
    pub(super) fn numbered(self) -> Output {
        Output { numbered: true, ..self }
    }

    /// Returns a P2A output, which needs no policy file because everybody can spend it.
    pub(super) fn p2a(name: &'static str) -> Output {
        Output { name, policy: None, numbered: false, facts: Vec::new() }
    }
}
