//! What a tool gave back, with what must not be seen masked in every text of it. Its shape stays as it is.

use serde_json::Value;
use std::ops::Range;
use std::path::Path;

/// Something found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What it is called: a secret's name, `secret`, or a rule's.
    pub label: String,
}

/// Finds what must not be seen.
pub trait Finder {
    /// All of it, in order and apart. `folder`: where the tool ran.
    fn find(&mut self, text: &str, folder: &Path) -> Vec<Found>;
}

/// What came of masking.
#[derive(Debug, Clone, PartialEq)]
pub struct Masked {
    /// The same value with masks in it.
    pub value: Value,
    /// What was masked, each once.
    pub labels: Vec<String>,
}

/// Stands between two texts so that nothing is found across them.
const GAP: &str = "\n\u{0}\n";

/// Masks all texts of a value. None where there is nothing to mask. `folder`: where the tool ran.
#[must_use]
pub fn mask(value: &Value, folder: &Path, finder: &mut dyn Finder) -> Option<Masked> {
    let mut all = String::new();
    let mut ends = Vec::new();
    collect(value, &mut all, &mut ends);
    let found = finder.find(&all, folder);
    if found.is_empty() {
        return None;
    }
    let mut labels: Vec<String> = Vec::new();
    for hit in &found {
        if !labels.contains(&hit.label) {
            labels.push(hit.label.clone());
        }
    }
    let mut texts = Texts { all: &all, ends: &ends, next: 0, found: &found };
    Some(Masked { value: rebuilt(value, &mut texts), labels })
}

/// Every text, keys too, in one order.
fn collect(value: &Value, all: &mut String, ends: &mut Vec<Range<usize>>) {
    let mut add = |text: &str, all: &mut String| {
        let from = all.len();
        all.push_str(text);
        ends.push(from..all.len());
        all.push_str(GAP);
    };
    match value {
        Value::String(text) => add(text, all),
        Value::Array(items) => items.iter().for_each(|v| collect(v, all, ends)),
        Value::Object(map) => {
            for (key, inner) in map {
                let from = all.len();
                all.push_str(key);
                ends.push(from..all.len());
                all.push_str(GAP);
                collect(inner, all, ends);
            }
        }
        _ => {}
    }
}

struct Texts<'a> {
    all: &'a str,
    ends: &'a [Range<usize>],
    next: usize,
    found: &'a [Found],
}

impl Texts<'_> {
    /// The next text, masked.
    fn next(&mut self) -> String {
        let Some(range) = self.ends.get(self.next).cloned() else { return String::new() };
        self.next += 1;
        let mut out = String::with_capacity(range.len());
        let mut at = range.start;
        let first = self.found.partition_point(|hit| hit.range.end <= range.start);
        for hit in self.found[first..].iter().take_while(|hit| hit.range.start < range.end) {
            let (from, to) = (hit.range.start.max(at), hit.range.end.min(range.end));
            // A finder that cuts a character in two loses the whole text rather than let any of it out.
            let Some(before) = self.all.get(at..from) else { return format!("[svault:{}]", hit.label) };
            out.push_str(before);
            out.push_str(&format!("[svault:{}]", hit.label));
            at = to.max(at);
        }
        match self.all.get(at..range.end) {
            Some(rest) => out + rest,
            None => "[svault:masked]".to_owned(),
        }
    }
}

fn rebuilt(value: &Value, texts: &mut Texts) -> Value {
    match value {
        Value::String(_) => Value::String(texts.next()),
        Value::Array(items) => items.iter().map(|v| rebuilt(v, texts)).collect(),
        Value::Object(map) => {
            let pair = |(_, inner): (&String, &Value)| {
                let key = texts.next();
                (key, rebuilt(inner, texts))
            };
            map.iter().map(pair).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// What the model reads of a tool's answer, as one text: for clients that take nothing else in its place.
#[must_use]
pub fn as_text(value: &Value) -> String {
    let joined = |items: &[Value]| {
        let texts: Vec<&str> = items.iter().filter_map(|i| i.get("text")?.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match value {
        Value::String(text) => return text.clone(),
        Value::Array(items) => {
            if let Some(all) = joined(items) {
                return all;
            }
        }
        _ => {}
    }
    for key in ["content", "llmContent"] {
        match value.get(key) {
            Some(Value::Array(items)) => {
                if let Some(all) = joined(items) {
                    return all;
                }
            }
            Some(Value::String(all)) => return all.clone(),
            _ => {}
        }
    }
    if let Some(out) = text("stdout") {
        let err = text("stderr").unwrap_or_default();
        return [out, err].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n");
    }
    let known = ["textResultForLlm", "text_result_for_llm", "output"].iter().find_map(|k| text(k));
    known.map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Word(&'static str);

    impl Finder for Word {
        fn find(&mut self, text: &str, _: &Path) -> Vec<Found> {
            let hit = |(at, w): (usize, &str)| Found { range: at..at + w.len(), label: "A".into() };
            text.match_indices(self.0).map(hit).collect()
        }
    }

    #[test]
    fn every_text_is_masked_and_nothing_else_changes() {
        let value = json!({"b": ["x sk y", 3, null], "a": {"sk": "sksk", "t": true}, "z": ""});
        let masked = mask(&value, Path::new("/"), &mut Word("sk")).unwrap();
        assert_eq!(
            masked.value,
            json!({"b": ["x [svault:A] y", 3, null], "a": {"[svault:A]": "[svault:A][svault:A]", "t": true}, "z": ""})
        );
        assert_eq!(masked.labels, ["A"]);
        assert_eq!(mask(&value, Path::new("/"), &mut Word("nothing")), None);
    }

    struct Across;

    impl Finder for Across {
        fn find(&mut self, text: &str, _: &Path) -> Vec<Found> {
            vec![Found { range: 2..text.len() - 4, label: "A".into() }]
        }
    }

    #[test]
    fn a_hit_over_two_texts_masks_its_part_of_each() {
        let masked = mask(&json!(["abcd", "efgh"]), Path::new("/"), &mut Across).unwrap();
        assert_eq!(masked.value, json!(["ab[svault:A]", "[svault:A]h"]));
    }

    #[test]
    fn texts_come_out_of_every_shape() {
        for (value, text) in [
            (json!("x"), "x"),
            (json!({"stdout": "a", "stderr": "b"}), "a\nb"),
            (json!({"content": [{"type": "text", "text": "a"}, {"type": "image"}], "isError": false}), "a"),
            (json!({"llmContent": "a", "returnDisplay": "b"}), "a"),
            (json!({"llmContent": [{"text": "a"}, {"text": "b"}]}), "a\nb"),
            (json!({"resultType": "success", "textResultForLlm": "a"}), "a"),
            (json!({"x": 1}), "{\"x\":1}"),
        ] {
            assert_eq!(as_text(&value), text, "{value}");
        }
    }
}
