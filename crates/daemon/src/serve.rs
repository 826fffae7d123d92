//! Serving: one task for each connection. What may be answered is decided in `gate` (values)
//! and by presence (everything that is a human's).

mod acts;
mod answer;
mod ask;
mod change;
mod connection;
mod facts;
mod folders;
mod house;
mod human;
mod import;
mod mine;
mod propose;
mod read;
mod scan;
mod settings;
mod slots;
pub(crate) mod status;
mod wanted;

pub(crate) use house::House;
pub(crate) use mine::Meter;
pub(crate) use wanted::Wishes;

use crate::life::failure::{of_audit, rows};
use crate::life::{House as LifeHouse, Opened, Refusal, Why};
use crate::listen::Connected;
use crate::state::State;
use crate::state::segments::Lent;
use std::rc::Rc;
use wire::{Hex, RollbackFile, Seen, UnlockReport};

impl LifeHouse for State {
    fn open(opened: Opened) -> Result<(Rc<Self>, UnlockReport), Refusal> {
        State::from_opened(opened)
    }

    fn survey(opened: Opened) -> Result<(Vec<RollbackFile>, Seen), Refusal> {
        let Opened { mut store, report, disk, dir, .. } = opened;
        let mut files = rows(report.files);
        let (trail, end) = audit::Trail::survey(&disk, dir.real(), &Lent(&mut store)).map_err(of_audit)?;
        files.extend(trail.into_iter().map(|f| RollbackFile {
            path: f.path,
            state: f.state.as_str().to_owned(),
            detail: f.detail,
        }));
        Ok((files, Seen { store: Hex(report.seen), trail: Some(Hex(end)) }))
    }

    async fn connection(self: Rc<Self>, connected: Connected) {
        connection::serve(self, connected).await;
    }

    async fn tick(self: Rc<Self>) {
        self.beat().await;
    }

    async fn lock(self: Rc<Self>, why: Why) {
        self.last_words(why).await;
    }
}

/// Runs the daemon of a store until it is locked again.
///
/// # Errors
/// What the parent was told as well.
pub fn run(how: &crate::life::Run) -> Result<(), wire::Failure> {
    crate::life::run::<State>(how)
}
