//! Parses a policy text into a [`Document`].
//!
//! ```text
//! document  = { comment | statement } output
//! comment   = "#" … end of line
//! statement = "key" name [ "=" hex ] [ "signs" "templates" ] ";"
//!           | "number" name [ "=" digits ] ";"   | "bytes" name [ "=" hex ] ";"
//!           | "policy" name "=" policy ";"       | "allow" reason ";"
//! output    = "tr" "(" ( key | "nums" ) [ "," tree ] ")" | policy
//! tree      = policy | "{" tree "," tree "}"
//! policy    = "pk" "(" key ")" | "and" "(" policy { "," policy } ")" | …      see [`Kind`]
//! number    = term { "+" term }
//! ```
//!
//! Whitespace is allowed between any two words. Hex of 20, 32 or 65 bytes is written without a prefix, hex of other lengths with
//! the prefix `0x`.

mod words;

use nom::Parser;
use nom::bytes::complete::take_while1;

use crate::error::{Error, ErrorKind, KEY};
use crate::policy::*;

pub(crate) use words::is_compressed_key;
use words::*;

/// A parser that knows the length of the whole text. It computes a span from this length and the length of the text
/// that remains to be parsed.
struct Reader {
    total: usize,
}

impl Reader {
    fn span(&self, start: &str, end: &str) -> Span {
        Span { start: self.total.saturating_sub(start.len()), end: self.total.saturating_sub(end.len()) }
    }

    fn name<'a>(&self, input: &'a str, what: &'static str) -> Parsed<'a, Name> {
        let (rest, (start, text)) = word(input, what)?;
        if text.starts_with(|c: char| c.is_ascii_digit()) || is_bare_hex(text) {
            return fail(start, what);
        }
        if RESERVED.contains(&text) {
            return fail_with(start, text.len(), ErrorKind::ReservedName(text.into()));
        }
        Ok((rest, Name { text: text.into(), span: self.span(start, rest) }))
    }

    fn hex<'a>(&self, input: &'a str, what: &'static str) -> Parsed<'a, (Vec<u8>, Span)> {
        let (rest, (start, text)) = word(input, what)?;
        let digits = text.strip_prefix("0x").or(Some(text).filter(|text| is_bare_hex(text)));
        match digits.and_then(|digits| hex::decode(digits).ok()) {
            Some(bytes) => Ok((rest, (bytes, self.span(start, rest)))),
            None => fail(start, what),
        }
    }

    fn key_bytes<'a>(&self, input: &'a str) -> Parsed<'a, ([u8; 32], Span)> {
        if let Ok((_, (start, text))) = word(input, "a key")
            && is_compressed_key(text)
        {
            return fail_with(start, text.len(), ErrorKind::Length { what: KEY, needed: 32, is: 33 });
        }
        let (rest, (bytes, span)) = self.hex(input, "an x-only key: 64 hex digits")?;
        let len = span.end - span.start;
        match <[u8; 32]>::try_from(bytes) {
            Ok(key) => Ok((rest, (key, span))),
            Err(bytes) => {
                let kind = ErrorKind::Length { what: KEY, needed: 32, is: bytes.len() };
                let (start, ()) = space(input)?;
                fail_with(start, len, kind)
            }
        }
    }

    fn key<'a>(&self, input: &'a str) -> Parsed<'a, Key> {
        let (rest, (start, text)) = word(input, "a key: a name, 64 hex digits or `internal`")?;
        if text == "internal" {
            Ok((rest, Key::Internal(self.span(start, rest))))
        } else if is_bare_hex(text) || text.starts_with("0x") || is_compressed_key(text) {
            let (rest, (key, span)) = self.key_bytes(start)?;
            Ok((rest, Key::Literal(key, span)))
        } else {
            self.name(start, "a key: a name, 64 hex digits or `internal`")
                .map(|(rest, name)| (rest, Key::Name(name)))
        }
    }

    fn bytes<'a>(&self, input: &'a str) -> Parsed<'a, Bytes> {
        const WHAT: &str = "bytes: a name or hex (behind `0x` unless 20, 32 or 65 bytes)";
        let (_, (start, text)) = word(input, WHAT)?;
        if is_bare_hex(text) || text.starts_with("0x") {
            let (rest, (bytes, span)) = self.hex(start, WHAT)?;
            Ok((rest, Bytes::Literal(bytes, span)))
        } else {
            self.name(start, WHAT).map(|(rest, name)| (rest, Bytes::Name(name)))
        }
    }

    fn digits<'a>(&self, input: &'a str, what: &'static str) -> Parsed<'a, u64> {
        let (rest, (start, text)) = word(input, what)?;
        if !text.bytes().all(|b| b.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
            return fail(start, what);
        }
        match text.parse() {
            Ok(number) => Ok((rest, number)),
            Err(_) => fail_with(start, text.len(), ErrorKind::NumberOverflow),
        }
    }

    fn number<'a>(&self, input: &'a str) -> Parsed<'a, Number> {
        const WHAT: &str = "a number: digits or a name";
        let (first, ()) = space(input)?;
        let (mut rest, mut terms) = (first, Vec::new());
        loop {
            let (_, (start, text)) = word(rest, WHAT)?;
            let term;
            (rest, term) = if text.starts_with(|c: char| c.is_ascii_digit()) {
                self.digits(start, WHAT).map(|(rest, number)| (rest, Term::Literal(number)))?
            } else {
                self.name(start, WHAT).map(|(rest, name)| (rest, Term::Name(name)))?
            };
            terms.push(term);
            match mark(rest, '+', "`+`") {
                Ok((after, ())) => rest = after,
                Err(_) => return Ok((rest, Number { terms, span: self.span(first, rest) })),
            }
        }
    }

    fn compare<'a>(&self, input: &'a str, word: &str) -> Parsed<'a, Message> {
        let (rest, first) = self.number(input)?;
        Ok(match word {
            "newer" => (rest, Message::Number(Compare::Newer(first))),
            "atleast" => (rest, Message::Number(Compare::AtLeast(first))),
            "atmost" => (rest, Message::Number(Compare::AtMost(first))),
            _ => {
                let (rest, ()) = mark(rest, ',', "`,` and the upper bound")?;
                let (rest, second) = self.number(rest)?;
                (rest, Message::Number(Compare::Between(first, second)))
            }
        })
    }

    fn message<'a>(&self, input: &'a str, depth: usize) -> Parsed<'a, Message> {
        const WHAT: &str = "a message: bytes, any, any32, newer, newer_wide, newer_pair, newer_cat, atleast, atmost, between, \
                            locktime, ctv, templatehash, delegate, pair, cat or sha256";
        let (rest, (start, text)) = word(input, WHAT)?;
        if depth >= MAX_DEPTH {
            return fail_with(start, text.len(), ErrorKind::TooDeep);
        }
        match text {
            "locktime" => return Ok((rest, Message::Locktime)),
            "ctv" => return Ok((rest, Message::Ctv)),
            "templatehash" => return Ok((rest, Message::TemplateHash)),
            "delegate" => return Ok((rest, Message::Delegate)),
            _ => {}
        }
        let Ok((inner, ())) = mark(rest, '(', "`(`") else {
            return self.bytes(start).map(|(rest, bytes)| (rest, Message::Fixed(bytes)));
        };
        let (rest, message) = match text {
            "any" => self.name(inner, "the slot's name").map(|(rest, name)| (rest, Message::Any(name)))?,
            "any32" => {
                self.name(inner, "the slot's name").map(|(rest, name)| (rest, Message::Any32(name)))?
            }
            "newer" | "atleast" | "atmost" | "between" => self.compare(inner, text)?,
            "newer_wide" => self.number(inner).map(|(rest, number)| (rest, Message::NewerWide(number)))?,
            "newer_pair" | "newer_cat" => {
                let join = if text == "newer_pair" { Join::Pair } else { Join::Cat };
                self.bytes(inner).map(|(rest, bytes)| (rest, Message::NewerOpened(join, bytes)))?
            }
            "pair" | "cat" => {
                let join = if text == "pair" { Join::Pair } else { Join::Cat };
                let (rest, left) = self.message(inner, depth + 1)?;
                let (rest, ()) = mark(rest, ',', "`,` and the second part")?;
                let (rest, right) = self.message(rest, depth + 1)?;
                (rest, Message::Join(join, Box::new(left), Box::new(right)))
            }
            "sha256" => {
                self.message(inner, depth + 1).map(|(rest, m)| (rest, Message::Sha256(Box::new(m))))?
            }
            _ => return fail_with(start, text.len(), ErrorKind::UnknownFragment(text.into())),
        };
        let (rest, ()) = close(rest, "`)`")?;
        Ok((rest, message))
    }

    fn list<'a, T>(
        &self,
        input: &'a str,
        mut item: impl FnMut(&'a str) -> Parsed<'a, T>,
    ) -> Parsed<'a, Vec<T>> {
        let (mut rest, first) = item(input)?;
        let mut items = vec![first];
        while let Ok((after, ())) = mark(rest, ',', "`,`") {
            let next;
            (rest, next) = item(after)?;
            items.push(next);
        }
        Ok((rest, items))
    }

    fn weighted<'a>(&self, input: &'a str, depth: usize) -> Parsed<'a, (u32, Policy)> {
        let (_, (start, text)) = word(input, "a policy or a weight")?;
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return self.policy(start, depth).map(|(rest, policy)| (rest, (1, policy)));
        }
        let (rest, weight) = self.digits(start, "a weight")?;
        let Ok(weight @ 1..) = u32::try_from(weight) else {
            let kind = ErrorKind::Range { what: "a weight", range: (1, u32::MAX.into()), is: weight };
            return fail_with(start, text.len(), kind);
        };
        let (rest, ()) = mark(rest, '@', "`@` behind the weight")?;
        self.policy(rest, depth).map(|(rest, policy)| (rest, (weight, policy)))
    }

    /// Parses a policy, or a tree of policies in braces.
    fn tree<'a>(&self, input: &'a str, depth: usize) -> Parsed<'a, Policy> {
        let (start, ()) = space(input)?;
        let Some(inner) = start.strip_prefix('{') else { return self.policy(start, depth) };
        if depth >= MAX_DEPTH {
            return fail_with(start, 1, ErrorKind::TooDeep);
        }
        let (rest, left) = self.tree(inner, depth + 1)?;
        let (rest, ()) = mark(rest, ',', "`,` and the second subtree")?;
        let (rest, right) = self.tree(rest, depth + 1)?;
        let (rest, ()) = close_with(rest, '}', "`}`")?;
        let kind = Kind::Tree(Box::new(left), Box::new(right));
        Ok((rest, Policy { kind, span: self.span(start, rest) }))
    }

    fn policy<'a>(&self, input: &'a str, depth: usize) -> Parsed<'a, Policy> {
        let (rest, (start, text)) = word(input, "a policy")?;
        if depth >= MAX_DEPTH {
            return fail_with(start, text.len(), ErrorKind::TooDeep);
        }
        let plain = match text {
            "TRIVIAL" => Some(Kind::Trivial),
            "UNSATISFIABLE" => Some(Kind::Unsatisfiable),
            _ => None,
        };
        if let Some(kind) = plain {
            return Ok((rest, Policy { kind, span: self.span(start, rest) }));
        }
        let Ok((inner, ())) = mark(rest, '(', "`(`") else {
            let (rest, name) = self.name(start, "a policy")?;
            return Ok((rest, Policy { kind: Kind::Named(name), span: self.span(start, rest) }));
        };
        let (rest, kind) = self.fragment(start, text, inner, depth)?;
        let (rest, ()) = close(rest, "`,` or `)`")?;
        Ok((rest, Policy { kind, span: self.span(start, rest) }))
    }

    /// Parses the arguments of the fragment named `text`. `start` is the input from the name on, `inner` the input after the
    /// opening bracket.
    fn fragment<'a>(&self, start: &'a str, text: &str, inner: &'a str, depth: usize) -> Parsed<'a, Kind> {
        let hash = HashFn::ALL.into_iter().find(|hash| hash.name() == text);
        if let Some(hash) = hash {
            return self.bytes(inner).map(|(rest, image)| (rest, Kind::Hash(hash, image)));
        }
        match text {
            "pk" => self.key(inner).map(|(rest, key)| (rest, Kind::Pk(key))),
            "after" => self.number(inner).map(|(rest, n)| (rest, Kind::After(n))),
            "older" => self.number(inner).map(|(rest, n)| (rest, Kind::Older(n))),
            "apo" => self.key(inner).map(|(rest, key)| (rest, Kind::Rebind(Rebind::AnyPrevout, key))),
            "apoas" => {
                self.key(inner).map(|(rest, key)| (rest, Kind::Rebind(Rebind::AnyPrevoutAnyScript, key)))
            }
            "presigned" => {
                let (rest, key) = self.key(inner)?;
                let (rest, ()) = mark(rest, ',', "`,` and the signature")?;
                self.bytes(rest).map(|(rest, signature)| (rest, Kind::Presigned(key, signature)))
            }
            "ctv" => self.bytes(inner).map(|(rest, hash)| (rest, Kind::Ctv(hash))),
            "templatehash" => self.bytes(inner).map(|(rest, hash)| (rest, Kind::TemplateHash(hash))),
            "signed" => {
                let (rest, message) = self.message(inner, depth + 1)?;
                let (rest, ()) = mark(rest, ',', "`,` and the key that signs")?;
                self.list(rest, |input| self.key(input))
                    .map(|(rest, keys)| (rest, Kind::Signed(message, keys)))
            }
            "opens" => {
                let (rest, commitment) = self.bytes(inner)?;
                let (rest, ()) = mark(rest, ',', "`,` and what is committed to")?;
                self.message(rest, depth + 1).map(|(rest, message)| (rest, Kind::Opens(commitment, message)))
            }
            "and" => self
                .list(inner, |input| self.policy(input, depth + 1))
                .map(|(rest, all)| (rest, Kind::And(all))),
            "or" => self
                .list(inner, |input| self.weighted(input, depth + 1))
                .map(|(rest, all)| (rest, Kind::Or(all))),
            "thresh" => {
                let (threshold, ()) = space(inner)?;
                let (rest, k) = self.digits(threshold, "the threshold")?;
                let (rest, ()) = mark(rest, ',', "`,` and the policies")?;
                let (rest, all) = self.list(rest, |input| self.policy(input, depth + 1))?;
                match u32::try_from(k) {
                    Ok(k) => Ok((rest, Kind::Thresh(k, all))),
                    Err(_) => fail_with(
                        threshold,
                        1,
                        ErrorKind::Arguments("the threshold is above the number of policies"),
                    ),
                }
            }
            _ => fail_with(start, text.len(), ErrorKind::UnknownFragment(text.into())),
        }
    }

    fn output<'a>(&self, input: &'a str) -> Parsed<'a, Output> {
        let (rest, (start, text)) = word(input, "a statement or a policy")?;
        if text != "tr" {
            return self.policy(start, 0).map(|(rest, policy)| (rest, Output::Bare(policy)));
        }
        let (rest, ()) = mark(rest, '(', "`(`")?;
        let (after, (at, text)) = word(rest, "the internal key: a key or `nums`")?;
        let (rest, internal) = match text {
            "nums" => (after, Internal::Nums(self.span(at, after))),
            "internal" => return fail(at, "the internal key: a key or `nums`"),
            _ => self.key(at).map(|(rest, key)| (rest, Internal::Key(key)))?,
        };
        let (rest, policy) = match mark(rest, ',', "`,`") {
            Ok((rest, ())) => self.tree(rest, 0).map(|(rest, policy)| (rest, Some(policy)))?,
            Err(_) => (rest, None),
        };
        let (rest, ()) = close(rest, "`,` or `)`")?;
        Ok((rest, Output::Tr(internal, policy)))
    }

    fn value<'a, T>(&self, input: &'a str, read: impl Fn(&'a str) -> Parsed<'a, T>) -> Parsed<'a, Option<T>> {
        match mark(input, '=', "`=`") {
            Ok((rest, ())) => read(rest).map(|(rest, value)| (rest, Some(value))),
            Err(_) => Ok((input, None)),
        }
    }

    fn statement<'a>(&self, input: &'a str) -> Parsed<'a, Statement> {
        const HEX: &str = "hex (behind `0x` unless 20, 32 or 65 bytes)";
        let (rest, (start, keyword)) = word(input, "a statement or a policy")?;
        let is_definition = rest.trim_start().starts_with(is_word);
        let (rest, statement) = match keyword {
            "key" if is_definition => {
                let (rest, name) = self.name(rest, "the key's name")?;
                let (rest, value) = self.value(rest, |input| self.key_bytes(input))?;
                let (rest, purpose) = match word(rest, "`signs`") {
                    Ok((rest, (_, "signs"))) => match word(rest, "`templates`")? {
                        (rest, (_, "templates")) => (rest, Purpose::Templates),
                        (_, (at, _)) => return fail(at, "`templates`"),
                    },
                    _ => (rest, Purpose::Any),
                };
                (rest, Statement::Key(name, value.map(|(key, _)| key), purpose))
            }
            "number" if is_definition => {
                let (rest, name) = self.name(rest, "the number's name")?;
                let (rest, value) = self.value(rest, |input| self.digits(input, "digits"))?;
                (rest, Statement::Number(name, value))
            }
            "bytes" if is_definition => {
                let (rest, name) = self.name(rest, "the name of the bytes")?;
                let (rest, value) = self.value(rest, |input| self.hex(input, HEX))?;
                (rest, Statement::Bytes(name, value.map(|(bytes, _)| bytes)))
            }
            "policy" if is_definition => {
                let (rest, name) = self.name(rest, "the policy's name")?;
                let (rest, ()) = mark(rest, '=', "`=`")?;
                let (rest, policy) = self.policy(rest, 0)?;
                (rest, Statement::Policy(name, policy))
            }
            "allow" if is_definition => {
                let (rest, name) = self.reason(rest)?;
                (rest, Statement::Allow(name))
            }
            _ => return self.output(start).map(|(rest, output)| (rest, Statement::Output(output))),
        };
        let (rest, ()) = close_with(rest, ';', "`;`")?;
        Ok((rest, statement))
    }

    /// Parses the name of a safety check after `allow`. Unlike other names, it may contain a `-`.
    fn reason<'a>(&self, input: &'a str) -> Parsed<'a, Name> {
        let (start, ()) = space(input)?;
        let (rest, text) = take_while1(|c| is_word(c) || c == '-').parse(start)?;
        Ok((rest, Name { text: text.into(), span: self.span(start, rest) }))
    }
}

fn document(text: &str) -> Result<Document, Fail> {
    let reader = Reader { total: text.len() };
    let (mut rest, mut items, mut complete) = (text, Vec::new(), false);
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let gap = rest.get(..rest.len() - trimmed.len()).unwrap_or_default();
        rest = trimmed;
        if rest.is_empty() {
            break;
        }
        if gap.matches('\n').count() > 1 && !items.is_empty() {
            items.push(Item::Blank);
        }
        if let Some((after, text)) = comment(rest) {
            items.push(Item::Comment(text));
            rest = after;
            continue;
        }
        if complete {
            let kind = expected(rest, "nothing more: the output is the last statement");
            return Err(Fail { rest: rest.len(), len: 1, kind });
        }
        let (after, statement) = match reader.statement(rest) {
            Ok(parsed) => parsed,
            Err(nom::Err::Error(fail) | nom::Err::Failure(fail)) => return Err(fail),
            Err(nom::Err::Incomplete(_)) => {
                return Err(Fail { rest: 0, len: 0, kind: expected("", "more text") });
            }
        };
        complete = matches!(statement, Statement::Output(_));
        if let Some(text) = checksum(after).filter(|_| complete) {
            return Err(Fail { rest: after.len(), len: text.len(), kind: ErrorKind::Checksum(text.into()) });
        }
        let behind = after.trim_start_matches([' ', '\t']);
        let trailing = comment(behind);
        rest = trailing.as_ref().map_or(after, |(rest, _)| rest);
        items.push(Item::Statement(statement, trailing.map(|(_, text)| text)));
    }
    if complete {
        Ok(Document { items })
    } else {
        Err(Fail {
            rest: 0,
            len: 0,
            kind: expected("", "a statement or the output: `tr(KEY, policy)` or a policy"),
        })
    }
}

/// Parses a policy text, which may be one line or a whole file.
///
/// # Errors
///
/// [`Error`] says what was expected and where.
pub fn parse(text: &str) -> Result<Document, Error> {
    if text.len() > MAX_TEXT {
        return Err(Error::new(ErrorKind::TooLong, Span { start: MAX_TEXT, end: MAX_TEXT }));
    }
    document(text).map_err(|fail| {
        let start = text.len().saturating_sub(fail.rest);
        Error::new(fail.kind, Span { start, end: start + fail.len })
    })
}
