//! The stack and the alt stack.
//!
//! An element is a handle of eight bytes. Up to seven bytes live in the handle itself (numbers, booleans, empty vectors);
//! longer ones lie in an arena that both stacks share. Elements never change, so copying one (`OP_DUP`, `OP_PICK`) copies
//! the handle alone, and moving one (`OP_ROLL`) moves eight bytes. Nothing is freed one by one: when the arena has grown to
//! its limit, what is still in use is copied together. The limit is twice what was in use then, so a push costs constant
//! time on average and the arena stays within a few times what 1,000 elements of 520 bytes take.

use std::cell::Cell;

use crate::error::ScriptError;
use crate::limits::MAX_SCRIPT_ELEMENT_SIZE;
use crate::script_num;

/// Longest element that lives in its handle, in bytes.
const INLINE: usize = 7;

/// Tag of a handle whose bytes lie in the arena.
const IN_ARENA: u8 = 0xff;

/// A thread keeps the memory of its last verification for the next one, up to this, in bytes. Common spends and most scripts
/// need less.
const MAX_KEPT: usize = 1 << 19;

thread_local! {
    static KEPT: Cell<Stack> = const { Cell::new(Stack::new()) };
}

/// The arena is not compacted before it has grown to this, in bytes.
const MIN_ARENA_LIMIT: usize = 1 << 16;

type Result<T> = core::result::Result<T, ScriptError>;

const TOO_FEW: ScriptError = ScriptError::InvalidStackOperation;

/// A handle. The last byte is the length of an inline element, whose unused bytes are zero; or [`IN_ARENA`], and the
/// first four bytes are the offset in the arena and the next two the length, little endian.
#[derive(Clone, Copy, Default)]
struct Element([u8; INLINE + 1]);

impl Element {
    #[inline]
    fn inline(bytes: &[u8]) -> Option<Element> {
        let length = u8::try_from(bytes.len()).ok()?;
        let mut handle = [0; INLINE + 1];
        handle.get_mut(..INLINE)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let [.., tag] = &mut handle;
        *tag = length;
        Some(Element(handle))
    }

    /// `None` if the place does not fit a handle, which the arena's limit rules out.
    #[inline]
    fn in_arena(offset: usize, length: usize) -> Option<Element> {
        let [a, b, c, d] = u32::try_from(offset).ok()?.to_le_bytes();
        let [e, f] = u16::try_from(length).ok()?.to_le_bytes();
        Some(Element([a, b, c, d, e, f, 0, IN_ARENA]))
    }

    #[inline]
    fn bytes<'s>(&'s self, arena: &'s [u8]) -> &'s [u8] {
        let [a, b, c, d, e, f, _, tag] = self.0;
        if tag != IN_ARENA {
            return self.0.get(..tag.into()).unwrap_or_default();
        }
        let offset = u32::from_le_bytes([a, b, c, d]) as usize;
        let length = usize::from(u16::from_le_bytes([e, f]));
        arena.get(offset..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    #[inline]
    fn len(&self) -> usize {
        let [_, _, _, _, e, f, _, tag] = self.0;
        if tag == IN_ARENA { u16::from_le_bytes([e, f]).into() } else { tag.into() }
    }

    /// The handle as a number: the bytes of an inline element from the lowest, and the tag above them.
    #[inline]
    fn bits(&self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    /// Reads a number as [`script_num::decode`] does, without leaving the handle; none if the element is not inline.
    #[inline]
    fn to_number(self, max_size: usize, minimal: bool) -> Option<Result<i64>> {
        let [.., tag] = self.0;
        if tag == IN_ARENA {
            return None;
        }
        if usize::from(tag) > max_size {
            return Some(Err(ScriptError::ScriptNum));
        }
        let Some(sign_bit) = (8 * u32::from(tag)).checked_sub(1) else { return Some(Ok(0)) };
        let magnitude = self.bits() & ((1 << sign_bit) - 1);
        // The last byte is needed for a bit of the magnitude, or since the byte before it has no room for the sign.
        if minimal && (magnitude << 1) >> (sign_bit - 7) == 0 {
            return Some(Err(ScriptError::ScriptNum));
        }
        let magnitude = magnitude.cast_signed();
        Some(Ok(if self.bits() >> sign_bit & 1 == 0 { magnitude } else { -magnitude }))
    }

    /// Whether the element counts as true; none if it is not inline.
    #[inline]
    fn to_bool(self) -> Option<bool> {
        let [.., tag] = self.0;
        if tag == IN_ARENA {
            return None;
        }
        // Negative zero is false: the sign is not looked at. The empty vector has neither sign nor bytes.
        let sign = 1u64 << (8 * u32::from(tag)) >> 1;
        Some(self.bits() << 8 & !(sign << 8) != 0)
    }

    /// The number's shortest encoding, if it fits a handle.
    #[inline]
    fn number(number: i64) -> Option<Element> {
        let magnitude = number.unsigned_abs();
        let bits = u64::BITS - magnitude.leading_zeros();
        // One bit more than the magnitude has, for the sign; zero is the empty vector.
        let length = if bits == 0 { 0 } else { bits / 8 + 1 };
        if length as usize > INLINE {
            return None;
        }
        let sign = if number < 0 { 1 << (8 * length - 1) } else { 0 };
        Some(Element((magnitude | sign | u64::from(length) << (8 * INLINE)).to_le_bytes()))
    }
}

/// The two stacks of a running script. Depths count from the top, which is 0.
#[derive(Default, Clone)]
pub struct Stack {
    main: Vec<Element>,
    alt: Vec<Element>,
    arena: Vec<u8>,
    /// The arena's other half while it is compacted.
    spare: Vec<u8>,
    /// The arena is compacted before it grows beyond this.
    arena_limit: usize,
}

impl Stack {
    /// Two empty stacks. Nothing is allocated before something is pushed.
    pub const fn new() -> Stack {
        Stack { main: Vec::new(), alt: Vec::new(), arena: Vec::new(), spare: Vec::new(), arena_limit: 0 }
    }

    /// Two empty stacks with the memory that this thread has kept, if it has.
    pub(crate) fn reused() -> Stack {
        // While a thread ends there is nothing to keep memory in.
        KEPT.try_with(Cell::take).unwrap_or_default()
    }

    /// Leaves the memory to the next verification on this thread.
    pub(crate) fn keep(mut self) {
        if self.allocated_bytes() <= MAX_KEPT {
            self.clear();
            // Without a place to keep it, it is freed.
            let _ = KEPT.try_with(|kept| kept.set(self));
        }
    }

    /// Empties both stacks and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.main.clear();
        self.alt.clear();
        self.arena.clear();
        self.arena_limit = 0;
    }

    /// The number of elements on the stack.
    #[inline]
    pub fn len(&self) -> usize {
        self.main.len()
    }

    /// Whether the stack is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.main.is_empty()
    }

    /// The number of elements on the alt stack.
    #[inline]
    pub fn alt_len(&self) -> usize {
        self.alt.len()
    }

    /// The elements of the stack, the top last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.main.iter().map(|element| element.bytes(&self.arena))
    }

    /// The elements of the alt stack, the top last.
    pub fn alt_iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.alt.iter().map(|element| element.bytes(&self.arena))
    }

    /// Bytes that the stacks have allocated.
    pub fn allocated_bytes(&self) -> usize {
        (self.main.capacity() + self.alt.capacity()) * size_of::<Element>()
            + self.arena.capacity()
            + self.spare.capacity()
    }

    /// Fails unless there are at least `count` elements.
    #[inline]
    pub(crate) fn need(&self, count: usize) -> Result<()> {
        if self.main.len() < count { Err(TOO_FEW) } else { Ok(()) }
    }

    #[inline]
    fn element(&self, depth: usize) -> Result<&Element> {
        let index = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        self.main.get(index).ok_or(TOO_FEW)
    }

    /// The element at a depth.
    ///
    /// # Errors
    ///
    /// [`ScriptError::InvalidStackOperation`] if the stack is not that deep; so for all methods that take a depth.
    #[inline]
    pub fn get(&self, depth: usize) -> Result<&[u8]> {
        Ok(self.element(depth)?.bytes(&self.arena))
    }

    /// The length of the element at a depth, in bytes.
    #[inline]
    pub(crate) fn size(&self, depth: usize) -> Result<usize> {
        Ok(self.element(depth)?.len())
    }

    /// Whether the element at a depth counts as true.
    #[inline]
    pub fn is_true(&self, depth: usize) -> Result<bool> {
        let element = self.element(depth)?;
        Ok(element.to_bool().unwrap_or_else(|| script_num::is_true(element.bytes(&self.arena))))
    }

    /// The number at a depth.
    ///
    /// # Errors
    ///
    /// [`ScriptError::ScriptNum`] as for [`script_num::decode`].
    #[inline]
    pub fn number(&self, depth: usize, max_size: usize, minimal: bool) -> Result<i64> {
        let element = self.element(depth)?;
        element
            .to_number(max_size, minimal)
            .unwrap_or_else(|| script_num::decode(element.bytes(&self.arena), max_size, minimal))
    }

    /// Pushes an element.
    ///
    /// # Errors
    ///
    /// [`ScriptError::PushSize`] if it is longer than 520 bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let element = match Element::inline(bytes) {
            Some(element) => element,
            None => self.store(bytes)?,
        };
        self.main.push(element);
        Ok(())
    }

    /// Copies bytes into the arena.
    fn store(&mut self, bytes: &[u8]) -> Result<Element> {
        if bytes.len() > MAX_SCRIPT_ELEMENT_SIZE {
            return Err(ScriptError::PushSize);
        }
        if self.arena.len() + bytes.len() > self.arena_limit {
            self.compact();
        }
        let element = Element::in_arena(self.arena.len(), bytes.len()).ok_or(ScriptError::StackSize)?;
        self.arena.extend_from_slice(bytes);
        Ok(element)
    }

    /// Copies together what is in use and sets the next limit.
    #[cold]
    fn compact(&mut self) {
        if self.arena.len() >= MIN_ARENA_LIMIT {
            self.spare.clear();
            for element in self.main.iter_mut().chain(&mut self.alt) {
                let offset = self.spare.len();
                let bytes = element.bytes(&self.arena);
                if let (true, Some(moved)) = (bytes.len() > INLINE, Element::in_arena(offset, bytes.len())) {
                    self.spare.extend_from_slice(bytes);
                    *element = moved;
                }
            }
            core::mem::swap(&mut self.arena, &mut self.spare);
        }
        self.arena_limit = MIN_ARENA_LIMIT.max(2 * self.arena.len());
    }

    /// Pushes a number in its shortest encoding.
    #[inline]
    pub(crate) fn push_number(&mut self, number: i64) -> Result<()> {
        match Element::number(number) {
            Some(element) => {
                self.main.push(element);
                Ok(())
            }
            None => self.push(script_num::encode(number).as_bytes()),
        }
    }

    /// Pushes 1 or the empty vector.
    #[inline]
    pub(crate) fn push_bool(&mut self, value: bool) {
        self.main.push(Element([u8::from(value), 0, 0, 0, 0, 0, 0, u8::from(value)]));
    }

    /// Removes the top `count` elements.
    #[inline]
    pub(crate) fn drop_top(&mut self, count: usize) -> Result<()> {
        let left = self.main.len().checked_sub(count).ok_or(TOO_FEW)?;
        self.main.truncate(left);
        Ok(())
    }

    /// Copies `count` elements to the top, beginning with the one at `depth`.
    #[inline]
    pub(crate) fn copy(&mut self, depth: usize, count: usize) -> Result<()> {
        let start = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        self.main.get(start..).and_then(|rest| rest.get(..count)).ok_or(TOO_FEW)?;
        self.main.extend_from_within(start..start + count);
        Ok(())
    }

    /// Moves `count` elements to the top, beginning with the one at `depth`.
    #[inline]
    pub(crate) fn roll(&mut self, depth: usize, count: usize) -> Result<()> {
        let start = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        let part = self.main.get_mut(start..).filter(|part| count <= part.len()).ok_or(TOO_FEW)?;
        match part {
            // SWAP and ROT are too short for a general rotation to pay.
            [a, b] if count == 1 => core::mem::swap(a, b),
            [a, b, c] if count == 1 => (*a, *b, *c) = (*b, *c, *a),
            _ => part.rotate_left(count),
        }
        Ok(())
    }

    /// Removes the element at a depth.
    #[inline]
    pub(crate) fn remove(&mut self, depth: usize) -> Result<()> {
        self.roll(depth, 1)?;
        self.drop_top(1)
    }

    /// Copies the top element below the second one.
    #[inline]
    pub(crate) fn tuck(&mut self) -> Result<()> {
        self.need(2)?;
        self.copy(0, 1)?;
        // a b b -> b a b
        self.roll(2, 1)?;
        self.roll(1, 1)
    }

    /// Moves the top element to the alt stack.
    #[inline]
    pub(crate) fn move_to_alt(&mut self) -> Result<()> {
        let element = self.main.pop().ok_or(TOO_FEW)?;
        self.alt.push(element);
        Ok(())
    }

    /// Moves the top element of the alt stack to the stack.
    #[inline]
    pub(crate) fn move_from_alt(&mut self) -> Result<()> {
        let element = self.alt.pop().ok_or(ScriptError::InvalidAltstackOperation)?;
        self.main.push(element);
        Ok(())
    }

    /// Leaves the stack as a script finds it that follows this one: without alt stack.
    pub(crate) fn clear_alt(&mut self) {
        self.alt.clear();
    }
}

#[cfg(test)]
mod tests;
