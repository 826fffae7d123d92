//! Files as addresses: `file:///home/me/.env`.

/// Keys of arguments that hold addresses.
#[must_use]
pub fn is_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let parts = ["url", "uri", "href"];
    parts.iter().any(|p| key.contains(p))
        || matches!(key.as_str(), "src" | "link" | "address" | "location" | "page" | "resource")
}

/// The path that an address of a file names.
#[must_use]
pub fn file(url: &str) -> Option<String> {
    let url = url.trim();
    let at = if begins(url, "view-source:") { "view-source:".len() } else { 0 };
    let rest = url[at..].get(5..).filter(|_| begins(&url[at..], "file:"))?;
    let path = match rest.strip_prefix("//") {
        // A host of the machine's own, or none.
        Some(rest) => rest.find('/').map_or(rest, |at| &rest[at..]),
        None => rest,
    };
    let end = path.find(['?', '#']).unwrap_or(path.len());
    Some(decoded(&path[..end]))
}

fn begins(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// With `%2e` as what it stands for.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_files_are_paths() {
        for (url, path) in [
            ("file:///a/.env", "/a/.env"),
            ("FILE:///a/.env", "/a/.env"),
            ("file://localhost/a/.env", "/a/.env"),
            ("file:/a/.env", "/a/.env"),
            ("file:///a/%2eenv", "/a/.env"),
            ("file:///a/%2Ee%6Ev?x#y", "/a/.env"),
            ("view-source:file:///a/.env", "/a/.env"),
            ("file://.env", ".env"),
            ("file:///a/100%", "/a/100%"),
        ] {
            assert_eq!(file(url).as_deref(), Some(path), "{url}");
        }
        for url in ["https://x/.env", "files:/x", "", "é", "view-source:https://x", "file"] {
            assert_eq!(file(url), None, "{url}");
        }
    }
}
