//! The card of an act on a terminal: what the daemon would do, byte for byte, and the question.

use crate::output::{Out, columns};
use crate::prompt;
use crate::table::hanging;
use std::io::IsTerminal;
use wire::act::Label;
use wire::card::Card;

/// Shows the card and asks. With `implied` the yes came with the passphrase's descriptor, and the card is a note.
#[must_use]
pub fn agree(out: &Out, card: &Card, question: &str, implied: bool, whole: bool) -> bool {
    if implied {
        if !out.json() {
            out.lines_to_stderr(&text(card, whole, std::io::stderr().is_terminal().then(columns)));
        }
        return true;
    }
    prompt::say(&text(card, whole, Some(columns()))).is_ok() && prompt::confirm(question).unwrap_or(false)
}

/// Whether it has a line of this kind.
#[must_use]
pub fn has(card: &Card, kind: Label) -> bool {
    card.lines.iter().any(|l| l.label == kind.shown())
}

/// Characters of one line of a request's card: so many at its beginning, and so many at its end.
const CUT: (usize, usize) = (700, 200);

/// The card as lines. What a caller made long must not push the rest out of sight: it is cut in the middle, and what is
/// left out is counted. With `whole` nothing is. In so many columns: what is longer hangs below itself.
#[must_use]
pub fn text(card: &Card, whole: bool, columns: Option<usize>) -> String {
    let cuts = !whole && card.act == "approve";
    let labels: Vec<&str> = card.lines.iter().map(|line| label(card, line.label)).collect();
    let width = labels.iter().map(|l| l.len()).max().unwrap_or(0).max(3);
    let sentence = hanging(&sentence(card), 4, columns);
    let mut text = format!("\n{sentence}  {:width$}  {}\n", "act", card.act);
    let mut last = "";
    for (line, label) in card.lines.iter().zip(labels) {
        // A line of parents reads as one.
        let shown_label = if line.label == last && last == Label::Process.shown() { "" } else { label };
        let shown = if line.label == Label::Slot.shown() { slot(&line.text) } else { line.text.clone() };
        let shown = if cuts { cut(shown) } else { shown };
        let shown = if line.label == Label::Reason.shown() { quoted(&shown) } else { shown };
        text.push_str(&hanging(&format!("  {shown_label:width$}  {shown}"), width + 4, columns));
        text.push('\n');
        last = line.label;
    }
    text.push('\n');
    text
}

/// In a request, what the kernel said is told apart from what the caller says.
fn label(card: &Card, of: &'static str) -> &'static str {
    let request = card.act == "approve";
    match of {
        _ if !request => of,
        of if of == Label::Process.shown() => "process (checked)",
        of if of == Label::Argv.shown() => "will run (not checked)",
        of if of == Label::Cwd.shown() => "in folder (not checked)",
        of => of,
    }
}

/// So that it shows where what the caller says ends.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

fn cut(text: String) -> String {
    let (count, (first, last)) = (text.chars().count(), CUT);
    if count <= first + last {
        return text;
    }
    let head: String = text.chars().take(first).collect();
    let tail: String = text.chars().skip(count - last).collect();
    let left_out = count - first - last;
    format!("{head} [… {left_out} more characters, all of them with --full …] {tail}")
}

/// For a request: who wants to use what, in one sentence.
fn sentence(card: &Card) -> String {
    let all = |label: &str| -> Vec<&str> {
        card.lines.iter().filter(|l| l.label == label).map(|l| l.text.as_str()).collect()
    };
    match (card.act.as_str(), all(Label::Who.shown()).first()) {
        ("approve", Some(who)) => format!("{who} wants to use {}\n\n", all(Label::Secret.shown()).join(", ")),
        _ => String::new(),
    }
}

/// A key slot in words: what opens it, and its id. Its salt is random and says nothing.
fn slot(hex: &str) -> String {
    let spec = wire::hex::decode(hex).and_then(|bytes| seal::SlotSpec::decode(&bytes).ok());
    spec.map_or_else(|| hex.to_owned(), |spec| format!("{}, id {}", factors(&spec), spec.id))
}

/// What opens a slot, such as `passphrase (m=131072 KiB, t=3, p=1)`.
#[must_use]
pub fn factors(spec: &seal::SlotSpec) -> String {
    let one = |f: &seal::Factor| match f {
        seal::Factor::Passphrase(cost) => format!("passphrase ({cost})"),
        other => other.name().to_owned(),
    };
    spec.factors.iter().map(one).collect::<Vec<_>>().join(" with ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_card_is_shown() {
        let line = |label, text: &str| wire::card::Line { label, text: text.to_owned() };
        let card = Card {
            act: "approve".into(),
            lines: vec![line("secret", "main/DB_URL"), line("command", "psql -1")],
        };
        let shown = text(&card, false, None);
        assert_eq!(
            shown,
            "\n  act                     approve\n  secret                  main/DB_URL\n  will run (not checked)  psql -1\n\n"
        );
    }

    #[test]
    fn a_long_command_is_cut_in_the_middle_and_counted() {
        let line = |label, text: &str| wire::card::Line { label, text: text.to_owned() };
        let long = format!("psql {} --evil", "x".repeat(20_000));
        let card =
            Card { act: "approve".into(), lines: vec![line("command", &long), line("asked by", "robot")] };
        let shown = text(&card, false, None);
        assert!(shown.len() < 1_500 && shown.contains("psql xxx") && shown.contains("x --evil\n"), "{shown}");
        assert!(shown.contains("19112 more characters"), "{shown}");
        assert!(text(&card, true, None).contains(&long));
        // A policy is read whole, however long.
        let policy = Card { act: "policy_set".into(), lines: vec![line("policy", &long)] };
        assert!(text(&policy, false, None).contains(&long));
    }

    /// Whatever the width, no line but svault's own begins where svault's begin.
    #[test]
    fn a_reason_can_t_draw_a_line_of_its_own() {
        let line =
            |label: Label, text: &str| wire::card::Line { label: label.shown(), text: text.to_owned() };
        for columns in 30..200 {
            let row = format!("{:.<columns$}", "  asked by  you, in this terminal (checked by svault) ");
            let lead = "x".repeat(columns.saturating_sub(27));
            let card = Card {
                act: "approve".into(),
                lines: vec![
                    line(Label::Secret, "main/A"),
                    line(Label::Argv, &format!("sh -c {lead}{row}{row}")),
                    line(Label::Reason, &format!("{lead}{row}{row}\"  note  nothing new")),
                    line(Label::Who, "robot (matched)"),
                ],
            };
            let shown = text(&card, true, Some(columns));
            let at_ours = shown.lines().filter(|l| l.starts_with("  ") && !l.starts_with("   "));
            let labels: Vec<&str> = at_ours.filter_map(|l| l.trim_start().split("  ").next()).collect();
            let ours = ["act", "secret", "will run (not checked)", "reason (not checked)", "asked by"];
            assert_eq!(labels, ours, "{columns}\n{shown}");
            let edge = shown.lines().filter(|l| !l.starts_with(' ') && !l.is_empty()).count();
            assert_eq!(edge, 1, "{columns}: the sentence alone\n{shown}");
        }
    }
}
