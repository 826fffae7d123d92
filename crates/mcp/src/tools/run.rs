//! `svault_run`: runs a command with secrets that the agent never sees, and answers its masked output.

use super::args::Args;
use super::{denied, failed, pending};
use crate::calls::Call;
use crate::message::Problem;
use crate::out::Said;
use crate::server::Server;
use ::run::{Cancel, Captured, End, Inputs, Job, Limits};
use client::Answer;
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::card::visible;
use wire::{Ask, AskItem, MOST_ITEMS};
use words::{EnvName, Scope, SecretRef, Way};

/// Bytes of a command, with its arguments: it is shown to a human and recorded.
pub(super) const MOST_COMMAND: usize = 64 * 1024;
/// Arguments of a command.
pub(super) const MOST_ARGUMENTS: usize = 1024;
/// Bytes of each output that the model gets.
const MOST_OUTPUT: usize = 48 * 1024;
/// The longest a command may run, in seconds.
const LONGEST: u64 = 3600;
/// How long it may run where nothing is said, in seconds.
const USUAL: u64 = 600;

/// The arguments.
pub struct Run {
    argv: Vec<OsString>,
    items: Vec<AskItem>,
    scope: Scope,
    reason: String,
    cwd: Option<PathBuf>,
    time: Duration,
}

/// What a denial is about.
const NOT_RUN: &str = "the command was not run";

impl Run {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong.
    pub fn of(mut args: Args<'_>) -> Result<Self, Problem> {
        let argv = Args::need("command", args.take("command").map(command).transpose()?)?;
        let items = Args::need("secrets", args.take("secrets").map(secrets).transpose()?)?;
        let scope = Args::need("scope", args.word("scope")?)?;
        let reason = args.reason("reason")?;
        let cwd = args.text("cwd", 4096)?.map(PathBuf::from);
        let time = args.take("timeout").map(seconds).transpose()?.unwrap_or(USUAL);
        args.none()?;
        Ok(Self { argv, items, scope, reason, cwd, time: Duration::from_secs(time) })
    }

    /// Asks, runs, answers.
    pub fn run(self, server: &Server, call: &Call) -> Said {
        if call.is_left() {
            return Said::wrong("nothing was asked for or run: the client has gone");
        }
        let (job, mut ask) = match self.job(server.config.wait) {
            Ok(asked) => asked,
            Err(e) => return Said::wrong(format!("nothing was asked for or run: {}", shown(&e))),
        };
        ask.client.clone_from(&call.client);
        let released = match server.pool.ask(&ask, call) {
            Ok(Answer::Released { items, .. }) => items,
            Ok(Answer::Denied { id, narrower: None }) => return Said::wrong(denied(id, NOT_RUN)),
            Ok(Answer::Denied { id, narrower: Some(way) }) => {
                return Said::wrong(format!("{} It would be allowed as {way}.", denied(id, NOT_RUN)));
            }
            Ok(Answer::Pending { id }) => return Said::wrong(pending(id)),
            Ok(_) => return failed(&client::Error::Unexpected),
            Err(e) => return failed(&e),
        };
        self.start(&job, released, call)
            .unwrap_or_else(|e| Said::wrong(format!("the command did not run: {}", shown(&e))))
    }

    fn job(&self, wait: u32) -> ::run::Result<(Job, Ask)> {
        let here = std::env::current_dir().unwrap_or_else(|_| Path::new("/").into());
        let cwd = self.cwd.as_ref().map_or_else(|| here.clone(), |cwd| here.join(cwd));
        let job = Job::new(&self.argv, &cwd, self.items.clone())?;
        let ask = job.ask(Some(self.scope.clone()), Some(self.reason.clone()), wait)?;
        Ok((job, ask))
    }

    fn start(
        &self,
        job: &Job,
        released: Vec<(wire::Granted, secret::Bytes)>,
        call: &Call,
    ) -> ::run::Result<Said> {
        let inputs = Inputs::of(released)?;
        let unmasked = inputs.unmasked().to_vec();
        let cancel = Cancel::new()?;
        call.runs(cancel.clone());
        let limits = Limits { bytes: MOST_OUTPUT, time: Some(self.time) };
        let came = ::run::capture(job, inputs, &limits, &cancel)?;
        let text = told(&came, &unmasked, self.time);
        Ok(Said::Text { text, wrong: came.end != End::Itself || came.code.0 != 0 })
    }
}

fn shown(e: &::run::Error) -> String {
    visible(e.to_string().as_bytes())
}

/// What came of it, for the model. Output is as the program wrote it, but for what is masked.
fn told(came: &Captured, unmasked: &[String], time: Duration) -> String {
    let mut text = match came.end {
        End::Itself => format!("exit code {}\n", came.code.0),
        End::Late => format!("ended after {} seconds, its time was over\n", time.as_secs()),
        End::Cancelled => "cancelled\n".to_owned(),
        End::Cut => "cut off: svault's process above the command was killed, and the command was ended with it. It may \
                     have done some of its work, or all of it\n"
            .to_owned(),
    };
    for name in unmasked {
        text.push_str(&format!("note: the value of {name} is too short to be masked in the output\n"));
    }
    for (name, kept) in [("stdout", &came.stdout), ("stderr", &came.stderr)] {
        let output = kept.text();
        if output.is_empty() {
            text.push_str(&format!("{name}: empty\n"));
        } else {
            let end = if output.ends_with('\n') { "" } else { "\n" };
            text.push_str(&format!("--- {name}\n{output}{end}"));
        }
    }
    text
}

/// A list of program and arguments, or a line for the shell.
fn command(value: Value) -> Result<Vec<OsString>, Problem> {
    let argv = match value {
        Value::String(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
        Value::Array(all) => texts("command", all)?,
        _ => return Err(Problem::params("command is a list of text, or text for the shell")),
    };
    let bytes: usize = argv.iter().map(|a| a.len() + 1).sum();
    if argv.is_empty() || argv.len() > MOST_ARGUMENTS || bytes > MOST_COMMAND {
        let limits = format!("at most {MOST_ARGUMENTS} arguments and {MOST_COMMAND} bytes");
        return Err(Problem::params(format!("command has a program, {limits}")));
    }
    if argv.iter().any(|a| a.contains('\0')) {
        return Err(Problem::params("command has a zero byte"));
    }
    Ok(argv.into_iter().map(OsString::from).collect())
}

fn texts(name: &str, all: Vec<Value>) -> Result<Vec<String>, Problem> {
    let text = |v| match v {
        Value::String(text) => Ok(text),
        _ => Err(Problem::params(format!("{name} is a list of text"))),
    };
    all.into_iter().map(text).collect()
}

fn secrets(value: Value) -> Result<Vec<AskItem>, Problem> {
    let Value::Array(all) = value else { return Err(Problem::params("secrets is a list")) };
    if all.is_empty() || all.len() > MOST_ITEMS {
        return Err(Problem::params(format!("secrets has 1 to {MOST_ITEMS} entries")));
    }
    let items = all.into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let mut variables = HashSet::new();
    if items.iter().any(|i| matches!(&i.way, Way::Env(v) | Way::File(v) if !variables.insert(v))) {
        return Err(Problem::params("secrets: the same variable is given twice"));
    }
    Ok(items)
}

/// `NAME`, `VARIABLE=SECRET`, or an object that says which variable, and whether it has the value or a path to it.
fn item(value: Value) -> Result<AskItem, Problem> {
    match value {
        Value::String(text) if text.len() <= 512 => {
            let (variable, secret) = match text.split_once('=') {
                Some((variable, secret)) => (Some(variable), secret),
                None => (None, &*text),
            };
            let secret: SecretRef = word("secrets", secret)?;
            let variable = self::variable(variable.unwrap_or(secret.name.as_str()))?;
            Ok(AskItem { secret, way: Way::Env(variable) })
        }
        Value::Object(mut map) => {
            let mut take = |key: &str| match map.remove(key) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) if text.len() <= 512 => Ok(Some(text)),
                Some(_) => Err(Problem::params(format!("secrets: {key} is short text"))),
            };
            let (secret, env, file) = (take("secret")?, take("env")?, take("file")?);
            if !map.is_empty() {
                return Err(Problem::params("secrets: an entry has secret, and env or file"));
            }
            let secret: SecretRef = word("secrets", &Args::need("secrets: secret", secret)?)?;
            let way = match (env, file) {
                (Some(env), None) => Way::Env(variable(&env)?),
                (None, Some(file)) => Way::File(variable(&file)?),
                (None, None) => Way::Env(variable(secret.name.as_str())?),
                (Some(_), Some(_)) => return Err(Problem::params("secrets: an entry has env or file")),
            };
            Ok(AskItem { secret, way })
        }
        _ => Err(Problem::params("secrets: an entry is NAME, VARIABLE=SECRET or an object")),
    }
}

/// A variable that a secret may go into; others would be denied, and denials seal.
fn variable(text: &str) -> Result<EnvName, Problem> {
    let name: EnvName = word("secrets", text)?;
    if policy::is_guarded(name.as_str()) {
        return Err(Problem::params("secrets: this variable changes how programs run; choose another"));
    }
    Ok(name)
}

fn word<T: std::str::FromStr<Err = words::BadWord>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|e: words::BadWord| Problem::params(format!("{name}: {e}")))
}

fn seconds(value: Value) -> Result<u64, Problem> {
    // To a schema 60.0 is a whole number, too.
    let time = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| time.subsec_nanos() == 0)
        .map(|time| time.as_secs())
        .filter(|seconds| (1..=LONGEST).contains(seconds))
        .ok_or_else(|| Problem::params(format!("timeout is a whole number of seconds, 1 to {LONGEST}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_named_in_three_forms() {
        let one = |value| item(value).map(|i| (i.secret.to_string(), i.way));
        let env = |name: &str| Way::Env(name.parse::<EnvName>().unwrap());
        assert_eq!(one(json!("DB_URL")).unwrap(), ("DB_URL".into(), env("DB_URL")));
        assert_eq!(
            one(json!("svault://main/DB_URL")).unwrap(),
            ("svault://main/DB_URL".into(), env("DB_URL"))
        );
        assert_eq!(
            one(json!("X=svault://main/db.pass")).unwrap(),
            ("svault://main/db.pass".into(), env("X"))
        );
        assert_eq!(one(json!({"secret": "A", "env": "B"})).unwrap(), ("A".into(), env("B")));
        assert_eq!(one(json!({"secret": "A"})).unwrap(), ("A".into(), env("A")));
        assert_eq!(one(json!({"secret": "A", "env": "B", "file": null})).unwrap(), ("A".into(), env("B")));
        let file = one(json!({"secret": "A", "file": "B", "env": null})).unwrap();
        assert_eq!(file, ("A".into(), Way::File("B".parse().unwrap())));
        for bad in [
            json!("db.pass"),
            json!("=A"),
            json!("A="),
            json!("A-B=C"),
            json!("PATH=A"),
            json!({"secret": "A", "file": "LD_PRELOAD"}),
            json!(7),
            json!({"env": "A"}),
            json!({"secret": "A", "env": "B", "file": "C"}),
            json!({"secret": "A", "more": 1}),
        ] {
            assert!(one(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_has_one_secret() {
        assert_eq!(secrets(json!(["A", "B=A"])).unwrap().len(), 2);
        for bad in [json!(["A", "A"]), json!(["X=A", {"secret": "B", "file": "X"}]), json!([])] {
            assert!(secrets(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_schema_says_is_taken() {
        let list = super::super::schema::list();
        let tools = list.as_array().unwrap();
        let run = tools.iter().find(|t| t["name"] == "svault_run").unwrap();
        let said = &run["inputSchema"]["properties"];
        let most = usize::try_from(said["secrets"]["maxItems"].as_u64().unwrap()).unwrap();
        let many = |n: usize| secrets((0..n).map(|i| json!(format!("V{i}=A"))).collect());
        assert_eq!(many(most).unwrap().len(), most);
        assert!(many(most + 1).is_err());
        let kinds = said["command"]["anyOf"].as_array().unwrap();
        for given in [json!(["a", "b c"]), json!("a | b")] {
            let kind = if given.is_array() { "array" } else { "string" };
            assert!(command(given).is_ok() && kinds.iter().any(|k| k["type"] == kind), "{kind}");
        }
    }

    #[test]
    fn a_command_is_a_list_or_a_line_for_the_shell() {
        assert_eq!(command(json!(["a", "b c"])).unwrap(), ["a", "b c"]);
        assert_eq!(command(json!("a | b")).unwrap(), ["/bin/sh", "-c", "a | b"]);
        for bad in [json!([]), json!([1]), json!({}), json!(["a\0b"]), json!(["x".repeat(70_000)])] {
            assert!(command(bad.clone()).is_err());
        }
        assert_eq!((seconds(json!(60)).unwrap(), seconds(json!(60.0)).unwrap()), (60, 60));
        for bad in [json!(0), json!(1.5), json!(-1.0), json!(0.0), json!(3601), json!(3600.5), json!(1e300)] {
            assert!(seconds(bad.clone()).is_err(), "{bad}");
        }
    }
}
