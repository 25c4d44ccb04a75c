//! Which restic it is, and what it can do.

use std::fmt;

/// A version of restic, such as `0.14.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest that works: the first with repositories of format 2, and the one of Debian 12.
    pub(super) const OLDEST: Self = Self::new(0, 14, 0);

    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads what `restic version` prints: `restic 0.14.0 compiled with go1.19.8 on linux/amd64`, `restic 0.17.2-dev (…)`.
    pub(super) fn find(output: &str) -> Option<Self> {
        let word = output.lines().find_map(|line| line.strip_prefix("restic "))?.split_whitespace().next()?;
        let numbers = word.trim_start_matches('v').split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(|n| n.parse().ok());
        Some(Self::new(numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?))
    }

    /// Whether exit code 10 alone says that there is no repository; before, only the text tells.
    pub(super) fn has_exit_codes(self) -> bool {
        self >= Self::new(0, 17, 0)
    }

    /// Whether `restore` makes holes of zeros.
    pub(super) fn has_sparse(self) -> bool {
        self >= Self::new(0, 15, 0)
    }

    /// Whether `restore` tells its progress as JSON.
    pub(super) fn has_restore_json(self) -> bool {
        self >= Self::new(0, 16, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        for (text, version) in [
            ("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", Some(Version::new(0, 14, 0))),
            ("restic 0.17.2-dev (compiled manually) compiled with go1.22 on linux/amd64", Some(Version::new(0, 17, 2))),
            ("warning: x\nrestic 1.2 compiled", Some(Version::new(1, 2, 0))),
            ("restic v0.18", Some(Version::new(0, 18, 0))),
            ("", None),
            ("restic", None),
            ("restic x.y", None),
        ] {
            assert_eq!(Version::find(text), version, "{text:?}");
        }
        assert!(Version::new(0, 9, 6) < Version::OLDEST && Version::new(1, 0, 0) > Version::OLDEST);
        assert!(!Version::OLDEST.has_exit_codes() && Version::new(0, 17, 0).has_exit_codes());
    }
}
