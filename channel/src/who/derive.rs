//! Derives the sets of roles (coalitions) that can spend an output, from its policy and from what each role knows.

use std::collections::BTreeSet;

use sigstack_compiler::policy::{Document, Internal, Kind, Output as Written, Policy, Statement};
use sigstack_compiler::{Atom, Compiled, KeyRef, Msg, Program, Set, is_time_lock};

use super::knowledge::{Held, Item, Output, Role, When};
use super::{Row, WhoError};

/// One way to satisfy conditions of a policy: the data that is used, the locks that must have expired, and the
/// recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Way {
    with: Vec<String>,
    from: BTreeSet<String>,
    /// Recipient of the only transaction that satisfies the conditions. `None` if the spenders choose the outputs.
    pays: Option<String>,
}

impl Way {
    fn with(what: impl Into<String>) -> Way {
        Way { with: vec![what.into()], ..Way::default() }
    }

    fn from(lock: impl Into<String>) -> Way {
        Way { from: BTreeSet::from([lock.into()]), ..Way::default() }
    }

    /// Combines two ways to satisfy conditions, so that the conditions of both are satisfied. Returns `None` if the
    /// ways require two different transactions.
    fn and(&self, other: &Way) -> Option<Way> {
        let pays = match (&self.pays, &other.pays) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        let mut with = self.with.clone();
        with.extend(other.with.iter().filter(|what| !self.with.contains(what)).cloned());
        Some(Way { with, from: self.from.union(&other.from).cloned().collect(), pays })
    }

    /// Returns whether this way to satisfy conditions is no more restricted than `other`: in its locks, and in its
    /// recipient.
    fn is_at_least(&self, other: &Way) -> bool {
        (self.pays.is_none() || self.pays == other.pays) && self.from.is_subset(&other.from)
    }
}

/// A spending path of an output: its name, and the sets of conditions of which one must be satisfied.
struct Branch {
    name: String,
    ways: Vec<Set>,
}

struct Context<'a> {
    output: &'a Output,
    document: &'a Document,
    program: &'a Program,
    when: When,
}

/// Returns all sets of roles (coalitions), smaller ones first. The empty set stands for everybody, including people
/// without a role.
fn coalitions() -> Vec<Vec<Role>> {
    let mut all: Vec<Vec<Role>> = (0u8..1 << Role::ALL.len())
        .map(|mask| {
            let bits = Role::ALL.into_iter().enumerate();
            bits.filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, role)| role).collect()
        })
        .collect();
    all.sort_by_key(Vec::len);
    all
}

/// Returns the table rows of an output: the ways to spend it. They are derived from its policy file.
pub(super) fn rows(output: &Output) -> Result<Vec<Row>, WhoError> {
    let Some(name) = output.policy else {
        return Ok(vec![row(When::Any, "P2A", Vec::new(), Way::default())]);
    };
    let text = sigstack_compiler::policy_text(name).ok_or(WhoError::NoPolicy(name))?;
    rows_of_text(output, text)
}

/// Returns the table rows of an output (the ways to spend it) as if `text` were its policy.
pub(super) fn rows_of_text(output: &Output, text: &str) -> Result<Vec<Row>, WhoError> {
    let document = sigstack_compiler::parse(text)?;
    let compiled = sigstack_compiler::compile_text(text)?;
    let states: &[When] = if output.numbered { &[When::Old, When::Latest] } else { &[When::Any] };
    let mut rows: Vec<Row> = Vec::new();
    for branch in branches(&document, &compiled) {
        for &when in states {
            let context = Context { output, document: &document, program: &compiled.program, when };
            for row in context.branch_rows(&branch) {
                let same = |known: &&mut Row| Row { state: row.state, ..(**known).clone() } == row;
                match rows.iter_mut().find(same) {
                    Some(known) => known.state = "any",
                    None => rows.push(row),
                }
            }
        }
    }
    Ok(rows)
}

/// Returns the spending paths of an output: the key path, if it can be used, and the leaves.
fn branches(document: &Document, compiled: &Compiled) -> Vec<Branch> {
    let mut names = leaf_names(document).into_iter();
    let key = compiled.key_path.map(|atom| Branch { name: "key".into(), ways: vec![Set::from([atom])] });
    let leaves = compiled.leaves.iter().map(|leaf| {
        let ways = sigstack_compiler::paths(&leaf.policy).unwrap_or_default();
        let named = names.next().flatten();
        Branch {
            name: named.unwrap_or_else(|| compiled.program.describe_policy(&leaf.policy)),
            ways: ways.into_iter().map(|way| way.set).collect(),
        }
    });
    key.into_iter().chain(leaves).collect()
}

/// Returns the names of the leaves, from left to right in the script tree. The name is `None` if the policy of a leaf
/// is written without a name.
fn leaf_names(document: &Document) -> Vec<Option<String>> {
    let output = document.statements().find_map(|statement| match statement {
        Statement::Output(Written::Tr(Internal::Nums(_) | Internal::Key(_), policy)) => policy.as_ref(),
        _ => None,
    });
    let (mut names, mut open): (Vec<Option<String>>, Vec<&Policy>) =
        (Vec::new(), output.into_iter().collect());
    while let Some(policy) = open.pop() {
        match &policy.kind {
            Kind::Tree(left, right) => open.extend([right.as_ref(), left.as_ref()]),
            Kind::Named(name) => names.push(Some(name.text.clone())),
            _ => names.push(None),
        }
    }
    names
}

fn row(when: When, path: &str, who: Vec<Role>, way: Way) -> Row {
    let or = |words: String, other: &str| if words.is_empty() { other.to_owned() } else { words };
    let from: Vec<String> = way.from.into_iter().collect();
    Row {
        path: path.to_owned(),
        state: match when {
            When::Any => "any",
            When::Old => "old",
            When::Latest => "latest",
        },
        who: vec![who],
        from: or(from.join(", "), "at once"),
        with: or(way.with.join("; "), "nothing"),
        pays: way.pays.unwrap_or_else(|| "free".into()),
    }
}

impl Context<'_> {
    fn branch_rows(&self, branch: &Branch) -> Vec<Row> {
        let mut found: Vec<(Vec<Role>, Way)> = Vec::new();
        for coalition in coalitions() {
            let mut ways: Vec<Way> =
                branch.ways.iter().flat_map(|set| self.set(branch, set, &coalition)).collect();
            // The least restricted way comes first.
            ways.sort_by_key(|way| (way.pays.is_some(), way.from.len()));
            for way in ways {
                let is_known = |(others, known): &(Vec<Role>, Way)| {
                    others.iter().all(|role| coalition.contains(role)) && known.is_at_least(&way)
                };
                if !found.iter().any(is_known) {
                    found.push((coalition.clone(), way));
                }
            }
        }
        let shown = branch.ways.iter().flat_map(|set| self.shown(branch, set)).next();
        if let Some(way) = shown.filter(|_| found.iter().all(|(coalition, _)| !coalition.is_empty())) {
            found.push((Vec::new(), way));
        }
        // Coalitions that can do the same with the same data are listed in one row.
        let mut rows: Vec<Row> = Vec::new();
        for (who, way) in found {
            let row = row(self.when, &branch.name, who, way);
            match rows.iter_mut().find(|known| Row { who: row.who.clone(), ..(**known).clone() } == row) {
                Some(known) => known.who.extend(row.who),
                None => rows.push(row),
            }
        }
        rows
    }

    /// Returns the items that at least one role in `coalition` knows, and the items that everybody knows.
    fn items<'s>(&'s self, coalition: &'s [Role]) -> impl Iterator<Item = Item> + 's {
        self.facts()
            .filter(|(role, _)| role.is_none_or(|role| coalition.contains(&role)))
            .map(|(_, item)| item)
    }

    fn facts(&self) -> impl Iterator<Item = (Option<Role>, Item)> + '_ {
        let applies = |when: When| when == When::Any || when == self.when;
        self.output.facts.iter().filter(move |fact| applies(fact.when)).map(|fact| (fact.role, fact.item))
    }

    fn has_key(&self, name: &str, coalition: &[Role]) -> bool {
        let shares = self.facts().filter(|(_, item)| matches!(item, Item::Share(key) if *key == name));
        let owners: Vec<Option<Role>> = shares.map(|(role, _)| role).collect();
        let all = owners.iter().flatten().all(|role| coalition.contains(role)) && !owners.is_empty();
        all || self.items(coalition).any(|item| matches!(item, Item::Key(key) if key == name))
    }

    /// Returns the ways in which the roles in `coalition` can satisfy all conditions in `set`.
    fn set(&self, branch: &Branch, set: &Set, coalition: &[Role]) -> Vec<Way> {
        if branch.name != "key" && !self.items(coalition).any(|item| item == Item::Scripts) {
            return Vec::new();
        }
        self.all(set, |atom| self.atom(&branch.name, atom, coalition))
    }

    fn all(&self, set: &Set, ways: impl Fn(&Atom) -> Vec<Way>) -> Vec<Way> {
        let atoms = set.iter().filter_map(|&index| self.program.atoms.get(index));
        atoms.fold(vec![Way::default()], |all, atom| {
            let next = ways(atom);
            all.iter().flat_map(|left| next.iter().filter_map(|right| left.and(right))).collect()
        })
    }

    /// Returns the ways in which anyone can spend the output with data that another witness revealed: preimages, and
    /// signatures that are not bound to one transaction. A miner or a third party can copy this data from the mempool.
    fn shown(&self, branch: &Branch, set: &Set) -> Vec<Way> {
        let is_unbound = |atom: &Atom| match atom {
            Atom::Signed(Msg::Delegate, _) => false,
            Atom::Signed(..) | Atom::Rebind(..) | Atom::Hash(..) => true,
            _ => false,
        };
        let atoms = || set.iter().filter_map(|&index| self.program.atoms.get(index));
        if !atoms().any(is_unbound) {
            return Vec::new();
        }
        self.all(set, |atom| {
            if !is_unbound(atom) {
                return self.atom(&branch.name, atom, &[]);
            }
            let ways = Role::ALL.iter().flat_map(|role| self.atom(&branch.name, atom, &[*role]));
            let word = |way: Way| Way { with: vec!["a shown witness".into()], ..way };
            // If a key signs a transaction of the signer's choice, the signature is bound to that transaction. Others
            // cannot use it for another one.
            let is_usable =
                |way: &Way| matches!(atom, Atom::Signed(..) | Atom::Hash(..)) || way.pays.is_some();
            ways.filter(is_usable).map(word).take(1).collect()
        })
    }

    fn atom(&self, branch: &str, atom: &Atom, coalition: &[Role]) -> Vec<Way> {
        match atom {
            Atom::Sig(key) | Atom::Rebind(_, key) => self.key(branch, key, coalition, ""),
            Atom::Signed(msg, keys) => {
                let has = |is: fn(&&&Msg) -> bool| msg.parts().iter().any(|part| is(&part));
                let over = match () {
                    () if has(|part| matches!(part, Msg::Ctv(_) | Msg::TemplateHash)) => "",
                    () if has(|part| matches!(part, Msg::NewerOpened(..))) => " over C_m",
                    () => " over m > n",
                };
                let ways = |key: &KeyRef| self.key(branch, key, coalition, over);
                keys.iter().fold(vec![Way::default()], |all, key| {
                    let next = ways(key);
                    all.iter().flat_map(|left| next.iter().filter_map(|right| left.and(right))).collect()
                })
            }
            Atom::Presigned(_, bytes) => self.transaction(bytes, coalition),
            Atom::Ctv(hash) | Atom::TemplateHash(hash) => self.transaction(hash, coalition),
            // Such a lock encodes a state number in nLockTime. As a time it is long past, so it delays nothing.
            Atom::After(lock) if is_time_lock(*lock) => vec![Way::default()],
            Atom::After(lock) => vec![Way::from(format!("height {}", self.number(*lock)))],
            Atom::Older(1) => vec![Way::from("1 block")],
            Atom::Older(lock) => vec![Way::from(format!("{} blocks", self.number(*lock)))],
            Atom::Hash(_, image) => {
                let name = self.program.byte_names.get(image);
                let knows = |item: Item| matches!(item, Item::Preimage(hash) if Some(hash) == name.map(String::as_str));
                self.items(coalition).any(knows).then(|| Way::with("preimage")).into_iter().collect()
            }
            Atom::Opens(..) => Vec::new(),
        }
    }

    /// Returns the ways in which the roles in `coalition` can provide a signature of `key`: with the secret key, or
    /// with a signature that was made earlier.
    fn key(&self, branch: &str, key: &KeyRef, coalition: &[Role], over: &str) -> Vec<Way> {
        let name = self.program.key_name(&key.x);
        let own = self.has_key(&name, coalition).then(|| Way::with(format!("{name}{over}")));
        let kept = self.items(coalition).filter_map(|item| match item {
            Item::Signature(held) if held.key == name && held.fits(branch) => Some(held.way()),
            _ => None,
        });
        own.into_iter().chain(kept).collect()
    }

    fn transaction(&self, fixed: &[u8], coalition: &[Role]) -> Vec<Way> {
        let name = self.program.byte_names.get(fixed).map(String::as_str);
        let known = self.items(coalition).filter_map(|item| match item {
            Item::Transaction(of, what, pays, from) if Some(of) == name => Some(Way {
                with: vec![what.to_owned()],
                from: from.into_iter().map(str::to_owned).collect(),
                pays: Some(pays.to_owned()),
            }),
            _ => None,
        });
        known.take(1).collect()
    }

    /// Returns the name that the policy document gives to the number `value`, or its digits if it has no name.
    fn number(&self, value: u32) -> String {
        let found = self.document.statements().find_map(|statement| match statement {
            Statement::Number(name, Some(known)) if *known == u64::from(value) => Some(name.text.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| value.to_string())
    }
}

impl Held {
    fn fits(&self, branch: &str) -> bool {
        self.on == branch || (self.on == "leaf" && branch != "key")
    }

    fn way(&self) -> Way {
        Way {
            with: vec![self.what.to_owned()],
            from: self.from.into_iter().map(str::to_owned).collect(),
            pays: self.pays.map(str::to_owned),
        }
    }
}
