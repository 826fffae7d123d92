//! The loop: each line a message, each message its answer. Calls of tools run beside it, so that a client can cancel
//! one and go on while it waits.

use crate::Config;
use crate::calls::{Call, Calls, NoCall, Worker};
use crate::claims::Claims;
use crate::era::{self, Era};
use crate::lines::{Line as Input, Lines};
use crate::message::{METHOD, Message, PARSE, Problem, REQUEST, Request};
use crate::out::{self, Line, Out, Said};
use crate::pool::Pool;
use crate::tools;
use serde_json::{Map, Value, json};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Messages in one line.
const MOST_BATCH: usize = 64;

/// One client's server.
pub struct Server {
    /// How it runs.
    pub config: Config,
    /// The way to the daemon.
    pub pool: Pool,
    calls: Calls,
    out: Out,
    opened: Mutex<Option<&'static str>>,
    claims: Claims,
}

const BUSY: &str = "too many calls at once; wait for one of them to end";

fn busy(id: &Value, era: Era) -> Line {
    out::said(id, era, Said::wrong(BUSY))
}

/// Runs something on a thread of its own; none: the system has none to give.
fn beside(work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    thread::Builder::new().spawn(work).ok()
}

/// A line's JSON. Half a character, which clients cut out of a text, is read as U+FFFD.
fn json(line: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(line).ok()?;
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&words::whole(text))).ok()
}

/// What is to be done with a request.
enum Next {
    Answer(Line),
    Call(Request, Era, tools::Tool),
}

impl Server {
    /// A server that has read nothing yet.
    pub fn new(config: Config, out: Out) -> Arc<Self> {
        let pool = Pool::new(config.clone());
        let claims = Claims::new(config.session.clone());
        let (calls, opened) = (Calls::default(), Mutex::default());
        Arc::new(Self { config, pool, calls, out, opened, claims })
    }

    /// Serves until the input ends; what runs then is not waited for if it waits for a human, and no command runs on.
    ///
    /// # Errors
    /// The input's.
    pub fn run(self: &Arc<Self>, input: impl Read) -> io::Result<()> {
        let mut lines = Lines::new(input);
        let mut workers: Vec<JoinHandle<()>> = Vec::new();
        while let Some(line) = lines.next()? {
            match line {
                Input::Text(line) if line.iter().all(u8::is_ascii_whitespace) => {}
                Input::Text(line) => match json(&line) {
                    Some(Value::Array(all)) => workers.extend(self.several(all)),
                    Some(value) => workers.extend(self.one(value)),
                    None => self.refuse(None, Problem::new(PARSE, "this line is not JSON")),
                },
                Input::TooLong => self.refuse(None, Problem::new(REQUEST, "this line is too long")),
            }
            workers.retain(|w| !w.is_finished());
        }
        self.calls.give_up();
        for worker in workers {
            let _ = worker.join();
        }
        Ok(())
    }

    fn refuse(&self, id: Option<&Value>, problem: Problem) {
        self.out.send(&out::error(id, problem));
    }

    /// One message; a call goes on in a thread of its own.
    fn one(self: &Arc<Self>, value: Value) -> Option<JoinHandle<()>> {
        match self.next(value)? {
            Next::Answer(line) => self.out.send(&line),
            Next::Call(request, era, tool) => match self.begin_beside(&request, era) {
                Err(None) => {}
                Err(Some(line)) => self.out.send(&line),
                Ok((call, worker)) => {
                    let (server, its, busy) = (Arc::clone(self), Arc::clone(&call), busy(&request.id, era));
                    let begun = beside(move || {
                        if let Some(line) = server.call(&its, request, era, tool) {
                            server.out.send(&line);
                        }
                        drop(worker);
                    });
                    if begun.is_none() {
                        self.calls.end(&call);
                        self.out.send(&busy);
                    }
                    return begun;
                }
            },
        }
        None
    }

    /// Several messages in one line: their answers go back in one line, too.
    fn several(self: &Arc<Self>, all: Vec<Value>) -> Option<JoinHandle<()>> {
        let text = match all.len() {
            _ if !era::takes_batches(self.opened()) => "this version of the protocol has one message a line",
            0 => "a line with no message in it",
            n if n > MOST_BATCH => "a line with too many messages",
            _ => {
                let ids: Vec<String> = all.iter().filter_map(|m| m.get("id")).map(Value::to_string).collect();
                self.calls.expect(&ids);
                let (server, its, worker) = (Arc::clone(self), ids.clone(), self.calls.worker());
                let begun = worker.and_then(|worker| {
                    beside(move || {
                        let lines: Vec<Line> = all.into_iter().filter_map(|v| server.in_turn(v)).collect();
                        server.calls.expect_no_more(&its);
                        if !lines.is_empty() {
                            server.out.send(&out::batch(&lines));
                        }
                        drop(worker);
                    })
                });
                if begun.is_some() {
                    return begun;
                }
                self.calls.expect_no_more(&ids);
                BUSY
            }
        };
        self.refuse(None, Problem::new(REQUEST, text));
        None
    }

    /// One message of several.
    fn in_turn(self: &Arc<Self>, value: Value) -> Option<Line> {
        match self.next(value)? {
            Next::Answer(line) => Some(line),
            Next::Call(request, era, tool) => match self.begin(&request, era) {
                Err(line) => line,
                Ok(call) => self.call(&call, request, era, tool),
            },
        }
    }

    fn next(&self, value: Value) -> Option<Next> {
        match Message::of(value) {
            Message::Request(request) => Some(self.request(request)),
            Message::Note { method, params } => {
                if method == "notifications/cancelled"
                    && let Some(id) = params.get("requestId")
                {
                    self.calls.cancel(id);
                }
                None
            }
            Message::Answer => None,
            Message::Bad(id, problem) => Some(Next::Answer(out::error(id.as_ref(), problem))),
        }
    }

    fn request(&self, request: Request) -> Next {
        let answered = Era::of(&request, self.opened()).and_then(|era| match tools::of(&request, era) {
            Some(tool) => tool.map(|tool| (era, Err(tool))),
            None => self.simple(&request, era).map(|(body, lasting)| (era, Ok(era.result(body, lasting)))),
        });
        match answered {
            Ok((_, Ok(body))) => Next::Answer(out::result(&request.id, body)),
            Ok((era, Err(tool))) => Next::Call(request, era, tool),
            Err(problem) => Next::Answer(out::error(Some(&request.id), problem)),
        }
    }

    /// What needs no daemon. True: it stays as it is while this process runs.
    fn simple(&self, request: &Request, era: Era) -> Result<(Map<String, Value>, bool), Problem> {
        let legacy = era != Era::Modern;
        match &*request.method {
            "initialize" if legacy => {
                let version = era::opens(request)?;
                self.claims.open(request);
                *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
                Ok((era::opened(version), false))
            }
            "ping" if legacy => Ok((Map::new(), false)),
            "server/discover" => Ok((era::discovered(), true)),
            "tools/list" if request.params.get("cursor").is_some_and(|cursor| !cursor.is_null()) => {
                Err(Problem::params("there is no such cursor: the list has one page"))
            }
            "tools/list" => Ok((era::object(json!({"tools": tools::list()})), true)),
            _ => Err(Problem::new(METHOD, "no such method")),
        }
    }

    fn opened(&self) -> Option<&'static str> {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that is answered from a thread of its own.
    fn begin_beside(&self, request: &Request, era: Era) -> Result<(Arc<Call>, Worker), Option<Line>> {
        let worker = self.calls.worker().ok_or_else(|| busy(&request.id, era))?;
        self.begin(request, era).map(|call| (call, worker))
    }

    /// Else what is answered, if anything is.
    fn begin(&self, request: &Request, era: Era) -> Result<Arc<Call>, Option<Line>> {
        let call = Call::of(request, era.progress_has_words(), self.claims.of(request));
        self.calls.begin(call).map_err(|no| match no {
            NoCall::Problem(problem) => Some(out::error(Some(&request.id), problem)),
            NoCall::Busy => Some(busy(&request.id, era)),
            NoCall::Cancelled => None,
        })
    }

    /// A tool's answer; none where the client has cancelled the call.
    fn call(
        self: &Arc<Self>,
        call: &Arc<Call>,
        request: Request,
        era: Era,
        tool: tools::Tool,
    ) -> Option<Line> {
        let telling = call.wants_progress().then(|| {
            let (server, call) = (Arc::clone(self), Arc::clone(call));
            beside(move || call.tell(&server.out, server.config.wait))
        });
        let said = tools::run(self, call, tool);
        call.over();
        // No progress comes after the answer, and no thread is left behind by a call that has ended.
        if let Some(telling) = telling.flatten() {
            let _ = telling.join();
        }
        self.calls.end(call);
        let line = match said {
            Ok(said) => out::said(&request.id, era, said),
            Err(problem) => out::error(Some(&request.id), problem),
        };
        (!call.is_cancelled()).then_some(line)
    }
}
