//! From the file into the vault. Values and backup are durable there before the file is touched.

use super::Import;
use crate::app::{App, unexpected};
use crate::card;
use crate::import::left::Left;
use crate::import::plan::{Plan, Row, Wishes, plan};
use crate::import::put::Draft;
use crate::import::source::{Place, Source};
use crate::import::{backup, leaks, left, parse, text};
use crate::report::{Error, Outcome};
use crate::table::Table;
use secret::Bytes;
use serde_json::{Value, json};
use std::collections::HashSet;
use wire::act::Label;
use wire::card::Card;
use wire::{IMPORT_BYTES, ImportItem, Known, Report, SecretRow, Want, exit};
use words::Name;

/// What is sent: the items, and a value for each.
struct Load {
    items: Vec<ImportItem>,
    values: Vec<Bytes>,
    backups: Vec<Name>,
}

pub(super) fn run(call: &Import, app: &App) -> Outcome {
    let place = Place::of(&call.file)?;
    let source = place.read()?;
    let file = parse(text(&source.bytes)?)?;
    let wishes = Wishes { vault: call.vault.clone(), scope: call.scope.clone(), tier: call.tier };
    let mut plan = plan(&file, &wishes)?;
    let mut warnings = leaks::warnings(&place, &source);
    warnings.extend(left::told(&plan.left));
    warnings.extend(kept("comments are kept as they are, and these look like values", &plan.comments));
    warnings.extend(kept("no '=' there, so it is kept as it is", file.alone()));
    let news: Vec<_> = plan.references.iter().map(|(i, r)| (*i, r.as_str())).collect();
    let new = file.replace(&news);
    let rewrites = call.replace && !plan.taken.is_empty();
    let draft = if rewrites { Some(draft(&place, &source, &new)?) } else { None };
    if call.dry_run || plan.taken.is_empty() {
        return only_told(call, app, &plan, &warnings);
    }
    let load = load(call, &place, &source, &plan)?;
    let mut human = app.human(call.proof);
    human.ready()?;
    let Report::Secrets(there) = human.read_proved(Want::List)? else { return Err(unexpected()) };
    keep(&mut plan.rows, &there, call);
    if !app.out.json() {
        app.out.lines_to_stderr(&(shown(call, app, &plan, &warnings) + &backed_up(&load.backups)));
    }
    let want = Want::Import { vault: call.vault.clone(), update: call.update, items: load.items.clone() };
    let mut existing = 0;
    let question = if call.replace { "Import these, and rewrite the file?" } else { "Import these?" };
    let id = human
        .act_shown(want, load.values, &mut |shown, implied| {
            let Some(named) = named(shown, &load.items, &mut existing) else { return false };
            card::agree(&app.out, &named, question, implied || call.yes, false)
        })?
        .id();
    if let Some(draft) = draft {
        draft.replace(Some(&source), &mut |_| Ok(())).map_err(|e| {
            with_hint(e, "the values and the backup are in the vault; the same command can be repeated")
        })?;
    }
    let taken = plan.taken.len();
    let object = json!({
        "id": id, "vault": call.vault, "dry_run": false, "replaced": call.replace, "imported": taken,
        "existing": existing, "plan": rows(&plan.rows, &call.vault), "left": plan.left, "warnings": warnings,
        "backup": load.backups,
    });
    // Places in the file as it is now.
    let left = if call.replace { left::in_clear(&parse(&new)?, &HashSet::new()) } else { plan.left };
    app.out.answer(object, |_| said(call, taken, existing, &place, &left))?;
    Ok(exit::DONE)
}

/// What is in the vault already keeps its classification, so that is what is shown. Its value is compared by the daemon,
/// behind the yes: what comes of a difference is said before it.
fn keep(rows: &mut [Row], there: &[SecretRow], call: &Import) {
    let note = match call.update {
        true => "there already: a new version if it differs",
        false => "there already: refused if it differs",
    };
    for row in rows.iter_mut().filter(|row| row.class.is_some()) {
        let Some(old) = there.iter().find(|s| s.vault == call.vault && s.name == row.name) else { continue };
        row.class = Some(old.class.clone());
        if row.note.is_empty() {
            row.note = note;
        }
    }
}

/// Where the old text goes.
fn backed_up(names: &[Name]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let more = if names.len() > 1 { format!(" and {} more parts", names.len() - 1) } else { String::new() };
    format!("its old text goes there too, scope svault-backup, tier high: {first}{more}\n")
}

/// The new text, ready beside the file before anything is sent: where it can't be, nothing is imported.
fn draft<'p>(place: &'p Place, source: &Source, new: &str) -> Result<Draft<'p>, Error> {
    let draft = place.draft(new, Some(source), &mut |_| Ok(()));
    draft.map_err(|e| with_hint(e, "nothing was imported"))
}

/// What is so, before what the error itself has to say.
fn with_hint(e: Error, so: &str) -> Error {
    let own = e.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    e.hint(format!("{so}{own}"))
}

fn kept(what: &str, lines: &[usize]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let mut shown: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
    if lines.len() > 10 {
        shown.push("…".into());
    }
    Some(format!("{what}: line {}", shown.join(", ")))
}

fn only_told(call: &Import, app: &App, plan: &Plan, warnings: &[String]) -> Outcome {
    let object = json!({
        "dry_run": call.dry_run, "vault": call.vault, "imported": 0, "replaced": false,
        "plan": rows(&plan.rows, &call.vault), "left": plan.left, "warnings": warnings,
    });
    app.out.answer(object, |_| shown(call, app, plan, warnings))?;
    Ok(exit::DONE)
}

/// The plan as a table, and what else is to be known.
fn shown(call: &Import, app: &App, plan: &Plan, warnings: &[String]) -> String {
    if plan.rows.is_empty() {
        return "there is no variable in the file\n".to_owned();
    }
    let mut table = Table::new(&["NAME", "LINE", "VAULT", "SCOPE", "TIER", "EXPOSURE", "NOTE"], 6);
    for row in &plan.rows {
        let class = |of: &dyn Fn(&words::Class) -> String| row.class.as_ref().map(of).unwrap_or_default();
        table.row(vec![
            row.name.to_string(),
            row.line.to_string(),
            class(&|_| call.vault.to_string()),
            class(&|c| c.scope.to_string()),
            class(&|c| c.tier.to_string()),
            class(&|c| c.exposure().to_string()),
            if row.class.is_some() { row.note.to_owned() } else { format!("stays: {}", row.note) },
        ]);
    }
    let mut text = table.text(&app.out);
    let stay = plan.rows.len() - plan.taken.len();
    text.push_str(&format!(
        "\n{} into vault {}, {stay} {} in the file\n",
        count(plan.taken.len()),
        call.vault,
        if stay == 1 { "stays" } else { "stay" }
    ));
    for warning in warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

fn count(n: usize) -> String {
    if n == 1 { "1 secret".to_owned() } else { format!("{n} secrets") }
}

fn rows(rows: &[Row], vault: &words::VaultName) -> Vec<Value> {
    let one = |row: &Row| match &row.class {
        Some(c) => json!({
            "name": row.name, "line": row.line, "vault": vault, "scope": c.scope, "tier": c.tier,
            "exposure": c.exposure(), "stays": false, "times": row.times, "note": row.note,
        }),
        None => {
            json!({"name": row.name, "line": row.line, "stays": true, "times": row.times, "note": row.note})
        }
    };
    rows.iter().map(one).collect()
}

/// What is counted is the locked memory that holds them, which is more than their length.
fn too_much(bytes: usize) -> Error {
    let (most, kib) = (IMPORT_BYTES >> 20, bytes >> 10);
    let text =
        format!("the values would take {kib} KiB of locked memory, and one import may take {most} MiB");
    Error::new("too_long", exit::FAILED, text)
        .hint("split the file; a value of more than 1 KiB takes some 10 KiB more than it has")
}

/// Names, classifications and values, and the backup's.
fn load(call: &Import, place: &Place, source: &Source, plan: &Plan) -> Result<Load, Error> {
    let mut load = Load { items: Vec::new(), values: Vec::new(), backups: Vec::new() };
    let parts = if call.replace {
        backup::parts(&place.path, &source.bytes, jiff::Timestamp::now())?
    } else {
        Vec::new()
    };
    let lens = plan.taken.iter().map(|t| t.value.len()).chain(parts.iter().map(|p| p.bytes.len()));
    let bytes: usize = lens.map(wire::locked).sum();
    if bytes > IMPORT_BYTES {
        return Err(too_much(bytes));
    }
    for taken in &plan.taken {
        load.items.push(ImportItem { name: taken.name.clone(), class: taken.class.clone() });
        load.values.push(Bytes::copy_from(taken.value.as_bytes())?);
    }
    for part in parts {
        load.backups.push(part.name.clone());
        load.items.push(ImportItem { name: part.name, class: part.class });
        load.values.push(part.bytes);
    }
    Ok(load)
}

/// The card, with names where the act has places. None: the daemon speaks of others than were sent.
fn named(card: &Card, items: &[ImportItem], existing: &mut usize) -> Option<Card> {
    const MOST: usize = 20;
    let mut card = card.clone();
    *existing = 0;
    for line in card.lines.iter_mut().filter(|l| l.label == Label::Exists.shown()) {
        let known = Known::read(&line.text, items.len())?;
        *existing = known.0.len();
        let one = |(place, version): &(usize, u64)| {
            items.get(*place).map(|i: &ImportItem| format!("{} (version {version})", i.name))
        };
        let mut all: Vec<String> = known.0.iter().take(MOST).map(one).collect::<Option<_>>()?;
        if known.0.len() > MOST {
            all.push(format!("and {} more", known.0.len() - MOST));
        }
        line.text = all.join(", ");
    }
    Some(card)
}

fn said(call: &Import, taken: usize, existing: usize, place: &Place, left: &[Left]) -> String {
    let mut text = format!("imported {} to {}", count(taken), call.vault);
    match existing {
        0 => {}
        n if call.update => {
            text.push_str(&format!(", {n} of them there already (new versions where they differ)"))
        }
        n => text.push_str(&format!(", {n} of them there already")),
    }
    text.push('\n');
    if call.replace {
        let path = crate::output::foreign(&place.path.display().to_string(), 300);
        text.push_str(&format!(
            "{path} has references now. Start programs with 'svault run' from now on.\n\
             A program that loads the file by itself would read the references.\n\
             Editors may still show or save the old text: close the file there. To go back: {back}\n",
            back = call.way_back(),
        ));
    } else {
        text.push_str("The file still has the values; --replace puts references there.\n");
    }
    left::told(left).iter().for_each(|line| text.push_str(&format!("warning: {line}\n")));
    text
}
