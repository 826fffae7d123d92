//! What happens in the demo, in order.

use super::caller::Saw;
use super::stage::{Stage, decision};
use crate::report::Error;
use serde_json::Value;
use std::time::{Duration, Instant};

const CODER: &str = "coder";
const DEPLOY: &str = "deploy-bot";
/// How long the default burst limit looks back.
const BURST: Duration = Duration::from_millis(10_500);

/// Plays all of it, up to the tampering.
pub fn play(stage: &mut Stage) -> Result<(), Error> {
    set_up(stage)?;
    let asked = refusals(stage)?;
    seal(stage)?;
    high(stage)?;
    stage.rest(BURST.saturating_sub(asked.elapsed()))?;
    medium(stage)?;
    trail(stage)
}

fn set_up(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("1. A store, three secrets, two callers");
    let (code, write) = rustix::pipe::pipe().map_err(|e| Error::failed("no pipe", e))?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&write).to_string();
    let saw = stage.human(&["init", "--recovery-out-fd", &fd])?;
    drop((code, write));
    stage.show("you", &["init"], &first_line(saw), None);
    for (name, scope, tier, value) in [
        ("DOCS_TOKEN", "docs", "low", "sk-test-docs-1f4a"),
        ("DB_URL", "database", "medium", "postgres://app:sk-test-db-77@localhost/orders"),
        ("PROD_KEY", "production", "high", "sk-test-prod-90c2"),
    ] {
        let args = ["add", name, "--scope", scope, "--tier", tier];
        let saw = stage.human_gives(&args, value)?;
        stage.show("you", &args, &saw, None);
    }
    for (name, scopes) in [(CODER, &["docs", "database"] as &[&str]), (DEPLOY, &["production"])] {
        let exe = stage.hire(name)?;
        let exe = exe.display().to_string();
        let mut args = vec!["caller", "add", name, "--exe", &exe];
        for scope in scopes {
            args.extend(["--scope", scope]);
        }
        let saw = stage.human(&args)?;
        stage.show("you", &args, &saw, None);
    }
    Ok(())
}

fn first_line(saw: Saw) -> Saw {
    Saw { stdout: saw.stdout.lines().next().unwrap_or_default().to_owned(), ..saw }
}

/// One request that is allowed, four that are denied, and then one too many; when that was asked.
fn refusals(stage: &mut Stage) -> Result<Instant, Error> {
    stage.heading("2. A caller asks. A denial looks the same whatever its cause; the trail has the cause");
    let why = "look up the endpoint in the docs";
    let fine = ["get", "DOCS_TOKEN", "--scope", "docs", "--reason", why];
    let mut asked = vec![
        ("allowed: a low secret, the right scope, a reason", fine.to_vec()),
        (
            "wrong scope: it holds docs and database, not production",
            vec!["get", "PROD_KEY", "--scope", "production", "--reason", why],
        ),
        ("no reason", vec!["get", "DOCS_TOKEN", "--scope", "docs"]),
        ("no such name", vec!["get", "AWS_ROOT_KEY", "--scope", "docs", "--reason", why]),
        ("a medium secret is used, not read", vec!["get", "DB_URL", "--scope", "database", "--reason", why]),
    ];
    let mut saw = Vec::new();
    for (_, args) in &asked {
        saw.push(stage.caller(CODER)?.runs(args)?);
    }
    // The policy of a new store allows five in ten seconds.
    asked.push(("burst: the same that was allowed, again and again, until it is too many", fine.to_vec()));
    let mut last = stage.caller(CODER)?.runs(&fine)?;
    for _ in 0..20 {
        if last.exit == 0 {
            last = stage.caller(CODER)?.runs(&fine)?;
        }
    }
    saw.push(last);
    let when = Instant::now();
    let trail = stage.trail()?;
    for ((title, args), saw) in asked.iter().zip(&saw) {
        stage.remark(title);
        let entry = of(&trail, saw.id().as_deref(), "DOCS_TOKEN");
        stage.show(CODER, args, saw, Some(&decision(&entry)));
    }
    Ok(when)
}

/// The entry of an id; a value comes without its id, so then the newest release of that secret.
fn of(trail: &[Value], id: Option<&str>, secret: &str) -> Value {
    let found = trail.iter().find(|e| match id {
        Some(id) => e["id"] == id,
        None => e["event"] == "allow" && e["secret"].as_str().is_some_and(|s| s.ends_with(secret)),
    });
    found.cloned().unwrap_or_default()
}

/// Five denials for one secret, and then a proper request.
fn seal(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("3. Five denials seal a caller off from a secret, until a human opens it");
    let with = |scope| {
        [
            "run",
            "--env",
            "KEY=PROD_KEY",
            "--scope",
            scope,
            "--reason",
            "deploy the release",
            "--",
            "/bin/true",
        ]
    };
    let (bad, good) = (with("staging"), with("production"));
    let mut asked = Vec::new();
    for args in [&bad, &bad, &bad, &bad, &bad] {
        asked.push((args, stage.caller(DEPLOY)?.runs(args)?));
    }
    // More than five denials in a second are counted together; this one shall have a record of its own.
    stage.rest(Duration::from_millis(1100))?;
    asked.push((&good, stage.caller(DEPLOY)?.runs(&good)?));
    let trail = stage.trail()?;
    let titles = [
        (0, "the first of five with a scope that the secret doesn't have"),
        (4, "the fifth"),
        (5, "sealed: a proper request is denied now, too"),
    ];
    for (i, title) in titles {
        let Some((args, saw)) = asked.get(i) else { continue };
        stage.remark(title);
        let entry = of(&trail, saw.id().as_deref(), "PROD_KEY");
        stage.show(DEPLOY, *args, saw, Some(&decision(&entry)));
    }
    let saw = stage.human(&["seals"])?;
    stage.show("you", &["seals"], &saw, None);
    let seals: Value = serde_json::from_str(&stage.human(&["seals", "--json"])?.stdout).unwrap_or_default();
    let id = seals["seals"][0]["id"].as_str().unwrap_or_default().to_owned();
    let saw = stage.human(&["unseal", &id])?;
    stage.show("you", &["unseal", &id], &saw, None);
    Ok(())
}

/// A high secret: a human is asked each time.
fn high(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("4. A high secret waits for a human, each time");
    let args = [
        "run",
        "--env",
        "KEY=PROD_KEY",
        "--scope",
        "production",
        "--reason",
        "deploy release 1.4",
        "--",
        "/bin/sh",
        "-c",
        "echo deployed with a key of ${#KEY} characters",
    ];
    waits(stage, DEPLOY, &args, "PROD_KEY", "once")
}

/// A medium secret: one yes for the same command in the same session.
fn medium(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("5. A medium secret asks once for a command; the yes holds for the session");
    let args = [
        "run",
        "--env",
        "DB_URL",
        "--scope",
        "database",
        "--reason",
        "run the pending migration",
        "--",
        "/bin/sh",
        "-c",
        "echo migrated over a URL of ${#DB_URL} characters",
    ];
    waits(stage, CODER, &args, "DB_URL", "session")?;
    stage.remark("the same again: nobody is asked");
    let saw = stage.caller(CODER)?.runs(&args)?;
    let entry = of(&stage.trail()?, None, "DB_URL");
    stage.show(CODER, &args, &saw, Some(&decision(&entry)));
    Ok(())
}

/// A request that waits, and the human who answers it meanwhile.
fn waits(stage: &mut Stage, who: &str, args: &[&str], secret: &str, lasts: &str) -> Result<(), Error> {
    stage.caller(who)?.ask(args)?;
    let since = Instant::now();
    loop {
        let status = stage.anybody(&stage.store(), &["status", "--json"])?;
        let status: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        if status["waiting"].as_u64().unwrap_or(0) > 0 {
            break;
        }
        if since.elapsed() > Duration::from_secs(20) {
            let saw = stage.caller(who)?.hear()?;
            return Err(Error::failed(
                "the demo stopped: a request that should wait for a human did not",
                saw.text(),
            ));
        }
        stage.rest(Duration::from_millis(20))?;
    }
    let pending = stage.human(&["pending"])?;
    stage.show("you", &["pending"], &pending, None);
    let id = pending.stdout.split_whitespace().next().unwrap_or_default().to_owned();
    let approve = ["approve", &id, "--for", lasts];
    let approved = stage.human(&approve)?;
    // The card is the same as in `pending`; it went to stderr.
    let approved = Saw { stderr: String::new(), ..approved };
    stage.show("you", &approve, &approved, None);
    let saw = stage.caller(who)?.hear()?;
    let entry = of(&stage.trail()?, None, secret);
    stage.show(who, args, &saw, Some(&decision(&entry)));
    Ok(())
}

fn trail(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("6. The trail holds");
    let saw = super::stage::well(&["audit", "verify"], stage.anybody(&stage.store(), &["audit", "verify"])?)?;
    stage.show("you", &["audit", "verify"], &saw, None);
    Ok(())
}
