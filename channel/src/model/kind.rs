//! All channel constructions, and their names on the command line.

use super::TimelockTree;
use super::{
    Construction, Content, Form, Literal, LiteralForm, LnPenalty, Profile, Setup, SignedSequence, Symmetry,
};
use crate::bolt3::Format;
use crate::error::ChannelError;

/// A construction with its parameters, from which a channel can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One relative lock (BIP 68) that is shorter for newer states: number of different locks, and the difference
    /// between two successive locks in blocks.
    Bip68(u32, u16),
    /// The invalidation tree of Decker and Wattenhofer: number of levels, number of different locks per level, and the
    /// difference between two successive locks in blocks.
    Tree(u32, u32, u16),
    /// LN-penalty, the construction of BOLT 3, with one of its commitment formats.
    LnPenalty(Format),
    /// A channel that follows the 2018 proposal for signed state numbers.
    Literal(LiteralForm),
    /// Signed sequence commitments, with the opcodes of one profile.
    SignedSequence(Profile),
    /// LN-Symmetry or its override form, with the opcodes of one [`Form`].
    Symmetry(Form),
}

/// Every construction with its default parameters and the name that commands accept.
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
    /// Returns the construction with this name, as listed in [`KINDS`]. Returns `None` if there is none.
    pub fn from_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind)
    }

    /// Returns whether a channel of this construction can have more than two parties.
    pub const fn multiparty(self) -> bool {
        matches!(self, Kind::Bip68(..) | Kind::Tree(..) | Kind::Symmetry(_))
    }

    /// Builds a channel of this construction, with `first` as its first state.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] or [`ChannelError::Parameter`] if the construction does not allow the setup or its own
    /// parameters. [`ChannelError::Content`] if the first state is not acceptable.
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
