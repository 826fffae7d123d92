//! The card of an act on a terminal: what the daemon would do, byte for byte, and the question.

use crate::output::Out;
use crate::prompt;
use wire::act::Label;
use wire::card::Card;

/// Shows the card and asks. With `implied` the yes came with the passphrase's descriptor, and the card is a note.
#[must_use]
pub fn agree(out: &Out, card: &Card, question: &str, implied: bool) -> bool {
    let text = text(card);
    if implied {
        if !out.json() {
            out.lines_to_stderr(&text);
        }
        return true;
    }
    prompt::say(&text).is_ok() && prompt::confirm(question).unwrap_or(false)
}

/// The card as lines.
#[must_use]
pub fn text(card: &Card) -> String {
    let width = card.lines.iter().map(|l| l.label.len()).max().unwrap_or(0).max(3);
    let mut text = format!("\n{}  {:width$}  {}\n", sentence(card), "act", card.act);
    let mut last = "";
    for line in &card.lines {
        // A line of parents reads as one.
        let label = if line.label == last && last == "process" { "" } else { line.label };
        let shown = if line.label == Label::Slot.shown() { slot(&line.text) } else { line.text.clone() };
        text.push_str(&format!("  {label:width$}  {shown}\n"));
        last = line.label;
    }
    text.push('\n');
    text
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
        assert_eq!(text(&card), "\n  act      approve\n  secret   main/DB_URL\n  command  psql -1\n\n");
    }
}
