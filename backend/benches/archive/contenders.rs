//! Who is measured.

/// How to make an archive of `$SRC` as `$OUT`, or what a part of that costs.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// What must be on the path.
    pub(crate) needs: &'static str,
    pub(crate) script: &'static str,
}

pub(crate) const FAST: &str = "ours fast";
pub(crate) const DENSE: &str = "ours dense";
pub(crate) const ZSTD: &str = "ours zstd 3";
pub(crate) const PYTHON: &str = "python w:gz";
pub(crate) const GZIP: &str = "tar|gzip -6";
pub(crate) const PIGZ: &str = "tar|pigz -6";
pub(crate) const PEER_ZSTD: &str = "tar|zstd -T0 -3";

/// One more: a line here. The last ones make no archive: they are what no archive can be faster than.
pub(crate) const CONTENDERS: &[Contender] = &[
    Contender { name: FAST, needs: "", script: "\"$SELF\" ours gzip1 \"$SRC\" \"$OUT\"" },
    Contender { name: "ours balanced", needs: "", script: "\"$SELF\" ours gzip4 \"$SRC\" \"$OUT\"" },
    Contender { name: DENSE, needs: "", script: "\"$SELF\" ours gzip7 \"$SRC\" \"$OUT\"" },
    Contender { name: ZSTD, needs: "", script: "\"$SELF\" ours zstd3 \"$SRC\" \"$OUT\"" },
    Contender {
        name: PYTHON,
        needs: "python3",
        script: "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[2],\"w:gz\"); t.add(sys.argv[1],\"bench\"); t.close()' \"$SRC\" \"$OUT\" && sync \"$OUT\"",
    },
    Contender { name: GZIP, needs: "gzip", script: "tar -C \"$SRC\" -cf - . | gzip -6 > \"$OUT\" && sync \"$OUT\"" },
    Contender { name: PIGZ, needs: "pigz", script: "tar -C \"$SRC\" -cf - . | pigz -6 > \"$OUT\" && sync \"$OUT\"" },
    Contender {
        name: "tar|igzip -1 -T2",
        needs: "igzip",
        script: "tar -C \"$SRC\" -cf - . | igzip -1 -T 2 > \"$OUT\" && sync \"$OUT\"",
    },
    Contender {
        name: PEER_ZSTD,
        needs: "zstd",
        script: "tar -C \"$SRC\" -cf - . | zstd -q -T0 -3 > \"$OUT\" && sync \"$OUT\"",
    },
    Contender { name: "verify (ours)", needs: "", script: "\"$SELF\" verify \"$SOUND\"" },
    Contender { name: "read all (floor)", needs: "", script: "\"$SELF\" read \"$SRC\"" },
    Contender {
        name: "copy (floor)",
        needs: "cp",
        script: "tar -C \"$SRC\" -cf - . | cat > \"$OUT\" && sync \"$OUT\"",
    },
];
