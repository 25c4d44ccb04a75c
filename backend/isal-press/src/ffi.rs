//! The only unsafe code: ISA-L's one-shot deflate, `isal_deflate_stateless` of `igzip_lib.h`.
//!
//! One-shot, because a piece is at hand as a whole: nothing is buffered between calls, and the flush type
//! `FULL_FLUSH` without an end of the stream gives blocks that more blocks may follow.

#![expect(unsafe_code, reason = "ISA-L is C; each block says why it is sound")]

use std::ptr;

use isal_sys::igzip_lib as isal;

use crate::Refused;

/// Level 2 is nearly as fast as 1 and smaller; 3 takes twice the time for one percent.
const LEVEL: u32 = 2;
/// The middle one of the sizes that ISA-L names: a block has at most as many symbols as fit in here, and shorter
/// blocks follow the data better.
const LEVEL_BUFFER: usize = isal::ISAL_DEF_LVL2_MEDIUM as usize;
/// Plain bytes of a stored block, to which ISA-L turns when nothing shrinks.
const STORED_MAX: usize = 0xffff;

/// ISA-L's state and the memory that it works in.
pub(crate) struct Stream {
    state: Box<isal::isal_zstream>,
    /// Of words, for its alignment: ISA-L lays a structure with pointers over it.
    level_buffer: Box<[u64]>,
}

// SAFETY: the pointers in `state` are set at the start of each call and reset at its end; between calls they are
// null, except for the table of constants in the library, and nothing in it belongs to a thread.
unsafe impl Send for Stream {}

impl Stream {
    pub(crate) fn new() -> Option<Self> {
        let state = Box::<isal::isal_zstream>::new_zeroed();
        // SAFETY: a plain C structure of integers, arrays of them, and pointers, for all of which zero is a value.
        let state = unsafe { state.assume_init() };
        Some(Self { state, level_buffer: vec![0; LEVEL_BUFFER.div_ceil(8)].into_boxed_slice() })
    }

    /// As [`crate::Deflater::deflate`], for up to 2^30 bytes.
    pub(crate) fn append(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let bound = part.len() + (part.len() / STORED_MAX + 1) * 5 + 64;
        let overflow = Refused { code: isal::STATELESS_OVERFLOW };
        let (avail_in, avail_out) = match (u32::try_from(part.len()), u32::try_from(bound)) {
            (Ok(part), Ok(bound)) => (part, bound),
            _ => return Err(overflow),
        };
        out.reserve(bound);
        let state = &mut *self.state;
        // SAFETY: `state` is a valid structure of that type, which the call fills in.
        unsafe { isal::isal_deflate_stateless_init(state) };
        state.level = LEVEL;
        state.level_buf = self.level_buffer.as_mut_ptr().cast();
        state.level_buf_size = LEVEL_BUFFER as u32;
        state.flush = isal::FULL_FLUSH as u16;
        // Never written through: the declaration merely lacks the `const`.
        state.next_in = part.as_ptr().cast_mut();
        state.avail_in = avail_in;
        state.next_out = out.spare_capacity_mut().as_mut_ptr().cast();
        state.avail_out = avail_out;
        // SAFETY: the three pointers name memory of at least the stated sizes, which nothing else touches during the
        // call; `next_in` is only read, `next_out` only written.
        let code = unsafe { isal::isal_deflate_stateless(state) };
        let (len, is_whole) = (state.total_out as usize, state.avail_in == 0);
        (state.next_in, state.next_out, state.level_buf) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        if code != isal::COMP_OK as i32 {
            return Err(Refused { code });
        }
        if !is_whole || len > bound {
            return Err(overflow);
        }
        // SAFETY: `bound` bytes were reserved, and ISA-L wrote the first `len` of them.
        unsafe { out.set_len(out.len() + len) };
        Ok(())
    }
}
