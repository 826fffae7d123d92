//! Long reports: cut into parts that each fit into one message, and put together again.

use crate::Report;
use serde::Serialize;

/// The most JSON bytes of rows in one part; well under the limit of a control message, whatever surrounds them.
const PART: usize = 128 * 1024;

impl Report {
    /// The report in parts that can be sent one after the other; the last one stands for its end. A report without
    /// rows, or of one row, is one part.
    #[must_use]
    pub fn into_parts(self) -> Vec<Report> {
        match self {
            Report::Secrets(rows) => parts(rows).into_iter().map(Report::Secrets).collect(),
            Report::Pending(rows) => parts(rows).into_iter().map(Report::Pending).collect(),
            Report::Seals(rows) => parts(rows).into_iter().map(Report::Seals).collect(),
            Report::Vaults(rows) => parts(rows).into_iter().map(Report::Vaults).collect(),
            Report::Entries(rows) => parts(rows).into_iter().map(Report::Entries).collect(),
            Report::Mine(rows) => parts(rows).into_iter().map(Report::Mine).collect(),
            one => vec![one],
        }
    }

    /// Adds the next part. False: it is no part of the same report.
    #[must_use]
    pub fn join(&mut self, next: Report) -> bool {
        match (self, next) {
            (Report::Secrets(rows), Report::Secrets(more)) => rows.extend(more),
            (Report::Pending(rows), Report::Pending(more)) => rows.extend(more),
            (Report::Seals(rows), Report::Seals(more)) => rows.extend(more),
            (Report::Vaults(rows), Report::Vaults(more)) => rows.extend(more),
            (Report::Entries(rows), Report::Entries(more)) => rows.extend(more),
            (Report::Mine(rows), Report::Mine(more)) => rows.extend(more),
            _ => return false,
        }
        true
    }
}

/// Rows in parts that each fit into one message.
pub(crate) fn parts<T: Serialize>(rows: Vec<T>) -> Vec<Vec<T>> {
    let (mut all, mut part, mut used) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let len = serde_json::to_vec(&row).map_or(PART, |json| json.len() + 1);
        if used + len > PART && !part.is_empty() {
            all.push(std::mem::take(&mut part));
            used = 0;
        }
        used += len;
        part.push(row);
    }
    all.push(part);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SealRow;
    use crate::frame::{self, CONTROL_MAX};

    fn rows(count: u64) -> Vec<SealRow> {
        let row = |n| SealRow {
            id: words::Id::from_bits(n),
            session: "matched:somebody".into(),
            secret: Some("x".repeat(200)),
            since: "2026-01-01T00:00:00Z".into(),
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn many_rows_come_in_parts_that_fit_and_go_together_again() {
        let parts = Report::Seals(rows(5_000)).into_parts();
        assert!(parts.len() > 5, "{}", parts.len());
        let mut whole = Report::Seals(Vec::new());
        for part in parts {
            assert!(frame::control(&part).unwrap().len() < CONTROL_MAX);
            assert!(whole.join(part));
        }
        let Report::Seals(joined) = whole else { panic!("seals") };
        assert!(joined.iter().map(|r| r.id).eq(rows(5_000).iter().map(|r| r.id)));
    }

    #[test]
    fn nothing_is_one_part_and_other_reports_do_not_join() {
        assert_eq!(Report::Seals(Vec::new()).into_parts().len(), 1);
        assert!(!Report::Seals(Vec::new()).join(Report::Secrets(Vec::new())));
    }
}
