//! All constructions by name.

use super::TimelockTree;
use super::{
    Construction, Content, Form, Literal, LiteralForm, LnPenalty, Profile, Setup, SignedSequence, Symmetry,
};
use crate::bolt3::Format;
use crate::error::ChannelError;

/// A construction, not yet built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One shrinking lock: locks and blocks between them.
    Bip68(u32, u16),
    /// The invalidation tree: levels, locks a level, blocks between them.
    Tree(u32, u32, u16),
    /// LN-penalty.
    LnPenalty(Format),
    /// The literal form of 2018.
    Literal(LiteralForm),
    /// Signed sequence commitments.
    SignedSequence(Profile),
    /// LN-Symmetry and override.
    Symmetry(Form),
}

/// Every construction under the name that commands take.
pub const KINDS: &[(&str, Kind)] = &[
    ("bip68", Kind::Bip68(456, 144)),
    ("tree", Kind::Tree(4, 7, 144)),
    ("ln-static", Kind::LnPenalty(Format::StaticRemotekey)),
    ("ln-anchors", Kind::LnPenalty(Format::Anchors)),
    ("ln-zero-fee", Kind::LnPenalty(Format::ZeroFee)),
    ("literal-cat", Kind::Literal(LiteralForm::Cat)),
    ("literal-pc", Kind::Literal(LiteralForm::PairCommit)),
    ("sequence-ctv", Kind::SignedSequence(Profile::Ctv)),
    ("sequence-th", Kind::SignedSequence(Profile::TemplateHash)),
    ("sequence-apo", Kind::SignedSequence(Profile::AnyPrevOut)),
    ("sequence-csfs", Kind::SignedSequence(Profile::CsfsOnly)),
    ("sequence-apo-only", Kind::SignedSequence(Profile::AnyPrevOutAlone)),
    ("symmetry-apo", Kind::Symmetry(Form::AnyPrevOut)),
    ("symmetry-ctv", Kind::Symmetry(Form::CtvCsfs)),
    ("symmetry-ikey", Kind::Symmetry(Form::CtvCsfsInternalKey)),
    ("symmetry-pc", Kind::Symmetry(Form::PairCommit)),
    ("symmetry-th", Kind::Symmetry(Form::TemplateHash)),
    ("override-pc", Kind::Symmetry(Form::OverridePairCommit)),
    ("override-th", Kind::Symmetry(Form::OverrideTemplateHash)),
];

impl Kind {
    /// A construction by its name.
    pub fn from_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind)
    }

    /// Whether more than two can take part.
    pub const fn multiparty(self) -> bool {
        matches!(self, Kind::Bip68(..) | Kind::Tree(..) | Kind::Symmetry(_))
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the setup or the content does not fit it.
    pub fn build(self, setup: Setup, first: Content) -> Result<Box<dyn Construction>, ChannelError> {
        Ok(match self {
            Kind::Bip68(steps, interval) => Box::new(TimelockTree::new(setup, 1, steps, interval, first)?),
            Kind::Tree(depth, steps, interval) => {
                Box::new(TimelockTree::new(setup, depth, steps, interval, first)?)
            }
            Kind::LnPenalty(format) => Box::new(LnPenalty::new(setup, format, first)?),
            Kind::Literal(form) => Box::new(Literal::new(setup, form, first)?),
            Kind::SignedSequence(profile) => Box::new(SignedSequence::new(setup, profile, first)?),
            Kind::Symmetry(form) => Box::new(Symmetry::new(setup, form, first)?),
        })
    }
}
