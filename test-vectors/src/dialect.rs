//! Dialects: how the vector files of other projects name flags and errors, and which flags they mean by "all flags".
//!
//! Each dialect is one row of a table. The interpreter's own tables resolve the names, so a row contains no flag bits.

use sigstack_interpreter::{FLAGS, FlagKind, Flags, Location, Opcode, Phase, ScriptError};

use crate::error::Bad;

/// The names of flags and errors that the vector files of a certain project use, such as those of Bitcoin Inquisition.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dialect {
    /// Name of the dialect, as the option `--dialect` accepts it.
    pub name: &'static str,
    /// Names in a file's flags column that identify this dialect. One of them is enough.
    flag_words: &'static [&'static str],
    /// Names of opcodes that identify a file of this dialect if one of its scripts contains them.
    script_words: &'static [&'static str],
    /// Flag names of this dialect, each with the flags that it stands for. A name that stands only for the flag of the
    /// same name is not listed.
    names: &'static [(&'static str, &'static [&'static str])],
    /// Whether a generic discourage flag also refuses the proposals that use the same upgrade mechanism (OP_SUCCESSx,
    /// NOP, unknown public key type). Today's policy does so, and reports the generic error.
    refuses_proposals: bool,
    /// Flag names that "all flags" stands for in this dialect, in addition to the names of Core's 21 flags.
    universe: &'static [&'static str],
    /// Exceptions in tx_valid.json: flags that rows exclude although the transaction stays valid when the flag is
    /// enabled again.
    not_put_back: &'static [&'static str],
    /// Names of errors in files of this dialect that differ from the interpreter's names, each with the interpreter's
    /// name.
    errors: &'static [ErrorAlias],
}

/// An error name in a file, and the interpreter's name of the same error.
#[derive(Debug)]
struct ErrorAlias {
    theirs: &'static str,
    ours: &'static str,
    place: Place,
}

/// Where in a script an error must occur so that a vector file may give it the alternative name.
#[derive(Debug)]
enum Place {
    Anywhere,
    Tapscript,
    At(&'static [Opcode]),
}

/// Older names of script errors in Bitcoin Core. They are accepted in files of any age.
const OLDER_ERRORS: &[ErrorAlias] = &[
    ErrorAlias { theirs: "UNKNOWN_ERROR", ours: "SCRIPTNUM", place: Place::Anywhere },
    ErrorAlias { theirs: "PUBKEYTYPE", ours: "TAPSCRIPT_EMPTY_PUBKEY", place: Place::Tapscript },
    ErrorAlias {
        theirs: "UNBALANCED_CONDITIONAL",
        ours: "INVALID_STACK_OPERATION",
        place: Place::At(&[Opcode::OP_IF, Opcode::OP_NOTIF]),
    },
];

const fn anywhere(theirs: &'static str, ours: &'static str) -> ErrorAlias {
    ErrorAlias { theirs, ours, place: Place::Anywhere }
}

/// Every dialect, in the order in which they are tried for a file. A file that matches no other dialect has the last
/// one, which is Bitcoin Core's.
pub const DIALECTS: &[&Dialect] = &[
    &Dialect {
        name: "lnhance",
        flag_words: &["LNHANCE", "DISCOURAGE_LNHANCE"],
        script_words: &[],
        refuses_proposals: false,
        names: &[
            ("LNHANCE", &["CHECKTEMPLATEVERIFY", "CHECKSIGFROMSTACK", "INTERNALKEY", "PAIRCOMMIT"]),
            (
                "DISCOURAGE_LNHANCE",
                &[
                    "DISCOURAGE_CHECKTEMPLATEVERIFY",
                    "DISCOURAGE_CHECKSIGFROMSTACK",
                    "DISCOURAGE_INTERNALKEY",
                    "DISCOURAGE_PAIRCOMMIT",
                ],
            ),
        ],
        universe: &["LNHANCE", "DISCOURAGE_LNHANCE", "DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"],
        not_put_back: &[],
        errors: &[
            ErrorAlias {
                theirs: "DISCOURAGE_LNHANCE",
                ours: "DISCOURAGE_UPGRADABLE_NOPS",
                place: Place::At(&[Opcode::OP_CHECKTEMPLATEVERIFY]),
            },
            anywhere("DISCOURAGE_LNHANCE", "DISCOURAGE_OP_CHECKSIGFROMSTACK"),
            anywhere("DISCOURAGE_LNHANCE", "DISCOURAGE_OP_INTERNALKEY"),
            anywhere("DISCOURAGE_LNHANCE", "DISCOURAGE_OP_PAIRCOMMIT"),
        ],
    },
    &Dialect {
        name: "inquisition",
        flag_words: &[
            "DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH",
            "DISCOURAGE_CHECKSIGFROMSTACK",
            // The tx_invalid.json of this dialect uses only this name.
            "DISCOURAGE_UPGRADABLE_CHECK_TEMPLATE_VERIFY_HASH",
        ],
        script_words: &[],
        refuses_proposals: false,
        names: &[
            ("DEFAULT_CHECK_TEMPLATE_VERIFY_HASH", &["CHECKTEMPLATEVERIFY"]),
            ("DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH", &["DISCOURAGE_CHECKTEMPLATEVERIFY"]),
            (
                "DISCOURAGE_UPGRADABLE_CHECK_TEMPLATE_VERIFY_HASH",
                &["DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"],
            ),
        ],
        universe: &[
            "DEFAULT_CHECK_TEMPLATE_VERIFY_HASH",
            "DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH",
            "DISCOURAGE_UPGRADABLE_CHECK_TEMPLATE_VERIFY_HASH",
            "CHECKSIGFROMSTACK",
            "DISCOURAGE_CHECKSIGFROMSTACK",
            "OP_CAT",
            "DISCOURAGE_OP_CAT",
            "ANYPREVOUT",
            "DISCOURAGE_ANYPREVOUT",
        ],
        not_put_back: &[],
        errors: &[],
    },
    &Dialect {
        name: "bip119",
        flag_words: &["DEFAULT_CHECK_TEMPLATE_VERIFY_HASH"],
        script_words: &["CHECKTEMPLATEVERIFY", "OP_CHECKTEMPLATEVERIFY"],
        refuses_proposals: false,
        names: &[
            ("DEFAULT_CHECK_TEMPLATE_VERIFY_HASH", &["CHECKTEMPLATEVERIFY"]),
            (
                "DISCOURAGE_UPGRADABLE_NOPS",
                &["DISCOURAGE_UPGRADABLE_NOPS", "DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"],
            ),
        ],
        universe: &["DEFAULT_CHECK_TEMPLATE_VERIFY_HASH", "DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY"],
        // Seven rows exclude this flag, although the same transactions also occur in rows that include the flag.
        not_put_back: &["DISCOURAGE_UPGRADABLE_NOPS"],
        errors: &[],
    },
    CORE,
];

/// The dialect of files that no other dialect matches.
pub(crate) const CORE: &Dialect = &Dialect {
    name: "core",
    flag_words: &[],
    script_words: &[],
    names: &[],
    refuses_proposals: true,
    universe: &[],
    not_put_back: &[],
    errors: &[],
};

impl Dialect {
    /// Returns the dialect with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<&'static Dialect> {
        DIALECTS.iter().copied().find(|dialect| dialect.name == name)
    }

    /// Returns the first dialect that one of these words identifies, or [`CORE`] if there is none. The words are those
    /// of the file's flags columns and scripts.
    pub(crate) fn detect<'a>(
        flag_words: impl Iterator<Item = &'a str> + Clone,
        script_words: impl Iterator<Item = &'a str> + Clone,
    ) -> &'static Dialect {
        let gives_away = |dialect: &&Dialect| {
            flag_words.clone().any(|word| dialect.flag_words.contains(&word))
                || script_words.clone().any(|word| dialect.script_words.contains(&word))
        };
        DIALECTS.iter().copied().find(gives_away).unwrap_or(CORE)
    }

    /// Returns whether an error name in a file of this dialect means this error of the interpreter. Some names mean an
    /// error only at certain locations.
    pub(crate) fn accepts(&self, theirs: &str, error: ScriptError, location: &Location) -> bool {
        let holds = |place: &Place| match place {
            Place::Anywhere => true,
            Place::Tapscript => location.phase == Phase::Tapscript,
            Place::At(opcodes) => location.position.is_some_and(|at| opcodes.contains(&at.opcode)),
        };
        let ours = ScriptError::from_name(theirs);
        ours == Some(error)
            || (self.refuses_proposals && ours.is_some() && ours == error.in_core())
            || self.aliases(theirs).any(|alias| alias.ours == error.name() && holds(&alias.place))
    }

    /// Returns the names of all script errors that an error name in a file may mean. The first one is Core 31's
    /// spelling of the name itself. The others are errors that the name also stands for in this dialect.
    pub(crate) fn names_of(&self, theirs: &str) -> Vec<String> {
        let ours = ScriptError::from_name(theirs);
        let first = ours.map_or(theirs, |error| error.name());
        let mut names = vec![first.to_owned()];
        let same_in_core = ScriptError::ALL
            .iter()
            .filter(|error| ours.is_some() && error.in_core() == ours && Some(**error) != ours);
        if self.refuses_proposals {
            names.extend(same_in_core.map(|error| error.name().to_owned()));
        }
        for alias in self.aliases(theirs).filter(|alias| alias.ours != first) {
            names.push(alias.ours.to_owned());
        }
        names
    }

    /// Returns whether `theirs` is a known error name in files of this dialect.
    pub(crate) fn knows_error(&self, theirs: &str) -> bool {
        ScriptError::from_name(theirs).is_some() || self.aliases(theirs).next().is_some()
    }

    /// Returns the interpreter's flags that a flag name of this dialect stands for.
    fn flags_of(&self, name: &str) -> Flags {
        let own = self.names.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
        let flags: Flags = own.unwrap_or(&[name]).iter().filter_map(|ours| Flags::from_name(ours)).collect();
        if self.refuses_proposals { flags.refusing_as_core() } else { flags }
    }

    fn aliases<'a>(&'a self, theirs: &'a str) -> impl Iterator<Item = &'a ErrorAlias> {
        OLDER_ERRORS.iter().chain(self.errors).filter(move |alias| alias.theirs == theirs)
    }
}

/// A flag name that a dialect uses, and the interpreter's flags that the name stands for.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    name: &'static str,
    pub(crate) flags: Flags,
}

/// The flag names of a dialect, each with the interpreter's flags that it stands for.
///
/// Core's test runners add and remove flags by name, and so does this type: all flags of one name are always added or
/// removed together.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    dialect: &'static Dialect,
    /// The flag names that this dialect means by "all flags", each with its flags.
    universe: Vec<Unit>,
    /// Flag names that a file may use, but that are not part of "all flags".
    others: Vec<Unit>,
}

impl Rules {
    /// Creates the table of all flag names that a dialect knows, each with the interpreter's flags.
    pub(crate) fn new(dialect: &'static Dialect) -> Rules {
        let is_core = |kind| matches!(kind, FlagKind::Consensus | FlagKind::Policy);
        let core = FLAGS.iter().filter(|info| is_core(info.kind)).map(|info| info.name);
        let universe: Vec<&str> = core.chain(dialect.universe.iter().copied()).collect();
        let nameable = dialect.names.iter().map(|(name, _)| *name).chain(FLAGS.iter().map(|info| info.name));
        let others: Vec<&str> = nameable.filter(|name| !universe.contains(name)).collect();
        let units = |names: Vec<&'static str>| {
            names.into_iter().map(|name| Unit { name, flags: dialect.flags_of(name) }).collect()
        };
        Rules { dialect, universe: units(universe), others: units(others) }
    }

    /// Returns the dialect whose flag names these rules resolve.
    pub(crate) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Returns the flag names that "all flags" stands for in this dialect, each with its flags.
    pub(crate) fn universe(&self) -> &[Unit] {
        &self.universe
    }

    /// Returns the flags that are selected by `bits`. The bit at a position selects the flag name at the same position
    /// in "all flags".
    pub(crate) fn picked(&self, bits: u64) -> Flags {
        let units = self.universe.iter().enumerate();
        let picked = units.filter(|(nth, _)| (bits >> (nth % 64)) & 1 == 1);
        picked.map(|(_, unit)| unit.flags).collect()
    }

    /// Returns the flags that the dialect means by "all flags".
    pub(crate) fn all(&self) -> Flags {
        self.universe.iter().map(|unit| unit.flags).collect()
    }

    /// Returns `false` for a flag that is an exception in tx_valid.json: a transaction whose row excludes the flag may
    /// stay valid if the flag is enabled.
    pub(crate) fn is_put_back(&self, unit: &Unit) -> bool {
        !self.dialect.not_put_back.contains(&unit.name)
    }

    /// Parses comma-separated flag names of this dialect. Returns each name with the interpreter's flags that it stands
    /// for.
    pub(crate) fn units(&self, text: &str, field: &str) -> Result<Vec<&Unit>, Bad> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "NONE");
        let units = names.map(|name| {
            let bare = name.strip_prefix("SCRIPT_VERIFY_").unwrap_or(name);
            let unit = self.universe.iter().chain(&self.others).find(|unit| unit.name == bare);
            unit.ok_or_else(|| {
                Bad::new(field, format!("unknown flag {name:?} (dialect {})", self.dialect.name))
            })
        });
        units.collect()
    }

    /// Parses comma-separated flag names of this dialect. Returns all flags that the names stand for.
    pub(crate) fn parse(&self, text: &str, field: &str) -> Result<Flags, Bad> {
        Ok(self.units(text, field)?.into_iter().map(|unit| unit.flags).collect())
    }
}

/// Adds the flags that other flags require, for example P2SH for WITNESS. Returns a note if any were added. Core's test
/// runner adds them too.
pub(crate) fn completed(flags: Flags) -> (Flags, Option<String>) {
    let complete = flags.closure();
    let added = complete - flags;
    let note = (!added.is_empty()).then(|| format!("{added} was added to flags that need it"));
    (complete, note)
}

/// Removes from a set each flag that requires another flag which is not in the set. For example, removes WITNESS if
/// P2SH is missing.
pub(crate) fn trimmed(flags: Flags) -> Flags {
    // Each round removes the flags whose required flags were removed in earlier rounds, so there are at most as many rounds
    // as flags.
    FLAGS.iter().fold(flags, |set, _| {
        let lacking = set.iter().filter(|info| !set.contains(info.flag.closure()));
        set - lacking.map(|info| info.flag).collect()
    })
}

/// Parses flags by the names that the project's case format uses, and checks that the combination is valid.
pub(crate) fn plain_flags(text: &str, field: &str) -> Result<Flags, Bad> {
    let flags: Flags = text.parse().map_err(|error| Bad::new(field, error))?;
    flags.check().map_err(|error| Bad::new(field, error))?;
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_means_twenty_one_names_that_are_all_of_policy() {
        let rules = Rules::new(CORE);
        assert_eq!(rules.universe().len(), 21);
        let left = Flags::POLICY - rules.all();
        assert_eq!(left, Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY, "today nothing checks arguments");
        assert_eq!(rules.picked(1), Flags::P2SH);
        assert_eq!(rules.picked(u64::MAX), rules.all());
    }

    #[test]
    fn every_name_of_the_table_is_in_the_interpreters_tables() {
        for dialect in DIALECTS {
            for name in dialect.names.iter().flat_map(|(_, ours)| *ours) {
                assert!(Flags::from_name(name).is_some(), "{}: {name}", dialect.name);
            }
            for unit in Rules::new(dialect).universe() {
                assert!(!unit.flags.is_empty(), "{}: {}", dialect.name, unit.name);
            }
            for alias in OLDER_ERRORS.iter().chain(dialect.errors) {
                let ours = ScriptError::from_name(alias.ours).map(ScriptError::name);
                assert_eq!(ours, Some(alias.ours), "{}: {}", dialect.name, alias.theirs);
            }
            assert_eq!(Dialect::from_name(dialect.name).map(|found| found.name), Some(dialect.name));
        }
    }

    #[test]
    fn trimming_removes_what_lacks_support() {
        assert_eq!(trimmed(Flags::WITNESS | Flags::CLEANSTACK | Flags::DERSIG), Flags::DERSIG);
        assert_eq!(trimmed(Flags::P2SH | Flags::CLEANSTACK), Flags::P2SH);
        assert_eq!(trimmed(Flags::P2SH | Flags::WITNESS), Flags::P2SH | Flags::WITNESS);
    }

    #[test]
    fn names_mean_what_their_dialect_says() {
        let parse =
            |dialect: &str, text: &str| Rules::new(Dialect::from_name(dialect).unwrap()).parse(text, "flags");
        assert_eq!(parse("core", "P2SH, SCRIPT_VERIFY_WITNESS"), Ok(Flags::P2SH | Flags::WITNESS));
        assert_eq!(parse("core", "NONE"), Ok(Flags::NONE));
        assert_eq!(parse("core", "FOO").unwrap_err().problem, "unknown flag \"FOO\" (dialect core)");
        assert!(parse("core", "LNHANCE").is_err());
        assert_eq!(parse("core", "TEMPLATEHASH"), Ok(Flags::TEMPLATEHASH));
        let nops = |dialect| parse(dialect, "DISCOURAGE_UPGRADABLE_NOPS").unwrap();
        let generic = Flags::DISCOURAGE_UPGRADABLE_NOPS;
        assert_eq!(nops("core"), generic | Flags::DISCOURAGE_CHECKTEMPLATEVERIFY);
        assert_eq!(nops("bip119"), generic | Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY);
        assert_eq!(nops("inquisition"), generic);
        assert_eq!(nops("lnhance"), generic);
        let four =
            Flags::CHECKTEMPLATEVERIFY | Flags::CHECKSIGFROMSTACK | Flags::INTERNALKEY | Flags::PAIRCOMMIT;
        assert_eq!(parse("lnhance", "LNHANCE"), Ok(four));
        let hash = parse("inquisition", "DEFAULT_CHECK_TEMPLATE_VERIFY_HASH");
        assert_eq!(hash, Ok(Flags::CHECKTEMPLATEVERIFY));
    }

    #[test]
    fn plain_flags_must_go_together() {
        assert_eq!(plain_flags("P2SH,OP_CAT", "flags"), Ok(Flags::P2SH | Flags::OP_CAT));
        assert!(plain_flags("FOO", "flags").is_err());
        assert!(plain_flags("WITNESS", "flags").is_err(), "WITNESS needs P2SH");
    }

    #[test]
    fn detection_goes_by_flags_and_scripts() {
        let detect = |flags: &'static [&'static str], scripts: &'static [&'static str]| {
            Dialect::detect(flags.iter().copied(), scripts.iter().copied()).name
        };
        assert_eq!(detect(&["P2SH"], &["ADD"]), "core");
        assert_eq!(detect(&["DEFAULT_CHECK_TEMPLATE_VERIFY_HASH"], &[]), "bip119");
        assert_eq!(detect(&[], &["OP_CHECKTEMPLATEVERIFY"]), "bip119");
        assert_eq!(detect(&["LNHANCE"], &["OP_CHECKTEMPLATEVERIFY"]), "lnhance");
        assert_eq!(
            detect(&["DEFAULT_CHECK_TEMPLATE_VERIFY_HASH", "DISCOURAGE_CHECKSIGFROMSTACK"], &[]),
            "inquisition"
        );
    }

    #[test]
    fn renamed_errors_are_accepted_only_where_they_mean_the_same() {
        use sigstack_interpreter::ScriptPosition;
        let core = CORE;
        let at = |opcode| Location {
            phase: Phase::ScriptPubKey,
            position: Some(ScriptPosition { opcode_position: 0, byte_offset: 0, opcode, meaning: opcode }),
        };
        assert!(core.accepts("NULLFAIL", ScriptError::SigNullFail, &at(Opcode::OP_CHECKSIG)));
        assert!(core.accepts("UNKNOWN_ERROR", ScriptError::ScriptNum, &at(Opcode::OP_ADD)));
        assert!(!core.accepts("UNKNOWN_ERROR", ScriptError::EvalFalse, &at(Opcode::OP_ADD)));
        let unbalanced =
            |opcode| core.accepts("UNBALANCED_CONDITIONAL", ScriptError::InvalidStackOperation, &at(opcode));
        assert!(unbalanced(Opcode::OP_NOTIF));
        assert!(!unbalanced(Opcode::OP_ADD));
        assert!(!core.accepts("PUBKEYTYPE", ScriptError::TapscriptEmptyPubkey, &at(Opcode::OP_CHECKSIG)));
    }
}
