//! [`Stack`]: the stack and the alt stack of a running script.
//!
//! An element is a handle of eight bytes. Elements of up to seven bytes (numbers, booleans, empty vectors) are stored in the
//! handle itself. Longer elements are stored in an arena, a buffer that both stacks share. Elements never change, so copying
//! one (`OP_DUP`, `OP_PICK`) copies only the handle, and moving one (`OP_ROLL`) moves eight bytes.
//!
//! The memory of single elements is not freed. When the arena reaches its limit, it is compacted: the elements in use are
//! copied to a new arena, and the next limit is twice their size. A push therefore takes constant time on average, and the
//! arena stays within a small multiple of the size of 1,000 elements of 520 bytes.

use std::cell::Cell;

use crate::limits::MAX_SCRIPT_ELEMENT_SIZE;
use crate::script_error::ScriptError;
use crate::script_num;

/// Maximum size of an element that is stored in its handle, in bytes.
const INLINE: usize = 7;

/// Last byte of a handle whose element is stored in the arena.
const IN_ARENA: u8 = 0xff;

/// Maximum memory, in bytes, that a thread keeps after a verification to reuse it in the next one. Most scripts need
/// less.
const MAX_KEPT: usize = 1 << 19;

thread_local! {
    static KEPT: Cell<Stack> = const { Cell::new(Stack::new()) };
}

/// Minimum size of the arena, in bytes, at which a compaction copies the elements in use. Also the minimum of the
/// arena's limit.
const MIN_ARENA_LIMIT: usize = 1 << 16;

type Result<T> = core::result::Result<T, ScriptError>;

const TOO_FEW: ScriptError = ScriptError::InvalidStackOperation;

/// Handle of an element, which has one of two forms:
///
/// - inline: the first bytes are the element, unused bytes are zero, and the last byte is the length;
/// - in the arena: the first four bytes are the offset in the arena and the next two the length, both little endian.
///   The last byte is [`IN_ARENA`].
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

    /// Creates the handle of an element in the arena. Returns `None` if the offset or the length does not fit the
    /// handle. This cannot happen within the limits of the arena.
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

    /// Returns the handle as a little-endian integer. For an inline element, the highest byte is the length and the
    /// other bytes are the element.
    #[inline]
    fn bits(&self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    /// Decodes the element as a number, with the result that [`script_num::decode`] would give. Returns `None` if the
    /// element is stored in the arena instead of in its handle.
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
        // The encoding is minimal if the last byte has a bit of the magnitude besides the sign, or if the byte before
        // it uses its highest bit.
        if minimal && (magnitude << 1) >> (sign_bit - 7) == 0 {
            return Some(Err(ScriptError::ScriptNum));
        }
        let magnitude = magnitude.cast_signed();
        Some(Ok(if self.bits() >> sign_bit & 1 == 0 { magnitude } else { -magnitude }))
    }

    /// Returns whether the element is true; `None` if the element is stored in the arena instead of in its handle.
    #[inline]
    fn to_bool(self) -> Option<bool> {
        let [.., tag] = self.0;
        if tag == IN_ARENA {
            return None;
        }
        // The sign bit is ignored, since negative zero is false. The empty vector has no sign bit.
        let sign = 1u64 << (8 * u32::from(tag)) >> 1;
        Some(self.bits() << 8 & !(sign << 8) != 0)
    }

    /// Returns the shortest encoding of a number as an inline element; `None` if it does not fit the handle.
    #[inline]
    fn number(number: i64) -> Option<Element> {
        let magnitude = number.unsigned_abs();
        let bits = u64::BITS - magnitude.leading_zeros();
        // The encoding needs one bit more than the magnitude, for the sign. Zero is the empty vector.
        let length = if bits == 0 { 0 } else { bits / 8 + 1 };
        if length as usize > INLINE {
            return None;
        }
        let sign = if number < 0 { 1 << (8 * length - 1) } else { 0 };
        Some(Element((magnitude | sign | u64::from(length) << (8 * INLINE)).to_le_bytes()))
    }
}

/// The stack and the alt stack of a running script. Depths count from the top, which has depth 0.
#[derive(Default, Clone)]
pub struct Stack {
    main: Vec<Element>,
    alt: Vec<Element>,
    arena: Vec<u8>,
    /// Second buffer. A compaction copies the elements in use from the arena to it, and then swaps the two buffers.
    spare: Vec<u8>,
    /// Limit of the arena's size, in bytes. If a new element would exceed the limit, [`Stack::compact`] is called
    /// first, which sets the next limit.
    arena_limit: usize,
}

impl Stack {
    /// Creates two empty stacks. No memory is allocated until an element is pushed.
    pub const fn new() -> Stack {
        Stack { main: Vec::new(), alt: Vec::new(), arena: Vec::new(), spare: Vec::new(), arena_limit: 0 }
    }

    /// Creates two empty stacks, with the memory that this thread kept from an earlier verification, if any.
    pub(crate) fn reused() -> Stack {
        // While a thread ends, its thread-local storage may be gone.
        KEPT.try_with(Cell::take).unwrap_or_default()
    }

    /// Keeps the memory of the stacks for the next verification on this thread, unless it exceeds [`MAX_KEPT`].
    pub(crate) fn keep(mut self) {
        if self.allocated_bytes() <= MAX_KEPT {
            self.clear();
            // If thread-local storage is gone, the memory is freed.
            let _ = KEPT.try_with(|kept| kept.set(self));
        }
    }

    /// Removes all elements of both stacks, without freeing memory.
    pub(crate) fn clear(&mut self) {
        self.main.clear();
        self.alt.clear();
        self.arena.clear();
        self.arena_limit = 0;
    }

    /// Returns the number of elements on the stack.
    #[inline]
    pub fn len(&self) -> usize {
        self.main.len()
    }

    /// Returns whether the stack is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.main.is_empty()
    }

    /// Returns the number of elements on the alt stack.
    #[inline]
    pub fn alt_len(&self) -> usize {
        self.alt.len()
    }

    /// Iterates over the elements of the stack, bottom first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.main.iter().map(|element| element.bytes(&self.arena))
    }

    /// Iterates over the elements of the alt stack, bottom first.
    pub fn alt_iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.alt.iter().map(|element| element.bytes(&self.arena))
    }

    /// Returns the number of bytes that the stacks have allocated.
    pub fn allocated_bytes(&self) -> usize {
        (self.main.capacity() + self.alt.capacity()) * size_of::<Element>()
            + self.arena.capacity()
            + self.spare.capacity()
    }

    /// Fails with [`ScriptError::InvalidStackOperation`] if the stack has fewer than `count` elements.
    #[inline]
    pub(crate) fn need(&self, count: usize) -> Result<()> {
        if self.main.len() < count { Err(TOO_FEW) } else { Ok(()) }
    }

    #[inline]
    fn element(&self, depth: usize) -> Result<&Element> {
        let index = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        self.main.get(index).ok_or(TOO_FEW)
    }

    /// Returns the element at a depth.
    ///
    /// # Errors
    ///
    /// [`ScriptError::InvalidStackOperation`] if the stack has no element at this depth. All methods that take a depth
    /// return this error.
    #[inline]
    pub fn get(&self, depth: usize) -> Result<&[u8]> {
        Ok(self.element(depth)?.bytes(&self.arena))
    }

    /// Returns the length of the element at a depth, in bytes.
    #[inline]
    pub(crate) fn size(&self, depth: usize) -> Result<usize> {
        Ok(self.element(depth)?.len())
    }

    /// Returns whether the element at a depth is true.
    #[inline]
    pub fn is_true(&self, depth: usize) -> Result<bool> {
        let element = self.element(depth)?;
        Ok(element.to_bool().unwrap_or_else(|| script_num::is_true(element.bytes(&self.arena))))
    }

    /// Decodes the element at a depth as a number.
    ///
    /// # Errors
    ///
    /// [`ScriptError::ScriptNum`] under the same conditions as [`script_num::decode`].
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
    /// [`ScriptError::PushSize`] if the element is longer than 520 bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let element = match Element::inline(bytes) {
            Some(element) => element,
            None => self.store(bytes)?,
        };
        self.main.push(element);
        Ok(())
    }

    /// Copies an element into the arena and returns its handle.
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

    /// Compacts the arena, so that it contains only the elements in use, if it has at least [`MIN_ARENA_LIMIT`] bytes.
    /// In any case, sets the next limit of the arena.
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

    /// Pushes a boolean: the byte 1 for true, the empty vector for false.
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

    /// Copies `count` neighboring elements to the top. The deepest of them is at `depth`.
    #[inline]
    pub(crate) fn copy(&mut self, depth: usize, count: usize) -> Result<()> {
        let start = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        self.main.get(start..).and_then(|rest| rest.get(..count)).ok_or(TOO_FEW)?;
        self.main.extend_from_within(start..start + count);
        Ok(())
    }

    /// Moves `count` neighboring elements to the top. The deepest of them is at `depth`.
    #[inline]
    pub(crate) fn roll(&mut self, depth: usize, count: usize) -> Result<()> {
        let start = self.main.len().checked_sub(1 + depth).ok_or(TOO_FEW)?;
        let part = self.main.get_mut(start..).filter(|part| count <= part.len()).ok_or(TOO_FEW)?;
        match part {
            // For short moves such as SWAP and ROT, a general rotation is slower.
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

    /// Copies the top element below the second one (OP_TUCK).
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

    /// Removes all elements of the alt stack. Called before each script, which starts with an empty alt stack.
    pub(crate) fn clear_alt(&mut self) {
        self.alt.clear();
    }
}

#[cfg(test)]
mod tests;
