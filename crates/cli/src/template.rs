//! A text with `svault://VAULT/NAME` references in it: which they are, and the text with values in their places.

use crate::report::Error;
use secret::Bytes;
use std::collections::HashSet;
use std::ops::Range;
use words::SecretRef;

/// What a reference begins with.
const SCHEME: &str = "svault://";
/// The longest text with its values in it, in bytes.
const FILLED_MAX: usize = 8 << 20;

/// A template, read.
pub struct Template<'a> {
    text: &'a [u8],
    places: Vec<(Range<usize>, SecretRef)>,
}

impl<'a> Template<'a> {
    /// Finds the references. One goes as far as the characters of a name go. What begins none is text where the file is
    /// a `.env` file and it stands outside of its values, which is in a comment.
    ///
    /// # Errors
    /// Where `svault://` begins none elsewhere: with the line, and nothing of what stands there.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        let mut places = Vec::new();
        let comments = Comments::of(text);
        let mut at = 0;
        while let Some(found) = find(&text[at..]) {
            let from = at + found;
            let to = end(text, from + SCHEME.len());
            let reference = std::str::from_utf8(&text[from..to]).ok().and_then(|r| r.parse().ok());
            if reference.is_none() && comments.have(from) {
                at = to;
                continue;
            }
            let reference: SecretRef = reference.ok_or_else(|| {
                let line = 1 + text[..from].iter().filter(|b| **b == b'\n').count();
                let said = format!("line {line}: not a reference: svault://VAULT/NAME");
                Error::new("bad_template", wire::exit::FAILED, said).hint("nothing was asked for")
            })?;
            places.push((from..to, reference));
            at = to;
        }
        Ok(Self { text, places })
    }

    /// What it refers to, each once, in the order of the text.
    #[must_use]
    pub fn references(&self) -> Vec<SecretRef> {
        let mut seen = HashSet::new();
        let all = self.places.iter().map(|(_, reference)| reference);
        all.filter(|reference| seen.insert(*reference)).cloned().collect()
    }

    /// The text with a value for each reference, in locked memory. Values go in as they are.
    ///
    /// # Errors
    /// Where a value is missing, the text gets too long, or no locked memory can be had.
    pub fn filled<'v>(&self, value: impl Fn(&SecretRef) -> Option<&'v Bytes>) -> Result<Bytes, Error> {
        let missing = || Error::failed("can't fill the template", "a value did not come");
        let values: Vec<&Bytes> =
            self.places.iter().map(|(_, r)| value(r).ok_or_else(missing)).collect::<Result<_, _>>()?;
        let gone: usize = self.places.iter().map(|(place, _)| place.len()).sum();
        let len = self.text.len() - gone + values.iter().map(|v| v.len()).sum::<usize>();
        if len > FILLED_MAX {
            let said = format!("the text would have more than {} MiB", FILLED_MAX >> 20);
            return Err(Error::new("too_long", wire::exit::FAILED, said).hint("split it"));
        }
        let mut out = Bytes::zeroed(len)?;
        let mut to = 0;
        let mut put = |part: &[u8]| {
            out.expose_mut()[to..to + part.len()].copy_from_slice(part);
            to += part.len();
        };
        let mut done = 0;
        for ((place, _), value) in self.places.iter().zip(values) {
            put(&self.text[done..place.start]);
            put(value.expose());
            done = place.end;
        }
        put(&self.text[done..]);
        Ok(out)
    }
}

/// What is no value in a `.env` file; nothing in any other file.
struct Comments {
    values: Option<Vec<Range<usize>>>,
}

impl Comments {
    fn of(text: &[u8]) -> Self {
        let file = std::str::from_utf8(text).ok().and_then(|text| dotenv::parse(text).ok());
        Self { values: file.map(|f| f.entries().iter().map(|e| e.value_at.clone()).collect()) }
    }

    fn have(&self, byte: usize) -> bool {
        self.values.as_ref().is_some_and(|values| {
            let place = values.partition_point(|value| value.end <= byte);
            values.get(place).is_none_or(|value| byte < value.start)
        })
    }
}

fn find(text: &[u8]) -> Option<usize> {
    text.windows(SCHEME.len()).position(|w| w == SCHEME.as_bytes())
}

/// Where a reference ends whose scheme ends at `from`.
fn end(text: &[u8], from: usize) -> usize {
    let run = |from: usize, of: &dyn Fn(u8) -> bool| {
        from + text[from..].iter().position(|b| !of(*b)).unwrap_or(text.len() - from)
    };
    let vault = run(from, &|b| b.is_ascii_alphanumeric() || b == b'-');
    if text.get(vault) != Some(&b'/') {
        return vault;
    }
    run(vault + 1, &|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, values: &[(&str, &str)]) -> Result<String, Error> {
        let values: Vec<(SecretRef, Bytes)> = values
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), Bytes::copy_from(value.as_bytes()).unwrap()))
            .collect();
        let template = Template::parse(text.as_bytes())?;
        let of = |r: &SecretRef| values.iter().find(|(name, _)| name == r).map(|(_, value)| value);
        template.filled(of).map(|bytes| String::from_utf8(bytes.expose().to_vec()).unwrap())
    }

    #[test]
    fn every_place_is_filled_and_the_rest_stays() {
        let text = "a: svault://main/A\nurl: db://u:svault://main/A.2@h/svault://main/A\u{e9}";
        let values = [("svault://main/A", "$1 \"x\"\n"), ("svault://main/A.2", "")];
        assert_eq!(filled(text, &values).unwrap(), "a: $1 \"x\"\n\nurl: db://u:@h/$1 \"x\"\n\u{e9}");
        assert_eq!(filled("none", &[]).unwrap(), "none");
        // What a value says is no template.
        let nested = [("svault://main/A", "svault://main/B")];
        assert_eq!(filled("svault://main/A", &nested).unwrap(), "svault://main/B");
        assert!(filled("svault://main/B", &nested).is_err());
    }

    #[test]
    fn each_reference_is_asked_for_once_and_a_name_is_as_long_as_it_can_be() {
        let text = b"svault://main/A svault://main/A.b svault://main/A,svault://work/A";
        let template = Template::parse(text).unwrap();
        let all: Vec<String> = template.references().iter().map(ToString::to_string).collect();
        assert_eq!(all, ["svault://main/A", "svault://main/A.b", "svault://work/A"]);
    }

    #[test]
    fn what_only_looks_like_a_reference_is_an_error_with_its_line() {
        for bad in [
            "svault://",
            "svault:///A",
            "svault://Main/sk-test-1",
            "svault://main",
            "svault://main/",
            "svault://main/.A",
        ] {
            let e = filled(&format!("x\n\nA={bad}\n"), &[]).unwrap_err();
            assert!(
                e.message.starts_with("line 3") && !e.message.contains("sk-test"),
                "{bad}: {}",
                e.message
            );
        }
    }

    #[test]
    fn a_comment_of_an_env_file_is_text_where_it_is_no_reference() {
        let values = [("svault://main/A", "1")];
        let text = "# svault://VAULT/NAME, svault://\nA=svault://main/A # see svault://x\n#svault://main/A\n";
        let out = "# svault://VAULT/NAME, svault://\nA=1 # see svault://x\n#1\n";
        assert_eq!(filled(text, &values).unwrap(), out);
        for bad in [
            "A=\"\n# svault://\n\"\nB=svault://main/A\n",
            "# svault://main/B\nA=svault://main/A\n",
            "A=svault:// # svault://main/A\n",
            "# svault://\nsome: text\n  # svault://main/A\nthis is no env file\n",
        ] {
            assert!(filled(bad, &values).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_and_long_results_are_refused() {
        let value = Bytes::zeroed(64 * 1024).unwrap();
        let template = Template::parse(b"\xff\xfesvault://main/A\xff").unwrap();
        let out = template.filled(|_| Some(&value)).unwrap();
        assert_eq!((out.len(), out.expose()[0], out.expose()[out.len() - 1]), (value.len() + 3, 0xff, 0xff));
        let many = "svault://main/A ".repeat(200);
        assert_eq!(
            Template::parse(many.as_bytes()).unwrap().filled(|_| Some(&value)).unwrap_err().code,
            "too_long"
        );
    }
}
