//! Parses the words of a policy text: names, punctuation, comments and hex, and reports errors about them.

use nom::bytes::complete::{take_while, take_while1};
use nom::error::{ErrorKind as NomKind, ParseError};
use nom::{IResult, Parser};

use crate::display::is_bare_length;
use crate::error::ErrorKind;

/// A parse error: its kind, the number of bytes of text left at the error, and the number of bytes that the error
/// covers.
#[derive(Debug)]
pub(super) struct Fail {
    pub(super) rest: usize,
    pub(super) len: usize,
    pub(super) kind: ErrorKind,
}

impl ParseError<&str> for Fail {
    fn from_error_kind(input: &str, _: NomKind) -> Fail {
        Fail { rest: input.len(), len: 0, kind: expected(input, "a name or a number") }
    }

    fn append(_: &str, _: NomKind, other: Fail) -> Fail {
        other
    }
}

pub(super) type Parsed<'a, T> = IResult<&'a str, T, Fail>;

pub(super) fn expected(input: &str, expected: &'static str) -> ErrorKind {
    let word: String = input.chars().take_while(|c| is_word(*c)).take(40).collect();
    let found = if word.is_empty() { input.chars().take(1).collect() } else { word };
    ErrorKind::Syntax { expected, found }
}

pub(super) fn fail<'a, T>(input: &'a str, what: &'static str) -> Parsed<'a, T> {
    let kind = expected(input, what);
    let len = if let ErrorKind::Syntax { found, .. } = &kind { found.len() } else { 0 };
    Err(nom::Err::Error(Fail { rest: input.len(), len, kind }))
}

pub(super) fn fail_with<T>(input: &str, len: usize, kind: ErrorKind) -> Parsed<'_, T> {
    Err(nom::Err::Failure(Fail { rest: input.len(), len, kind }))
}

pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) fn space(input: &str) -> Parsed<'_, ()> {
    take_while(|c: char| c.is_ascii_whitespace()).map(|_| ()).parse(input)
}

/// Parses a punctuation mark and the whitespace around it.
pub(super) fn mark<'a>(input: &'a str, mark: char, what: &'static str) -> Parsed<'a, ()> {
    let (input, ()) = space(input)?;
    match input.strip_prefix(mark) {
        Some(rest) => space(rest),
        None => fail(input, what),
    }
}

/// Parses a word. Returns the input that begins with the word, from which spans are computed, and the word.
pub(super) fn word<'a>(input: &'a str, what: &'static str) -> Parsed<'a, (&'a str, &'a str)> {
    let (input, ()) = space(input)?;
    match take_while1::<_, _, Fail>(is_word).parse(input) {
        Ok((rest, word)) => Ok((rest, (input, word))),
        Err(_) => fail(input, what),
    }
}

/// Words of the language, which a definition may not use as names.
pub(super) const RESERVED: &[&str] = &[
    "TRIVIAL",
    "UNSATISFIABLE",
    "after",
    "allow",
    "and",
    "any",
    "any32",
    "apo",
    "apoas",
    "atleast",
    "atmost",
    "between",
    "bytes",
    "cat",
    "ctv",
    "delegate",
    "hash160",
    "hash256",
    "internal",
    "key",
    "locktime",
    "newer",
    "newer_cat",
    "newer_pair",
    "newer_wide",
    "number",
    "nums",
    "older",
    "opens",
    "or",
    "pair",
    "pk",
    "policy",
    "presigned",
    "ripemd160",
    "sha256",
    "signed",
    "signs",
    "templatehash",
    "templates",
    "thresh",
    "tr",
];

/// Returns `true` if a word without `0x` is a hex literal: 40, 64 or 130 hex digits.
pub(super) fn is_bare_hex(word: &str) -> bool {
    word.len().is_multiple_of(2)
        && is_bare_length(word.len() / 2)
        && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Returns `true` if a word is a compressed key of 33 bytes, whose first byte encodes the parity of the y coordinate.
pub(crate) fn is_compressed_key(word: &str) -> bool {
    word.len() == 66
        && (word.starts_with("02") || word.starts_with("03"))
        && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Returns the checksum of a descriptor (BIP 380), including its `#`, if it directly follows an output.
pub(super) fn checksum(behind: &str) -> Option<&str> {
    const LEN: usize = 9;
    let text = behind.get(..LEN).filter(|text| text.starts_with('#'))?;
    let is_digit = |c: char| "qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(c);
    let is_whole = behind.get(LEN..)?.chars().next().is_none_or(char::is_whitespace);
    (is_whole && text.chars().skip(1).all(is_digit)).then_some(text)
}

pub(super) fn close<'a>(input: &'a str, what: &'static str) -> Parsed<'a, ()> {
    close_with(input, ')', what)
}

/// Parses a closing punctuation mark. The whitespace after it is not consumed, so that spans and line numbers stay exact.
pub(super) fn close_with<'a>(input: &'a str, mark: char, what: &'static str) -> Parsed<'a, ()> {
    let (input, ()) = space(input)?;
    match input.strip_prefix(mark) {
        Some(rest) => Ok((rest, ())),
        None => fail(input, what),
    }
}

pub(super) fn comment(input: &str) -> Option<(&str, String)> {
    let text = input.strip_prefix('#')?;
    let line = text.split('\n').next().unwrap_or_default();
    Some((text.get(line.len()..).unwrap_or_default(), line.trim_end().into()))
}
