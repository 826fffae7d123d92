//! Half characters: clients cut texts between the two escapes of one character (`\ud83d\ude00`), and JSON with one of them
//! alone is refused as a whole.

/// JSON with `\ufffd` for each escape that is half a character (`\ud83d` alone). Everything else stays, byte for byte.
#[must_use]
pub fn whole(text: &str) -> String {
    let bytes = text.as_bytes();
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        let (length, half) = match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => (12, false),
            Some(0xd800..=0xdfff) => (6, true),
            _ if bytes[at] == b'\\' => (2, false),
            _ => (1, false),
        };
        if half {
            // An escape begins and ends between characters.
            out.push_str(text.get(from..at).unwrap_or_default());
            out.push_str("\\ufffd");
            from = at + length;
        }
        at += length;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_alone_are_replaced_and_nothing_else_is() {
        for (text, is) in [
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""\ud83d\ud83d\ude00\ude00b""#, r#""\ufffd\ud83d\ude00\ufffdb""#),
            (r#""\\ud83d \ud83d""#, r#""\\ud83d \ufffd""#),
            (r#""\\\ud83d\n""#, r#""\\\ufffd\n""#),
            (r#""\uD83Dx\uDE00é""#, r#""\ufffdx\ufffdé""#),
            (r#"{"é\u12é": "\u00e9", "\ud8"#, r#"{"é\u12é": "\u00e9", "\ud8"#),
            (r"\u+83d\", r"\u+83d\"),
            ("", ""),
        ] {
            assert_eq!(whole(text), is, "{text}");
        }
    }
}
