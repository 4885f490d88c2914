//! Compiles thresholds: scripts that add up the results of their parts.

use super::Optimizer;
use crate::atom::Atom;
use crate::fragment::Frag;
use crate::node::{Node, ONE, scale, share};
use crate::piece::*;

impl Optimizer<'_> {
    /// Adds a script for `k` of the children to `pieces`. Each child adds its result to a sum, and the script compares
    /// the sum with `k`.
    pub(super) fn threshold(
        &mut self,
        k: usize,
        children: &[Node],
        (sat, dis): (u64, u64),
        pieces: &mut Pieces,
    ) {
        let n = children.len();
        let met = share(n).saturating_mul(u64::try_from(k).unwrap_or(u64::MAX)).min(ONE);
        let (at, off) = (scale(sat, met), scale(sat, ONE - met).saturating_add(dis));
        let mut parts = Vec::new();
        for child in children {
            let part = self.part(child, at, off);
            let (Some(choice), Some(summand)) = (part.choice.clone(), self.summand(child, &part, (at, off)))
            else {
                return;
            };
            parts.push((choice, summand));
        }
        let dearer = |(choice, summand): &(Piece, Piece)| {
            Pieces::cost(summand, at, off).saturating_sub(Pieces::cost(choice, at, off))
        };
        // The first part needs no opcode for the addition. The part that saves most is put first, the earliest one if
        // several save the same.
        let gains = parts.iter().map(dearer).enumerate().map(|(nth, gain)| (gain, core::cmp::Reverse(nth)));
        let Some(first) = gains.max().map(|(_, nth)| nth.0) else { return };
        let (mut sum, mut unsigned, mut frags, mut head) = ((0, 0, 0), 0, Vec::new(), Frag::False);
        for (nth, (choice, summand)) in parts.into_iter().enumerate() {
            let piece = if nth == first { choice } else { summand };
            let refused = piece.prop.dis.unwrap_or(0);
            sum = (
                sum.0 + piece.prop.size,
                sum.1 + expect([(met, piece.prop.sat), (ONE - met, refused)]),
                sum.2 + refused,
            );
            unsigned += usize::from(!piece.prop.signed);
            if nth == first {
                head = piece.frag;
            } else {
                frags.push(piece.frag);
            }
        }
        let number = bytes(1 + crate::script::number_bytes(u64::try_from(k).unwrap_or(u64::MAX)).len());
        let number = if k <= 16 { bytes(1) } else { number };
        let prop = Prop {
            size: sum.0 + number + bytes(1),
            sat: sum.1,
            dis: Some(sum.2).filter(|_| unsigned == 0),
            args: Args::Many,
            unit: true,
            signed: unsigned < k,
            forced: false,
            nonzero: false,
            sound: unsigned <= k,
        };
        pieces.offer(Piece { frag: Frag::Thresh(k, head.boxed(), frags), prop }, (sat, dis));
    }

    /// Returns the cheapest script that adds the result of one part of a threshold to the sum on the stack.
    fn summand(&self, node: &Node, part: &Pieces, (at, off): (u64, u64)) -> Option<Piece> {
        let mut best = None;
        if let Node::Atom(index) = node
            && let Some(atom @ (Atom::Sig(_) | Atom::Rebind(..))) = self.atoms.get(*index)
        {
            let piece = Piece { frag: Frag::AddSig(*index), prop: atom_prop(atom) };
            Pieces::keep(&mut best, &piece, at, off);
        }
        if let Some(piece) = part.verify.as_ref().filter(|piece| piece.prop.args == Args::Zero) {
            let prop = Prop {
                size: piece.prop.size + bytes(4),
                sat: piece.prop.sat + bytes(2),
                dis: Some(bytes(1)),
                forced: false,
                ..piece.prop
            };
            Pieces::keep(&mut best, &Piece { frag: Frag::AddIf(piece.frag.clone().boxed()), prop }, at, off);
        }
        if let Some(piece) = &part.choice {
            let prop = piece.prop;
            let (frag, size) = below(piece.clone());
            let piece = Piece { frag: Frag::Add(frag.boxed()), prop: Prop { size: size + bytes(1), ..prop } };
            Pieces::keep(&mut best, &piece, at, off);
        }
        best
    }
}
