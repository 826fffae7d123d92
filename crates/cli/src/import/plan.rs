//! What an import would do with each name of a file. Nothing is done here, and no value is shown.

use crate::import::left::{self, Left};
use crate::import::{self, guess};
use crate::report::Error;
use dotenv::{Entry, File};
use std::collections::HashMap;
use words::{Class, Name, Scope, Tier, VaultName};
use zeroize::Zeroizing;

/// What stands in a file for a secret of a vault.
const REFERENCE: &str = "svault://";

/// The most secrets of one file.
pub const SECRETS_MAX: usize = 10_000;

/// What a human may say beside the file.
pub struct Wishes {
    /// The vault.
    pub vault: VaultName,
    /// The scope of all.
    pub scope: Option<Scope>,
    /// The tier of all.
    pub tier: Option<Tier>,
}

/// One name of the file.
pub struct Row {
    /// The name.
    pub name: Name,
    /// The line of the assignment that counts, which is the last.
    pub line: usize,
    /// How often it is there.
    pub times: usize,
    /// Its classification in the vault; none: it stays.
    pub class: Option<Class>,
    /// Why it stays, or what else is to be known.
    pub note: &'static str,
}

/// A secret that goes into the vault.
pub struct Taken {
    /// Its name.
    pub name: Name,
    /// Its classification.
    pub class: Class,
    /// Its value.
    pub value: Zeroizing<String>,
}

/// What an import would do.
#[derive(Default)]
pub struct Plan {
    /// Each name once, in the order of the file.
    pub rows: Vec<Row>,
    /// What goes into the vault.
    pub taken: Vec<Taken>,
    /// The places of the file whose values become references, with the references.
    pub references: Vec<(usize, String)>,
    /// Lines of comments that look like assignments with a secret.
    pub comments: Vec<usize>,
    /// What stays although it looks like a secret.
    pub left: Vec<Left>,
}

/// One name, with all its assignments.
struct Group<'a> {
    name: &'a str,
    entries: Vec<usize>,
    stays: Option<&'static str>,
    carries: bool,
}

/// Makes the plan of a file.
///
/// # Errors
/// Where a value can't be taken or expanded, with its line; too many secrets.
pub fn plan(file: &File<'_>, wishes: &Wishes) -> Result<Plan, Error> {
    let entries = file.entries();
    let values = file.values(|_| None).map_err(|e| import::unread(&e))?;
    let mut groups = groups(entries, &|i| &values[i].text);
    carry(&mut groups, entries);
    let mut plan = Plan::default();
    for group in &groups {
        let last = group.entries.last().copied().unwrap_or_default();
        let (entry, value) = (&entries[last], &values[last]);
        let name: Name = group.name.parse().map_err(|e: words::BadWord| bad(entry, &e.to_string()))?;
        let times = group.entries.len();
        let mut row = Row { name: name.clone(), line: entry.line, times, class: None, note: "" };
        if let Some(why) = group.stays {
            row.note = why;
            plan.rows.push(row);
            continue;
        }
        check(group, entry, value)?;
        let class = class(wishes, group.name, &value.text)?;
        row.class = Some(class.clone());
        row.note = match (times, entry.has_expansion()) {
            (1, false) => "",
            (1, true) => "stored as expanded",
            (_, _) => "given several times: the last counts",
        };
        plan.rows.push(row);
        let reference = format!("svault://{}/{name}", wishes.vault);
        let written = group.entries.iter().filter(|i| !entries[**i].value_at.is_empty());
        plan.references.extend(written.map(|i| (*i, reference.clone())));
        plan.taken.push(Taken { name, class, value: value.text.clone() });
    }
    if plan.taken.len() > SECRETS_MAX {
        let text = format!("{} secrets, and {SECRETS_MAX} is the most in one import", plan.taken.len());
        return Err(Error::new("too_many", wire::exit::FAILED, text).hint("split the file"));
    }
    let worth = |n: &&dotenv::Note<'_>| n.has_value && guess::stays(n.name, "?").is_none();
    plan.left = left::in_clear(file, &plan.references.iter().map(|(i, _)| *i).collect());
    let told = |line: &usize| plan.left.iter().any(|l| l.line == *line);
    plan.comments = file.notes().iter().filter(worth).map(|n| n.line).filter(|l| !told(l)).collect();
    Ok(plan)
}

/// The names in order of their first assignment. One is a secret if any of its values is.
fn groups<'a>(entries: &'a [Entry<'a>], value: &dyn Fn(usize) -> &'a str) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let refers = entry.has_expansion() && value(i).contains(REFERENCE);
        let stays = guess::stays(entry.name, value(i));
        let stays = stays.or(refers.then_some("made of a reference: 'svault run' fills it in"));
        let place = *places.entry(entry.name).or_insert_with(|| {
            groups.push(Group { name: entry.name, entries: Vec::new(), stays, carries: false });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.entries.push(i);
        group.stays = group.stays.and(stays);
    }
    groups
}

/// What is made of a secret by expansion has the secret in it, and would be made of its reference later.
fn carry(groups: &mut [Group<'_>], entries: &[Entry<'_>]) {
    let mut users: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, group) in groups.iter().enumerate() {
        for name in group.entries.iter().flat_map(|i| entries[*i].uses()) {
            users.entry(name).or_default().push(place);
        }
    }
    let mut secret: Vec<&str> = groups.iter().filter(|g| g.stays.is_none()).map(|g| g.name).collect();
    while let Some(name) = secret.pop() {
        for place in users.remove(name).unwrap_or_default() {
            let group = &mut groups[place];
            if group.stays.take().is_some() {
                group.carries = true;
                secret.push(group.name);
            }
        }
    }
}

fn check(group: &Group<'_>, entry: &Entry<'_>, value: &dotenv::Value<'_>) -> Result<(), Error> {
    if let Some(why) = guess::unusable(group.name) {
        let what = format!("is made of a secret, and no secret is put there ({why})");
        return Err(bad(entry, &what).hint("choose another variable for it"));
    }
    if !value.unset.is_empty() {
        return Err(bad(entry, "reads a variable that nothing above sets").hint(
            "put the value in single quotes if its $ is meant literally, or give a default: ${NAME:-}",
        ));
    }
    if value.text.contains(REFERENCE) {
        let what = "has a reference in it, or is given several times, one of them a reference: it would be stored as text";
        return Err(
            bad(entry, what).hint("put the value itself there, and remove the assignments that don't count")
        );
    }
    if value.text.is_empty() {
        let what = if group.carries {
            "is made of a secret and is empty"
        } else {
            "is given several times, the last time empty"
        };
        return Err(bad(entry, what).hint("remove the assignments that don't count"));
    }
    Ok(())
}

fn bad(entry: &Entry<'_>, what: &str) -> Error {
    let name = crate::output::foreign(entry.name, 64);
    Error::new("bad_file", wire::exit::FAILED, format!("line {}: {name} {what}", entry.line))
}

fn class(wishes: &Wishes, name: &str, value: &str) -> Result<Class, Error> {
    let scope = match &wishes.scope {
        Some(scope) => scope.clone(),
        None => guess::scope(name, value).parse().map_err(|e: words::BadWord| Error::usage(e.to_string()))?,
    };
    Ok(Class::new(scope, wishes.tier.unwrap_or_else(|| guess::tier(name, value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Plan, Error> {
        let wishes = Wishes { vault: "main".parse().unwrap(), scope: None, tier: None };
        plan(&dotenv::parse(text).unwrap(), &wishes)
    }

    fn replaced(text: &str) -> String {
        let file = dotenv::parse(text).unwrap();
        let plan = of(text).unwrap();
        let news: Vec<_> = plan.references.iter().map(|(i, r)| (*i, r.as_str())).collect();
        file.replace(&news).to_string()
    }

    #[test]
    fn what_is_made_of_a_reference_stays_for_run_to_fill() {
        let text = "DB_PASS=svault://main/DB_PASS\nDATABASE_URL=\"postgres://u:${DB_PASS}@h/db\"\nAPI_KEY=sk-test-1\n";
        let plan = of(text).unwrap();
        let taken: Vec<_> = plan.taken.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(taken, ["API_KEY"]);
        assert!(plan.rows[1].note.contains("svault run"), "{}", plan.rows[1].note);
        for text in [
            "STRIPE_KEY=sk_live_x\nSTRIPE_KEY=svault://main/STRIPE_KEY\n",
            "STRIPE_KEY=svault://main/STRIPE_KEY\nSTRIPE_KEY=sk_live_x\nSTRIPE_KEY=\"a $STRIPE_KEY svault://x\"\n",
            "OLD=svault://main/OLD\nNEW_KEY=sk-test-1\nBOTH=\"$OLD $NEW_KEY\"\n",
        ] {
            assert!(of(text).is_err_and(|e| e.message.contains("reference")), "{text}");
        }
        let plan = of("STRIPE_KEY=svault://main/STRIPE_KEY\nSTRIPE_KEY=sk_live_x\n").unwrap();
        assert_eq!(*plan.taken[0].value, "sk_live_x");
    }

    #[test]
    fn a_long_chain_is_one_pass() {
        let mut text = String::from("K_KEY=5\nA0=$K_KEY\n");
        (1..20_000).for_each(|n| text.push_str(&format!("A{n}=$A{}\n", n - 1)));
        let Err(e) = of(&text) else { panic!("more than {SECRETS_MAX}") };
        assert_eq!(e.code, "too_many", "{e:?}");
    }

    #[test]
    fn what_is_made_of_a_secret_is_one() {
        let text =
            "LOG_FORMAT=\"x $HEADER\"\nHEADER=\"b $K_KEY\"\nK_KEY=sk-test-1\nURL=http://${PORT}\nPORT=1\n";
        let plan = of("K_KEY=sk-test-1\nHEADER=\"b $K_KEY\"\nLOG_FORMAT=\"x $HEADER\"\nPORT=1\n").unwrap();
        let taken: Vec<_> = plan.taken.iter().map(|t| (t.name.as_str(), t.value.as_str())).collect();
        assert_eq!(
            taken,
            [("K_KEY", "sk-test-1"), ("HEADER", "b sk-test-1"), ("LOG_FORMAT", "x b sk-test-1")]
        );
        assert!(of(text).is_err(), "it reads what is set only below");
    }

    #[test]
    fn every_assignment_of_a_name_is_replaced() {
        let text = "A_KEY=sk-test-old # c\nPORT=1\nexport A_KEY='sk-test-new'\n";
        let x = "svault://main/A_KEY";
        assert_eq!(replaced(text), format!("A_KEY={x} # c\nPORT=1\nexport A_KEY='{x}'\n"));
        assert_eq!(of(text).unwrap().taken[0].value.as_str(), "sk-test-new");
        assert!(of("A_KEY=sk-test-old\nA_KEY=\n").is_err());
    }

    #[test]
    fn guarded_names_stay_or_are_refused() {
        let plan =
            of("LD_PRELOAD=/tmp/x.so\nNODE_OPTIONS=--require=x\nPATH=/bin\nA_KEY=sk-test-1\n").unwrap();
        assert_eq!(plan.taken.len(), 1);
        assert!(of("A_KEY=sk-test-1\nLD_PRELOAD=/tmp/$A_KEY\n").is_err());
    }

    #[test]
    fn half_a_password_is_not_stored() {
        let e = of("DB_PASS=sk-test-pa$word\n").err().unwrap();
        assert!(e.message.starts_with("line 1: DB_PASS reads a variable"), "{}", e.message);
        assert_eq!(of("DB_PASS='sk-test-pa$word'\n").unwrap().taken[0].value.as_str(), "sk-test-pa$word");
    }

    #[test]
    fn a_hundred_thousand_lines_are_too_many() {
        let text: String = (0..100_000).map(|i| format!("K{i}_KEY=sk-test-{i}\n")).collect();
        assert_eq!(of(&text).err().unwrap().code, "too_many");
    }

    #[test]
    fn old_values_in_comments_are_told() {
        assert_eq!(of("# OLD_KEY=sk-test-1\n# PORT=3\n# B_KEY=\nA=1\n").unwrap().comments, [1]);
    }
}
