//! Who is measured.

/// A way to store `$SRC` in the repository that the environment names. What it puts into `$OUT` is for the benchmark.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) script: &'static str,
    /// Whether it keeps what it stores from a stack that runs: it makes the change itself, within its run.
    pub(crate) is_ours: bool,
}

pub(crate) const OURS: &str = "Mainstay";
pub(crate) const BARE: &str = "restic backup";
pub(crate) const CAREFUL: &str = "backup, ls, forget";

/// One more: a line here.
pub(crate) const CONTENDERS: &[Contender] = &[
    Contender { name: BARE, script: "restic backup --quiet --host=bench \"$SRC\"", is_ours: false },
    Contender {
        name: CAREFUL,
        script: "restic backup --quiet --host=bench \"$SRC\" && restic ls latest >/dev/null && \
                 restic forget --quiet --keep-last 1000",
        is_ours: false,
    },
    Contender { name: OURS, script: "\"$SELF\" ours \"$SRC\" \"$OUT\"", is_ours: true },
];
