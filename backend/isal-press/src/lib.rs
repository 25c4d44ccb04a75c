//! Raw deflate of one piece by [ISA-L](https://github.com/intel/isa-l), some five times as fast as any other library
//! at nearly the same size.
//!
//! A crate of its own because ISA-L is C and assembly: `unsafe` is forbidden in the service and stands only here, in
//! [`ffi`]. `isal-sys` is used for its sources, its build and its generated declarations, and not the safe `isal-rs`
//! above it, which knows neither level 2 nor a flush without an end of the stream.
//!
//! Without the feature `isal` everything here still compiles, needs no C and says so: [`Deflater::new`] is `None`.
//! Building with it takes nasm (on x86), autoconf, automake and libtool.
//!
//! Do not add a second way to call C here, and do not trust the output: whoever uses it inflates what must be right.

#[cfg(not(feature = "isal"))]
mod absent;
#[cfg(feature = "isal")]
mod ffi;

#[cfg(not(feature = "isal"))]
use absent as ffi;

/// Why a piece could not be deflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// ISA-L's own number, such as `STATELESS_OVERFLOW`; see `igzip_lib.h`.
    pub code: i32,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "isa-l refused to deflate a piece (code {})", self.code)
    }
}

impl std::error::Error for Refused {}

/// A compressor of one thread; about 350 KiB of memory.
pub struct Deflater(ffi::Stream);

impl Deflater {
    /// `None` when this build is without ISA-L.
    #[must_use]
    pub fn new() -> Option<Self> {
        ffi::Stream::new().map(Self)
    }

    /// Appends `piece` to `out` as whole deflate blocks, none of them the last of a stream, that end on a byte
    /// border and look back no further than the piece. So pieces may stand one after another in any order.
    ///
    /// # Errors
    /// What ISA-L says; `out` is then as it was.
    pub fn deflate(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let before = out.len();
        // ISA-L counts in 32 bits.
        for part in piece.chunks(1 << 30) {
            if let Err(refused) = self.0.append(part, out) {
                out.truncate(before);
                return Err(refused);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "isal")]
mod tests;
