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
    all: Mutex<HashMap<String, Arc<Call>>>,
    workers: Arc<()>,
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
}

impl Calls {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Call>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more worker; none: there are too many. Asked by the one thread that reads.
    pub fn worker(&self) -> Option<Worker> {
        (Arc::strong_count(&self.workers) <= MOST_WORKERS)
            .then(|| Worker { _counts: Arc::clone(&self.workers) })
    }

    /// Begins one.
    ///
    /// # Errors
    /// [`NoCall`].
    pub fn begin(&self, call: Call) -> Result<Arc<Call>, NoCall> {
        let mut all = self.all();
        let key = call.id.to_string();
        if all.contains_key(&key) {
            return Err(NoCall::Problem(Problem::new(
                REQUEST,
                "this id belongs to a call that is under way",
            )));
        }
        if all.len() >= MOST {
            return Err(NoCall::Busy);
        }
        let call = Arc::new(call);
        all.insert(key, Arc::clone(&call));
        Ok(call)
    }

    /// It is answered.
    pub fn end(&self, call: &Call) {
        self.all().remove(&call.id.to_string());
    }

    /// The client has gone: whatever waits for a human waits no longer.
    pub fn give_up(&self) {
        let waiting: Vec<_> = self.all().values().cloned().collect();
        for call in waiting {
            call.give_up();
        }
    }

    /// The client cancels one; one that is not under way is none of ours any more.
    pub fn cancel(&self, id: &Value) {
        let call = self.all().get(&id.to_string()).cloned();
        if let Some(call) = call {
            call.cancel();
        }
    }
}
