//! The values that texts are searched for, without the values: hashes of them, made when first needed and kept in step
//! with the vaults. A value is opened for a moment where a text seems to have it.

use super::State;
use audit::Ticket;
use scan::{Hidden, Stream, TooMuchWork};
use secret::Bytes;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use vault::{Secret, SecretKey};

/// So many values are opened between two looks at who else waits.
const AT_ONCE: usize = 64;

/// What is looked for.
#[derive(Default)]
pub(crate) struct Watched {
    /// One refresh at a time.
    turn: Mutex<()>,
    list: RefCell<List>,
    /// The last record of something that was found. Nobody tells of anything before it is durable.
    pub(crate) recorded: RefCell<Option<Ticket>>,
}

#[derive(Default)]
struct List {
    hidden: Option<Hidden>,
    /// The store's count of changes that this is of.
    of: Option<u64>,
    rows: HashMap<u32, Row>,
    ids: HashMap<SecretKey, u32>,
    next: u32,
}

struct Row {
    key: SecretKey,
    version: u64,
}

/// A value in a text.
pub(crate) struct Seen {
    /// Where it is, counted from where the text begins.
    pub(crate) range: Range<usize>,
    /// Whose value it is.
    pub(crate) secret: Rc<Secret>,
}

impl Watched {
    /// Takes in what has changed in the vaults. What can't be read is not looked for; where only the memory for it is
    /// missing, it is tried again for the next text.
    pub(crate) async fn refresh(&self, state: &State) {
        let _turn = self.turn.lock().await;
        let changes = state.store.borrow().changes();
        if self.list.borrow().of == Some(changes) {
            return;
        }
        let Ok(mut secrets) = state.store.borrow().list() else { return };
        // What nobody has confirmed is an agent's own text: it must not be looked for in the text of others.
        secrets.retain(|secret| secret.class.proposed_by.is_none());
        self.list.borrow_mut().keep(&secrets);
        let mut whole = true;
        for (n, secret) in secrets.iter().enumerate() {
            let open = || state.store.borrow().open_value(&secret.key, secret.version);
            whole &= self.list.borrow_mut().take(secret, open);
            if n % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
        }
        self.list.borrow_mut().of = whole.then_some(changes);
    }

    /// Every whole value that ends in the next piece of a text, also where several are in one place.
    pub(crate) fn find(
        &self,
        state: &State,
        stream: &mut Stream,
        new: &[u8],
    ) -> Result<Vec<Seen>, TooMuchWork> {
        let list = self.list.borrow();
        let Some(hidden) = &list.hidden else {
            stream.skip(new.len());
            return Ok(Vec::new());
        };
        let store = state.store.borrow();
        let open = |id| list.rows.get(&id).and_then(|row| store.open_value(&row.key, row.version).ok());
        let mut secrets = HashMap::new();
        let seen = |found: scan::Sighting| {
            let secret = match secrets.get(&found.id) {
                Some(secret) => Rc::clone(secret),
                None => Rc::new(store.get(&list.rows.get(&found.id)?.key).ok()?),
            };
            secrets.insert(found.id, Rc::clone(&secret));
            Some(Seen { range: found.range, secret })
        };
        Ok(hidden.search(stream, new, open)?.into_iter().filter_map(seen).collect())
    }
}

impl List {
    /// Forgets what isn't there any more, and makes room for what is.
    fn keep(&mut self, secrets: &[Secret]) {
        if self.hidden.as_ref().is_none_or(Hidden::is_crowded) {
            // Without randomness for its key nothing is looked for.
            *self = Self { hidden: Hidden::new(secrets.len()).ok(), next: self.next, ..Self::default() };
        }
        let there: HashMap<&SecretKey, u64> = secrets.iter().map(|s| (&s.key, s.version)).collect();
        let gone = self.rows.iter().filter(|(_, row)| there.get(&row.key) != Some(&row.version));
        for id in gone.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(row) = self.rows.remove(&id) {
                self.ids.remove(&row.key);
            }
            if let Some(hidden) = &mut self.hidden {
                hidden.remove(id);
            }
        }
    }

    /// False: there is no memory to open it in now.
    fn take(&mut self, secret: &Secret, open: impl FnOnce() -> vault::Result<Bytes>) -> bool {
        let Some(hidden) = self.hidden.as_mut().filter(|_| !self.ids.contains_key(&secret.key)) else {
            return true;
        };
        let value = match open() {
            Ok(value) => value,
            Err(e) => return !matches!(e, vault::Error::Seal(seal::Error::Memory(_))),
        };
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        hidden.add(id, value.expose());
        self.ids.insert(secret.key.clone(), id);
        self.rows.insert(id, Row { key: secret.key.clone(), version: secret.version });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_was_no_memory_for_is_tried_again() {
        let secret = Secret {
            key: SecretKey { vault: "main".parse().unwrap(), record: seal::RecordId([7; 16]) },
            name: "DB_KEY".parse().unwrap(),
            class: words::Class::new("db".parse().unwrap(), words::Tier::Low),
            version: 1,
            revision: 1,
            changed: jiff::Timestamp::UNIX_EPOCH,
            seen: false,
            created_by: None,
        };
        let no_memory = secret::Error::NoLockedMemory { wanted: 65_536, limit: Some(65_536) };
        let mut list = List { hidden: Hidden::new(1).ok(), ..List::default() };
        assert!(!list.take(&secret, || Err(seal::Error::Memory(no_memory).into())));
        assert!(list.take(&secret, || Err(vault::Error::NotFound)), "nothing would change that");
        assert!(list.take(&secret, || Ok(Bytes::copy_from(b"sk-test-watched-5b1d").unwrap())));
        assert!(list.take(&secret, || unreachable!("it is there")));
        assert_eq!(list.rows.len(), 1);
    }
}
