//! Deliberate faults (mutations) that the adversary's search must find.
//!
//! Each mutation disables one rule, at the place where the code of the client, the tower, the wallet or the chain
//! enforces it. The place is marked by a condition `mutated(Mutation::X)`. Only the feature `mutations` compiles these
//! conditions in. Without it, `mutated` always returns `false`, so a release contains no mutation. At most one mutation
//! is active at a time, and only in the thread that activated it.

macro_rules! mutations {
    ($($name:ident $text:literal;)*) => {
        /// A deliberate fault in this crate: one rule that the code does not enforce.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Mutation {
            $(#[doc = $text] $name,)*
        }

        impl Mutation {
            /// All deliberate faults (mutations).
            pub const ALL: &'static [Mutation] = &[$(Mutation::$name,)*];

            /// Returns a sentence that describes this deliberate fault.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Mutation::$name => $text,)*
                }
            }
        }
    };
}

mutations! {
    FirstInputOnly "A watcher looks at the first input of a transaction only.";
    PendingIsFinal "A transaction in the mempool counts as if it were confirmed.";
    FollowsOneUpdate "A watcher follows the first stale update and not the next.";
    FollowsScripts "A watcher follows scripts instead of outpoints.";
    OwnVersionOnly "A client knows the settlement of its own version only.";
    NeverSettles "A client leaves the settlement to the publisher.";
    ContestsPredecessorOnly "A number revokes only the one before.";
    OfferedOnce "A claim is offered once.";
    PaysBesideOthers "A child of somebody else that pays enough is replaced by one that pays more.";
    NeverRaised "A fee is never raised.";
    RefusedIsForgotten "An offer ignores what it has to replace, and a refused one is not raised.";
    FeesAboveStake "Fees are not limited by what is at stake.";
    FeeInputBesideAnchor "A fee input is added to a transaction with an ephemeral anchor.";
    ChildOfOtherVersion "A child of a version 3 transaction has version 2.";
    FirstOfEqualHtlcs "Of equal HTLC outputs the first is claimed.";
    HtlcNotTaken "An HTLC whose preimage is known is not claimed.";
    HtlcNotTakenBack "An expired HTLC is not taken back.";
    SecondStageUnpunished "The second stage of an HTLC of a revoked commitment is left to the publisher.";
    JusticeForgetsHtlcs "Justice takes the balances of a revoked commitment only.";
    ToRemoteNotSwept "A client does not take its balance from the other side's commitment.";
    SweepByNumberAlone "A leaf asks for a higher number alone.";
    EvidenceOfSameNumber "A number revokes its own state.";
    PublisherPunishesItself "The contest leaf has the publisher's key.";
    JusticeByAnyone "The key in a tower's leaf is one that all know.";
    SettlesAtOnce "A settlement has no delay.";
    UpdateWithoutNumber "The leaf of an update compares no number.";
    LocksDoNotShrink "All states have the same lock.";
    AnySum "A content may add up to anything.";
    EarlyExpiry "An HTLC may expire before it can be claimed.";
    ExpiryIsTime "An expiry may be a time.";
    AnyTrimmed "Any amount may be trimmed.";
    AnyWeight "A transaction may have any weight.";
    OpenerCannotPay "The opener may have less than the fee.";
    DustOutputs "Balances below the dust limit have outputs.";
    ClaimIsDust "An HTLC whose claim is dust has an output.";
    KeysFromSeedAlone "Keys of a channel do not depend on what was drawn for it.";
    SecretsFromSeedAlone "Secrets of LN-penalty do not depend on what was drawn for the channel.";
    InnerKeysFromSeedAlone "Keys of inner channels depend on the seed alone.";
    EntropyRepeats "The source of random bytes repeats itself.";
    NonceFromIdentifier "A nonce comes from an identifier instead of fresh bytes and the message.";
    AnswerIgnoresNonces "An answering nonce does not depend on the other nonces.";
    CounterFromPublicKey "Mask and first number come from a public key.";
    OlderRecord "A tower takes a record that is older than its own.";
    RecordOfOtherChannel "A tower takes the record of another channel.";
    RecordNotReplaced "A tower keeps its first record.";
    EvidenceUnchecked "A tower does not verify a revocation signature.";
    SignatureUnchecked "A tower does not verify the signature of an update.";
    PathUnchecked "A tower does not verify the signatures of a path.";
    FirstClientOnly "A tower serves its first client only.";
    StoreCutOff "A part of a store of secrets is accepted.";
    SecretOfOtherPoint "A secret is not compared with its point.";
    PackageSpendsTwice "Parent and child of a package may spend the same coin.";
}

#[cfg(feature = "mutations")]
std::thread_local! {
    static ACTIVE: core::cell::Cell<Option<Mutation>> = const { core::cell::Cell::new(None) };
}

/// Returns whether the deliberate fault `mutation` is active in the current thread.
#[cfg(feature = "mutations")]
pub(crate) fn mutated(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// Always returns `false`, because this build contains no deliberate faults.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn mutated(_: Mutation) -> bool {
    false
}

/// Runs `work` with a deliberate fault active in the current thread. `None` means without a fault.
#[cfg(feature = "mutations")]
pub fn with<T>(mutation: Option<Mutation>, work: impl FnOnce() -> T) -> T {
    let before = ACTIVE.replace(mutation);
    let done = work();
    ACTIVE.set(before);
    done
}
