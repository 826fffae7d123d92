//! Calls under way: a client may cancel one, and is told while one waits for a human.

use crate::message::{Problem, REQUEST, Request};
use crate::out::{Out, note};
use client::TakeBack;
use run::Cancel;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use words::Id;

/// Calls at a time; more are turned away at once, so that the client's other messages are still read.
const MOST: usize = 16;
/// Threads that have something to answer: calls, those whose answer nobody takes, and lines of several messages.
const MOST_WORKERS: usize = 32;
/// A client that asked for progress hears so often.
const PROGRESS: Duration = Duration::from_secs(5);

/// One call.
pub struct Call {
    /// The request's id.
    pub id: Value,
    /// What the client says of itself and of this call.
    pub client: String,
    token: Option<Value>,
    words: bool,
    begun: Instant,
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    cancelled: bool,
    /// Nobody is there to wait for.
    gone: bool,
    over: bool,
    /// The request that waits for a human, and what takes it back.
    waits: Option<(Id, Option<TakeBack>)>,
    /// What ends the command that runs.
    command: Option<Cancel>,
}

impl Now {
    fn waiting(&self) -> Option<Id> {
        self.waits.as_ref().map(|(id, _)| *id)
    }

    /// True: one ran.
    fn end_command(&mut self) -> bool {
        let command = self.command.take();
        if let Some(command) = &command {
            command.cancel();
        }
        command.is_some()
    }
}

impl Call {
    /// The call that a request makes. `words`: progress may say something beside numbers.
    pub fn of(request: &Request, words: bool, client: String) -> Self {
        let token = request.meta("progressToken").filter(|t| t.is_string() || t.is_i64() || t.is_u64());
        Self {
            id: request.id.clone(),
            client,
            token: token.cloned(),
            words,
            begun: Instant::now(),
            now: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the client has cancelled it: nothing is answered then.
    pub fn is_cancelled(&self) -> bool {
        self.now().cancelled
    }

    /// Whether nobody waits for it any more: no command is begun for it then.
    pub fn is_left(&self) -> bool {
        let now = self.now();
        now.cancelled || now.gone
    }

    /// It waits for a human under this id.
    pub fn waits(&self, id: Id, back: Option<TakeBack>) {
        let mut now = self.now();
        let mut back = back.or_else(|| now.waits.take().and_then(|(_, back)| back));
        if (now.cancelled || now.gone)
            && let Some(back) = back.take()
        {
            if now.gone {
                back.leave();
            } else {
                let _ = back.send(id);
            }
        }
        now.cancelled |= now.gone;
        now.waits = Some((id, back));
        self.changed.notify_all();
    }

    /// It runs a command, which ends with it.
    pub fn runs(&self, command: Cancel) {
        let mut now = self.now();
        if now.cancelled || now.gone {
            now.cancelled = true;
            command.cancel();
        }
        now.command = Some(command);
    }

    /// It waits no longer.
    pub fn goes_on(&self) {
        self.now().waits = None;
    }

    /// The client doesn't want it any more.
    fn cancel(&self) {
        let mut now = self.now();
        now.cancelled = true;
        if let Some((id, back @ Some(_))) = &mut now.waits
            && let Some(back) = back.take()
        {
            let _ = back.send(*id);
        }
        now.end_command();
        self.changed.notify_all();
    }

    /// The client has gone: it doesn't wait for a human, but what needs none is still done.
    fn give_up(&self) {
        let mut now = self.now();
        now.gone = true;
        if let Some((_, back)) = &mut now.waits {
            if let Some(back) = back.take() {
                back.leave();
            }
            now.cancelled = true;
        }
        now.cancelled |= now.end_command();
        self.changed.notify_all();
    }

    /// Its answer is about to go out: no progress after this.
    pub fn over(&self) {
        self.now().over = true;
        self.changed.notify_all();
    }

    /// Tells a client that asked for it, while the call waits for a human. Runs until the call is over; who answers the
    /// call waits for that first.
    pub fn tell(&self, out: &Out, most: u32) {
        let Some(token) = &self.token else { return };
        let mut now = self.now();
        let mut last = 0;
        while !now.over && !now.cancelled {
            if let Some(id) = now.waiting() {
                let seconds = self.begun.elapsed().as_secs().max(last + 1);
                let mut params = json!({"progressToken": token, "progress": seconds, "total": u64::from(most).max(seconds)});
                if self.words {
                    params["message"] = format!("waiting for a human: svault approve {id}").into();
                }
                last = seconds;
                // Not under the lock: a client that reads nothing must not keep who cancels or ends the call.
                drop(now);
                out.send(&note("notifications/progress", params));
                now = self.now();
                let unchanged = |now: &mut Now| !now.over && !now.cancelled && now.waiting() == Some(id);
                let waited = self.changed.wait_timeout_while(now, PROGRESS, unchanged);
                now = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else {
                now = self.changed.wait(now).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Whether anybody wants to hear of progress.
    pub fn wants_progress(&self) -> bool {
        self.token.is_some()
    }
}

/// All calls under way.
#[derive(Default)]
pub struct Calls {
    all: Mutex<All>,
    workers: Arc<()>,
}

/// Calls by their ids.
#[derive(Default)]
struct All {
    under_way: HashMap<String, Arc<Call>>,
    /// Those that come later in a line of several. True: cancelled before they begin.
    later: HashMap<String, bool>,
    /// The client has gone.
    gone: bool,
}

/// Somebody who has something to answer, until it is dropped.
pub struct Worker {
    _counts: Arc<()>,
}

/// Why a call does not begin.
pub enum NoCall {
    /// A protocol error.
    Problem(Problem),
    /// Too many run.
    Busy,
    /// It was cancelled before.
    Cancelled,
}

impl Calls {
    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more worker; none: there are too many. Asked by the one thread that reads.
    pub fn worker(&self) -> Option<Worker> {
        (Arc::strong_count(&self.workers) <= MOST_WORKERS)
            .then(|| Worker { _counts: Arc::clone(&self.workers) })
    }

    /// Those that a line of several has, which begin one after the other: from now on each may be cancelled.
    pub fn expect(&self, ids: &[String]) {
        self.all().later.extend(ids.iter().map(|id| (id.clone(), false)));
    }

    /// That line is over.
    pub fn expect_no_more(&self, ids: &[String]) {
        let mut all = self.all();
        for id in ids {
            all.later.remove(id);
        }
    }

    /// Begins one. Where the client has gone it is one that nobody waits for.
    ///
    /// # Errors
    /// [`NoCall`].
    pub fn begin(&self, call: Call) -> Result<Arc<Call>, NoCall> {
        let mut all = self.all();
        let key = call.id.to_string();
        if all.later.remove(&key) == Some(true) {
            return Err(NoCall::Cancelled);
        }
        if all.under_way.contains_key(&key) {
            return Err(NoCall::Problem(Problem::new(
                REQUEST,
                "this id belongs to a call that is under way",
            )));
        }
        if all.under_way.len() >= MOST {
            return Err(NoCall::Busy);
        }
        call.now().gone = all.gone;
        let call = Arc::new(call);
        all.under_way.insert(key, Arc::clone(&call));
        Ok(call)
    }

    /// It is answered.
    pub fn end(&self, call: &Call) {
        self.all().under_way.remove(&call.id.to_string());
    }

    /// The client has gone: whatever waits for a human waits no longer, and what begins later has nobody either.
    pub fn give_up(&self) {
        let mut all = self.all();
        all.gone = true;
        let waiting: Vec<_> = all.under_way.values().cloned().collect();
        drop(all);
        for call in waiting {
            call.give_up();
        }
    }

    /// The client cancels one; one that is neither under way nor to come is none of ours any more.
    pub fn cancel(&self, id: &Value) {
        let mut all = self.all();
        let key = id.to_string();
        let call = all.under_way.get(&key).cloned();
        if let (None, Some(cancelled)) = (&call, all.later.get_mut(&key)) {
            *cancelled = true;
        }
        drop(all);
        if let Some(call) = call {
            call.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u32) -> Call {
        let request = Request { id: id.into(), method: "tools/call".into(), params: serde_json::Map::new() };
        Call::of(&request, true, String::new())
    }

    #[test]
    fn a_call_that_comes_later_in_its_line_can_be_cancelled() {
        let calls = Calls::default();
        let ids = ["1".to_owned(), "2".to_owned(), "3".to_owned()];
        calls.expect(&ids);
        let first = calls.begin(call(1)).ok().unwrap();
        calls.cancel(&json!(2));
        calls.cancel(&json!(9));
        assert!(!first.is_cancelled());
        assert!(matches!(calls.begin(call(2)), Err(NoCall::Cancelled)));
        calls.cancel(&json!(1));
        assert!(first.is_cancelled());
        calls.end(&first);
        calls.cancel(&json!(3));
        calls.expect_no_more(&ids);
        assert!(calls.begin(call(3)).is_ok_and(|call| !call.is_cancelled()), "of another line");
    }

    #[test]
    fn what_begins_when_the_client_has_gone_runs_no_command() {
        let calls = Calls::default();
        let before = calls.begin(call(1)).ok().unwrap();
        assert!(!before.is_left());
        calls.give_up();
        let after = calls.begin(call(2)).ok().unwrap();
        assert!(before.is_left() && after.is_left() && !after.is_cancelled());
        after.runs(Cancel::new().unwrap());
        assert!(after.is_cancelled());
    }
}
