//! The forms that programs write values in, made by plain encoders.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, each test file uses a part")]

/// A way to write bytes.
pub type Encoder = fn(&[u8]) -> Vec<u8>;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 with an alphabet, with padding or without.
pub fn base64(bytes: &[u8], url: bool, pad: bool) -> Vec<u8> {
    let alphabet = if url { URL_SAFE } else { STANDARD };
    let mut out = Vec::new();
    for three in bytes.chunks(3) {
        let mut all = [0; 4];
        all[1..=three.len()].copy_from_slice(three);
        let all = u32::from_be_bytes(all);
        for i in 0..=three.len() {
            out.push(alphabet[(all >> (18 - 6 * i)) as usize & 63]);
        }
        if pad {
            out.extend(std::iter::repeat_n(b'=', 3 - three.len()));
        }
    }
    out
}

/// Breaks text into lines.
pub fn wrap(text: &[u8], columns: usize, end: &str) -> Vec<u8> {
    text.chunks(columns).collect::<Vec<_>>().join(end.as_bytes())
}

fn each(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|&b| match write(b) {
            s if s.is_empty() => vec![b],
            s => s.into_bytes(),
        })
        .collect()
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    each(bytes, |b| if upper { format!("{b:02X}") } else { format!("{b:02x}") })
}

fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.~".contains(&b)
}

fn characters(bytes: &[u8], write: impl Fn(char) -> String) -> Vec<u8> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    text.chars().map(write).collect::<String>().into_bytes()
}

fn json(c: char, slash: bool) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        '/' if slash => "\\/".into(),
        '\n' => "\\n".into(),
        '\t' => "\\t".into(),
        '\r' => "\\r".into(),
        '\u{8}' => "\\b".into(),
        '\u{c}' => "\\f".into(),
        ' '..='~' => c.into(),
        _ => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    }
}

/// As `printf %q` of bash writes what needs more than backslashes.
fn dollar_quoted(bytes: &[u8]) -> Vec<u8> {
    each(bytes, |b| match b {
        b'\'' | b'\\' => format!("\\{}", char::from(b)),
        b'\n' => "\\n".into(),
        b'\t' => "\\t".into(),
        0x1b => "\\E".into(),
        b' '..=b'~' => String::new(),
        _ => format!("\\{b:03o}"),
    })
}

fn html(bytes: &[u8]) -> Vec<u8> {
    each(bytes, |b| match b {
        b'&' => "&amp;".into(),
        b'<' => "&lt;".into(),
        b'>' => "&gt;".into(),
        b'"' => "&quot;".into(),
        b'\'' => "&#x27;".into(),
        _ => String::new(),
    })
}

/// As a terminal shows it.
pub fn crlf(bytes: &[u8]) -> Vec<u8> {
    each(bytes, |b| if b == b'\n' { "\r\n".into() } else { String::new() })
}

/// Every form, with a name for messages.
pub const FORMS: &[(&str, Encoder)] = &[
    ("raw", |v| v.to_vec()),
    ("base64", |v| base64(v, false, true)),
    ("base64 unpadded", |v| base64(v, false, false)),
    ("base64url", |v| base64(v, true, true)),
    ("base64url unpadded", |v| base64(v, true, false)),
    ("base64 behind 1", |v| base64(&[b"?", v].concat(), false, true)),
    ("base64 behind 2", |v| base64(&[b"\xf0\x01", v].concat(), true, false)),
    ("base64 among", |v| base64(&[b"user:", v, b"\n and more"].concat(), false, true)),
    ("base64 at 76", |v| wrap(&base64(&[&[b'x'; 50], v].concat(), false, true), 76, "\n")),
    ("base64 at 64 crlf", |v| wrap(&base64(&[&[b'x'; 43], v].concat(), false, true), 64, "\r\n")),
    ("base64 at 64", |v| wrap(&base64(&[&[b'x'; 47], v].concat(), false, true), 64, "\n")),
    ("hex", |v| hex(v, false)),
    ("HEX", |v| hex(v, true)),
    ("xxd -p", |v| wrap(&hex(&[&[7; 27], v].concat(), false), 60, "\n")),
    ("url full", |v| each(v, |b| format!("%{b:02X}"))),
    ("url full lower", |v| each(v, |b| format!("%{b:02x}"))),
    ("url minimal", |v| each(v, |b| if unreserved(b) { String::new() } else { format!("%{b:02X}") })),
    ("url form", |v| {
        each(v, |b| match b {
            b' ' => "+".into(),
            b if unreserved(b) => String::new(),
            b => format!("%{b:02x}"),
        })
    }),
    ("url path", |v| {
        each(v, |b| {
            if unreserved(b) || b"!*'();:@&=+$,/?#".contains(&b) {
                String::new()
            } else {
                format!("%{b:02X}")
            }
        })
    }),
    ("json", |v| characters(v, |c| json(c, false))),
    ("json slash", |v| characters(v, |c| json(c, true))),
    ("json numbers", |v| each(v, |b| format!("\\u{:04X}", b))),
    ("single quotes", |v| each(v, |b| if b == b'\'' { "'\\''".into() } else { String::new() })),
    ("single quotes of shlex", |v| each(v, |b| if b == b'\'' { "'\"'\"'".into() } else { String::new() })),
    ("double quotes", |v| {
        each(v, |b| if b"\\\"$`!".contains(&b) { format!("\\{}", char::from(b)) } else { String::new() })
    }),
    ("printf %q", |v| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"%+-./:=@_".contains(&b) || b >= 0x80;
        if v.iter().any(|b| *b < b' ' || *b == 0x7f) {
            return dollar_quoted(v);
        }
        each(v, |b| if plain(b) { String::new() } else { format!("\\{}", char::from(b)) })
    }),
    ("dollar quotes", dollar_quoted),
    ("repr", |v| {
        each(v, |b| match b {
            b'\'' | b'\\' => format!("\\{}", char::from(b)),
            b'\n' => "\\n".into(),
            b' '..=b'~' => String::new(),
            _ => format!("\\x{b:02x}"),
        })
    }),
    ("repr of text", |v| {
        characters(v, |c| match (c, u32::from(c)) {
            ('\'' | '\\', _) => format!("\\{c}"),
            ('\n', _) => "\\n".into(),
            ('\r', _) => "\\r".into(),
            (' '..='~', _) => c.into(),
            (_, n @ 0..=0xff) => format!("\\x{n:02x}"),
            (_, n @ 0..=0xffff) => format!("\\u{n:04x}"),
            (_, n) => format!("\\U{n:08x}"),
        })
    }),
    ("crlf", crlf),
    ("crlf in json", |v| form("json")(&crlf(v))),
    ("crlf in base64", |v| base64(&crlf(v), false, true)),
    ("crlf in HEX", |v| hex(&crlf(v), true)),
    ("crlf in urls", |v| form("url minimal")(&crlf(v))),
    ("html", html),
    ("html decimal", |v| each(v, |b| format!("&#{b};"))),
    ("html hex", |v| each(v, |b| format!("&#x{b:X};"))),
    ("html numbers of characters", |v| {
        characters(v, |c| if c.is_ascii_alphanumeric() { c.into() } else { format!("&#{};", u32::from(c)) })
    }),
];

/// The form of this name.
pub fn form(name: &str) -> Encoder {
    FORMS.iter().find(|(n, _)| *n == name).unwrap().1
}

/// Whether one text is in another.
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

/// Needles of these values, named V0, V1 and so on.
pub fn needles(values: &[&[u8]]) -> std::sync::Arc<svault_scan::Needles> {
    let mut needles = svault_scan::Needles::new();
    for (id, value) in (0..).zip(values) {
        assert!(needles.add(id, &format!("V{id}"), value).unwrap());
    }
    needles.into()
}

/// What comes out of a redactor that is fed these pieces, and of a masker that reads them.
pub fn redact<'a>(values: &[&[u8]], pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    // One set for both: what its filter, under a random key, takes for a beginning that is none is held back by either.
    let needles = needles(values);
    let mut redactor = svault_scan::Redactor::new(None, Some(std::sync::Arc::clone(&needles)));
    let mut masker = svault_scan::Masker::new(needles);
    let (mut out, mut masked, mut next) = (Vec::new(), Vec::new(), svault_scan::Piece::default());
    for piece in pieces {
        redactor.feed(piece, &mut out);
        masker.room()[..piece.len()].copy_from_slice(piece);
        masker.filled(piece.len(), &mut next);
        masked.extend_from_slice(&next);
        assert!(out == masked && redactor.holds() == masker.holds(), "they differ at once");
    }
    redactor.finish(&mut out);
    masker.finish(&mut next);
    masked.extend_from_slice(&next);
    assert_eq!(out.escape_ascii().to_string(), masked.escape_ascii().to_string());
    out
}

/// Cuts a text into pieces of these lengths, over and over.
pub fn split<'a>(text: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = text;
    lengths.iter().cycle().map_while(move |&len| {
        let (piece, left) = rest.split_at(len.max(1).min(rest.len()));
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What a set finds in one text, apart.
pub fn sightings(
    hidden: &svault_scan::Hidden,
    text: &[u8],
    open: impl FnMut(u32) -> Option<secret::Bytes>,
) -> Vec<svault_scan::Sighting> {
    let mut found = hidden.search(&mut svault_scan::Stream::default(), text, open).unwrap();
    svault_scan::apart(&mut found, |one| &mut one.range);
    found
}
