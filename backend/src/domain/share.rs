//! A share of a number of things: `1/30`, `5%`, or `0`.

use std::fmt;
use std::str::FromStr;

/// A share from nothing to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    part: u32,
    of: u32,
}

impl Share {
    /// One of so many.
    #[must_use]
    pub const fn one_of(of: u32) -> Self {
        Self { part: 1, of }
    }

    /// How many of `total` that are: at least one, where it is not nothing.
    #[must_use]
    pub const fn count(self, total: u64) -> u64 {
        (total * self.part as u64).div_ceil(self.of as u64)
    }
}

/// A text that is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a share such as '1/30', '5%', or '0' for nothing")]
pub struct InvalidShare;

impl FromStr for Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        let text = text.trim();
        let (part, of) = match (text.split_once('/'), text.strip_suffix('%')) {
            (Some((part, of)), _) => (part, of),
            (None, Some(part)) => (part, "100"),
            (None, None) => (text, "1"),
        };
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| InvalidShare);
        let share = Self { part: number(part)?, of: number(of)? };
        if share.of == 0 || share.part > share.of { Err(InvalidShare) } else { Ok(share) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing() {
        let count = |text: &str, total| text.parse::<Share>().map(|share| share.count(total));
        assert_eq!(count("1/30", 31), Ok(2));
        assert_eq!(count("1/30", 1), Ok(1));
        assert_eq!(count("1/30", 0), Ok(0));
        assert_eq!(count("5%", 100), Ok(5));
        assert_eq!(count("0", 100), Ok(0));
        assert_eq!(count("1", 7), Ok(7), "all of them");
        for text in ["", "2", "3/2", "1/0", "-1/2", "x%", "0.5"] {
            assert_eq!(text.parse::<Share>(), Err(InvalidShare), "{text}");
        }
    }
}
