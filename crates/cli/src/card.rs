//! The card of an act on a terminal: what the daemon would do, byte for byte, and the question.

use crate::output::Out;
use crate::prompt;
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
    let mut text = format!("\n  {:width$}  {}\n", "act", card.act);
    for line in &card.lines {
        text.push_str(&format!("  {:width$}  {}\n", line.label, line.text));
    }
    text.push('\n');
    text
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
