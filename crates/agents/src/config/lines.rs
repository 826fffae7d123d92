//! Files with one pattern on each line. Their tree is the array of their lines, under the key `lines`.

use super::op::{Op, Step};
use serde_json::{Value, json};

pub(super) fn read(text: &str) -> Value {
    json!({"lines": text.lines().collect::<Vec<_>>()})
}

pub(super) fn write(text: &str, ops: &[Op]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for op in ops {
        match op {
            Op::Push(_, Value::String(line)) => lines.push(line.clone()),
            Op::Remove(path) => {
                if let Some(Step::At(n)) = path.last()
                    && *n < lines.len()
                {
                    lines.remove(*n);
                }
            }
            _ => {}
        }
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    lines.iter().map(|l| format!("{l}{end}")).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::{Edit, Format, plan, read, undo, write};
    use serde_json::json;

    #[test]
    fn patterns_are_added_once_and_taken_out_again() {
        let text = "# mine\n.env\nbuild/";
        let edits = [".env", ".env.local"].map(|p| Edit::member(&["lines"], json!(p)));
        let before = read(Format::Lines, text).unwrap();
        let new = write(Format::Lines, text, &plan(&before, &edits).unwrap()).unwrap();
        assert_eq!(new, "# mine\n.env\nbuild/\n.env.local\n");
        let after = read(Format::Lines, &new).unwrap();
        let now = format!("{new}more\n");
        let tree = read(Format::Lines, &now).unwrap();
        let out = write(Format::Lines, &now, &undo(&before, &after, &tree)).unwrap();
        assert_eq!(out, "# mine\n.env\nbuild/\nmore\n");
    }
}
