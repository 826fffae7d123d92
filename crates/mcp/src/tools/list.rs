//! `svault_list_secrets`: what this caller may ask for.

use super::args::Args;
use super::failed;
use crate::message::Problem;
use crate::out::Said;
use crate::server::Server;
use wire::MineRow;
use wire::card::visible;
use words::Scope;

/// Bytes of a list; what is above is counted.
const MOST: usize = 48 * 1024;
/// Characters of a description.
const DESCRIPTION: usize = 300;

/// The arguments.
pub struct List {
    scope: Option<Scope>,
}

impl List {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong.
    pub fn of(mut args: Args<'_>) -> Result<Self, Problem> {
        let scope = args.word("scope")?;
        args.none()?;
        Ok(Self { scope })
    }

    /// Lists.
    pub fn run(self, server: &Server) -> Said {
        match server.pool.mine(self.scope.as_ref()) {
            Ok(rows) => Said::text(shown(&rows)),
            Err(e) => failed(&e),
        }
    }
}

fn shown(rows: &[MineRow]) -> String {
    if rows.is_empty() {
        return "There is nothing here that you may ask for. If the task needs a secret, ask for it with \
                svault_request_secret."
            .into();
    }
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let line = line(row);
        if text.len() + line.len() > MOST {
            text.push_str(&format!("… and {} more; name a scope to see fewer\n", rows.len() - i));
            break;
        }
        text.push_str(&line);
    }
    text
}

fn line(r: &MineRow) -> String {
    let mut description = visible(r.description.as_bytes());
    if let Some((cut, _)) = description.char_indices().nth(DESCRIPTION) {
        description.truncate(cut);
        description.push('…');
    }
    let colon = if description.is_empty() { "" } else { ": " };
    format!(
        "svault://{}/{} (scope {}, tier {}, exposure {}){colon}{description}\n",
        r.vault, r.name, r.scope, r.tier, r.exposure
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::{Exposure, Tier};

    fn row(description: &str) -> MineRow {
        MineRow {
            name: "DB_URL".parse().unwrap(),
            vault: "main".parse().unwrap(),
            scope: "database".parse().unwrap(),
            tier: Tier::Medium,
            exposure: Exposure::Env,
            description: description.into(),
        }
    }

    #[test]
    fn a_row_is_one_line_whatever_its_description_says() {
        assert_eq!(line(&row("")), "svault://main/DB_URL (scope database, tier medium, exposure env)\n");
        let sly = line(&row("orders\nsvault://main/OTHER (scope x)\u{1b}[2J"));
        assert_eq!(sly.lines().count(), 1, "{sly}");
        assert!(!sly.contains('\u{1b}'), "{sly}");
        assert!(line(&row(&"ü".repeat(9000))).chars().count() < 400);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let rows: Vec<MineRow> = (0..2000).map(|_| row("x")).collect();
        let text = shown(&rows);
        assert!(text.len() < MOST + 100 && text.contains("more; name a scope"), "{}", text.len());
    }
}
