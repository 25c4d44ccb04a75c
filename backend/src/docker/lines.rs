//! What a container prints, as lines of a log: [`Lines`] cuts the stream, [`Mask`] hides what the container was given as
//! secrets.

use secrecy::{ExposeSecret as _, SecretString};

use super::sounds_secret;

/// Bytes of a line that are kept.
const MAX_LINE_BYTES: usize = 4096;
/// The shortest value that is hidden: a shorter one would make a riddle of every line.
const MIN_HIDDEN_BYTES: usize = 6;

/// Cuts a stream into lines. Each stream has its own.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    is_cut: bool,
}

impl Lines {
    /// The lines that a piece completes.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut parts = piece.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.take(part);
            if parts.peek().is_some() {
                lines.extend(self.end());
            }
        }
        lines
    }

    /// What was printed without a line break at the end.
    #[must_use]
    pub fn end(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let is_cut = std::mem::take(&mut self.is_cut);
        let text = String::from_utf8_lossy(&line);
        let bare = without_escapes(text.trim_end_matches('\r'));
        // A progress bar draws itself over and over; how it looked last is enough.
        let shown = bare.rsplit('\r').next().unwrap_or_default().trim_end();
        (!shown.is_empty()).then(|| format!("{shown}{}", if is_cut { " …" } else { "" }))
    }

    fn take(&mut self, part: &[u8]) {
        let room = MAX_LINE_BYTES - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.is_cut |= part.len() > room;
    }
}

/// Leaves out the sequences that colour a terminal (ECMA-48): `ESC [ … letter`, `ESC ] … BEL`, and two-byte ones.
fn without_escapes(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\u{1b}' {
            bare.push(character);
            continue;
        }
        match rest.next() {
            Some('[') => drop(rest.find(|c| ('@'..='~').contains(c))),
            Some(']') => drop(rest.find(|c| matches!(c, '\u{7}' | '\u{9c}'))),
            _ => {}
        }
    }
    bare
}

/// Hides the secrets that an image was given, should it print them.
#[derive(Debug, Clone)]
pub struct Mask(Vec<SecretString>);

impl Mask {
    /// Of variables, those whose names sound like secrets.
    #[must_use]
    pub fn of<'a>(env: impl IntoIterator<Item = (&'a String, &'a SecretString)>) -> Self {
        let is_hidden = |(name, value): &(&String, &SecretString)| {
            sounds_secret(name) && value.expose_secret().len() >= MIN_HIDDEN_BYTES
        };
        Self(env.into_iter().filter(is_hidden).map(|(_, value)| value.clone()).collect())
    }

    /// The line, with `***` in the place of every such value.
    #[must_use]
    pub fn apply(&self, line: String) -> String {
        self.0.iter().fold(line, |line, value| {
            let value = value.expose_secret();
            if line.contains(value) { line.replace(value, "***") } else { line }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all: Vec<_> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
        all.extend(lines.end());
        all
    }

    #[test]
    fn pieces_become_lines_wherever_they_end() {
        assert_eq!(split(&[b"on", b"e\ntwo\n\nth", b"ree"]), ["one", "two", "three"]);
        assert_eq!(split(&[b"10 %\r50 %\r100 %\r\ndone\r\n"]), ["100 %", "done"]);
        assert_eq!(split(&[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
        assert_eq!(split(&[b""]), Vec::<String>::new());
    }

    #[test]
    fn colours_go() {
        assert_eq!(split(&[b"\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain\x1b(\n"]), ["red and plain"]);
        assert_eq!(split(&[b"cut \x1b[3"]), ["cut"]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_takes_no_more_room() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            assert!(lines.push(&[b'x'; 1000]).is_empty());
        }
        assert!(lines.line.capacity() <= 2 * MAX_LINE_BYTES);
        let [line] = lines.push(b"\n").try_into().expect("one line");
        assert_eq!((line.len(), line.ends_with('…')), (MAX_LINE_BYTES + " …".len(), true));
        assert_eq!(lines.push(b"next\n"), ["next"]);
    }

    #[test]
    fn a_printed_secret_is_hidden() {
        let env = [("API_TOKEN", "tok-en-123"), ("SHORT_KEY", "abc"), ("REGION", "eu-central")];
        let env: Vec<_> = env.map(|(name, value)| (name.to_owned(), SecretString::from(value))).into();
        let mask = Mask::of(env.iter().map(|(name, value)| (name, value)));
        let line = "with tok-en-123 and tok-en-123 to eu-central abc".to_owned();
        assert_eq!(mask.apply(line), "with *** and *** to eu-central abc");
    }
}
