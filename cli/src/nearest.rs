//! Finds the known name that a misspelled name most likely stands for.

use core::cmp::Reverse;

use strsim::{damerau_levenshtein, jaro_winkler};

/// Minimum Jaro-Winkler similarity for a suggestion. Long names that differ in a few letters have more than 0.8.
const LEAST_SIMILARITY: f64 = 0.75;

/// Minimum number of letters of a misspelled name for which a longer known name that contains it is suggested. A known
/// name that is contained in the misspelled name must have more letters than this.
const LEAST_PART: usize = 3;

/// Maximum number of letters of a name for which a similar name is searched. The time of a comparison grows with the
/// length.
const MOST_LETTERS: usize = 200;

/// Returns the known name closest to `name`, or `None` if no name is close enough to be suggested.
///
/// Names are compared as in [`is_same`]. The choices, in this order, are:
///
/// - a name that differs in a few letters
/// - the shortest known name that contains `name`
/// - the longest known name that `name` contains
/// - the most similar name
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    if wanted.is_empty() || wanted.len() > MOST_LETTERS {
        return None;
    }
    let known: Vec<(&str, String)> = known.into_iter().map(|known| (known, plain(known))).collect();
    // Sorted by the number of edits, then by the similarity, which gives more weight to the beginning.
    let most_edits = wanted.chars().count() / 4 + 1;
    let close = known.iter().filter_map(|(known, plain)| {
        let edits = damerau_levenshtein(&wanted, plain);
        let similarity = jaro_winkler(&wanted, plain);
        (edits <= most_edits && similarity >= LEAST_SIMILARITY).then_some((edits, similarity, *known))
    });
    let close = close.min_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)));
    let containing = || {
        let long_enough = wanted.chars().count() >= LEAST_PART;
        let matches = known.iter().filter(|(_, plain)| long_enough && plain.contains(&wanted));
        matches.min_by_key(|(_, plain)| plain.len()).map(|(known, _)| *known)
    };
    let contained = || {
        let long_enough = known.iter().filter(|(_, plain)| plain.chars().count() > LEAST_PART);
        let matches = long_enough.filter(|(_, plain)| wanted.contains(plain.as_str()));
        matches.min_by_key(|(_, plain)| Reverse(plain.len())).map(|(known, _)| *known)
    };
    let similar = || {
        let scored = known.iter().map(|(known, plain)| (jaro_winkler(&wanted, plain), *known));
        let best = scored.min_by(|left, right| right.0.total_cmp(&left.0));
        best.filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY + 0.1).map(|(_, known)| known)
    };
    close.map(|(_, _, known)| known).or_else(containing).or_else(contained).or_else(similar)
}

/// Returns a sentence that suggests the nearest known name: `did you mean NAME?`.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|known| format!("did you mean {known}?"))
}

/// Returns `true` if two names are the same apart from case, `_`, `-`, spaces and the prefixes `OP_` and
/// `SCRIPT_VERIFY_`.
pub(crate) fn is_same(left: &str, right: &str) -> bool {
    plain(left) == plain(right)
}

/// Returns a name in lower case, without prefixes and separators that users may add or leave out.
fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_prefix("script_verify_").unwrap_or(&name);
    let name = name.strip_prefix("op_").unwrap_or(name);
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 7] = [
        "OP_CAT",
        "CHECKSIGFROMSTACK",
        "CHECKTEMPLATEVERIFY",
        "P2SH",
        "NULLDUMMY",
        "csfs/valid",
        "csfs/state-active",
    ];

    #[test]
    fn misspelled_names_find_the_right_one() {
        for (name, expected) in [
            ("csfs/valdi", "csfs/valid"),
            ("csfs/VALID", "csfs/valid"),
            ("state-active", "csfs/state-active"),
            ("NULLDUMY", "NULLDUMMY"),
            ("null_dummy", "NULLDUMMY"),
            ("SCRIPT_VERIFY_P2HS", "P2SH"),
            ("OP_CHECKSIGFROMSTAK", "CHECKSIGFROMSTACK"),
            ("TEMPLATEVERIFY", "CHECKTEMPLATEVERIFY"),
            ("DEFAULT_CHECKTEMPLATEVERIFY_HASH", "CHECKTEMPLATEVERIFY"),
            ("SCRIPT_VERIFY_CHECK_TEMPLATE_VERIFY", "CHECKTEMPLATEVERIFY"),
        ] {
            assert_eq!(nearest(name, KNOWN), Some(expected), "{name}");
        }
    }

    #[test]
    fn names_far_from_all_suggest_nothing() {
        for name in ["", "x", "zebra", "-", "FOO", "12345"] {
            assert_eq!(nearest(name, KNOWN), None, "{name}");
        }
    }
}
