//! Writing values: one by itself, and into the places of a file where old ones stand.

use crate::scan::{File, Quote};
use std::fmt::Write as _;
use zeroize::Zeroizing;

impl File<'_> {
    /// The text with other values for some entries (by their place in [`File::entries`]; each at most once counts, the
    /// last). Everything else is the same byte for byte. A value keeps its quotes where they can hold the new one.
    #[must_use]
    pub fn replace(&self, news: &[(usize, &str)]) -> Zeroizing<String> {
        let mut by_entry: Vec<Option<&str>> = vec![None; self.entries.len()];
        for &(i, new) in news {
            if let Some(place) = by_entry.get_mut(i) {
                *place = Some(new);
            }
        }
        // Room for the worst case, so that nothing is moved: every character escaped, and two quotes.
        let room: usize = news.iter().map(|(_, new)| 2 * new.len() + 3).sum();
        let mut out = Zeroizing::new(String::with_capacity(self.text.len() + room));
        let mut done = 0;
        for (entry, new) in self.entries.iter().zip(by_entry) {
            let Some(new) = new else { continue };
            out.push_str(&self.text[done..entry.value_at.start]);
            if entry.value_at.is_empty() && self.text[..entry.value_at.start].ends_with(':') {
                out.push(' ');
            }
            put(&mut out, new, fitting(new, entry.quote));
            done = entry.value_at.end;
        }
        out.push_str(&self.text[done..]);
        out
    }
}

/// A value as it is written so that it is read back the same, in the plainest way that can hold it. None: it has a
/// NUL, which no file can hold.
#[must_use]
pub fn quote(value: &str) -> Option<Zeroizing<String>> {
    if value.contains('\0') {
        return None;
    }
    let mut out = Zeroizing::new(String::with_capacity(2 * value.len() + 2));
    put(&mut out, value, fitting(value, Quote::None));
    Some(out)
}

/// The wished quotes, or the next that can hold the value.
fn fitting(value: &str, wish: Quote) -> Quote {
    let holds = |quote: Quote| match quote {
        Quote::None => is_plain(value),
        Quote::Single => !value.contains(['\'', '\r']),
        Quote::Backtick => !value.contains(['`', '\r']),
        Quote::Double => true,
    };
    [wish, Quote::Single].into_iter().find(|&q| holds(q)).unwrap_or(Quote::Double)
}

/// Whether it needs no quotes, for us and for every other loader.
fn is_plain(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c);
    value.chars().all(plain)
}

fn put(out: &mut String, value: &str, quote: Quote) {
    let Some(mark) = quote.mark() else {
        out.push_str(value);
        return;
    };
    out.push(mark);
    if quote == Quote::Double {
        for c in value.chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '"' | '\\' | '$' | '`' => {
                    let _ = write!(out, "\\{c}");
                }
                c => out.push(c),
            }
        }
    } else {
        out.push_str(value);
    }
    out.push(mark);
}
