//! The policies of the channel constructions as texts: the files in the folder `policies`.

macro_rules! files {
    ($($name:literal,)*) => {
        /// Name and text of every policy file, sorted by name.
        pub const POLICIES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../policies/", $name, ".policy")))),*];
    };
}

files! {
    "bip68-funding",
    "bip68-two-keys",
    "csfs-both-signed",
    "csfs-delegation",
    "csfs-key-after-signed-time",
    "csfs-oracle",
    "csfs-statement",
    "decker-wattenhofer-level",
    "default-bip118",
    "default-csfs-bip118",
    "default-csfs-only",
    "default-ctv",
    "default-rebindable-contest",
    "default-templatehash",
    "htlc-second-stage",
    "htlc-second-stage-anyprevout",
    "htlc-second-stage-presigned",
    "literal-cat-balance",
    "literal-cat-htlc",
    "literal-pair-balance",
    "literal-pair-htlc",
    "ln-penalty-anchor",
    "ln-penalty-offered-htlc",
    "ln-penalty-received-htlc",
    "ln-penalty-to-local",
    "ln-penalty-to-remote",
    "ln-symmetry-a-funding",
    "ln-symmetry-a-state",
    "ln-symmetry-b",
    "ln-symmetry-b-funding",
    "ln-symmetry-c",
    "ln-symmetry-c-funding",
    "ln-symmetry-d",
    "ln-symmetry-d-funding",
    "ln-symmetry-e",
    "ln-symmetry-e-funding",
    "ln-symmetry-f",
    "ln-symmetry-htlc",
    "override-forced",
    "override-forced-funding",
    "override-templatehash",
    "override-templatehash-funding",
    "override-unforced",
    "payout",
    "sequence-first",
    "sequence-joint",
    "sequence-last",
    "sequence-literal-cat",
    "sequence-literal-pair",
    "sequence-literal-pair-internal",
    "sequence-one-sided",
    "sequence-sweep",
    "sequence-tagged",
    "sequence-tower-ctv",
    "sequence-tower-templatehash",
    "sequence-two-leaves",
    "sequence-two-limbs",
    "settle-or-forfeit",
    "tower-ladder",
    "tower-paid",
}

/// Returns the text of a policy file, or `None` if there is no file with this name.
pub fn policy_text(name: &str) -> Option<&'static str> {
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
