//! The values of a file's entries: expanded in order, against what stands above and what the caller gives.

use crate::error::{Error, What, at};
use crate::pieces::{Piece, Test};
use crate::scan::File;
use std::collections::HashMap;
use std::ops::{Deref, Range};
use zeroize::Zeroizing;

/// One entry's value.
pub struct Value<'t> {
    /// What a program would see.
    pub text: Zeroizing<String>,
    /// Names it reads that nothing sets, where there is no default for them. They count as empty.
    pub unset: Vec<&'t str>,
    /// What in the text is the value of an entry above, in order; nothing that is empty.
    pub parts: Vec<Part>,
}

/// A part of a value that is the whole value of another entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Whose value it is: a place in [`File::entries`].
    pub entry: usize,
}

impl<'t> File<'t> {
    /// The values, in the order of [`File::entries`]. A name is looked for above in the file, then with `outside`.
    ///
    /// # Errors
    /// [`What::Long`] where a value grows beyond [`crate::VALUE_MAX`], or all of them beyond [`crate::VALUES_MAX`].
    pub fn values(
        &self,
        outside: impl Fn(&str) -> Option<Zeroizing<String>>,
    ) -> Result<Vec<Value<'_>>, Error> {
        let mut out: Vec<Value<'_>> = Vec::with_capacity(self.entries.len());
        let mut known: HashMap<&str, usize> = HashMap::with_capacity(self.entries.len());
        let mut all = 0;
        for (i, entry) in self.entries.iter().enumerate() {
            let (unset, parts) = (Vec::new(), Vec::new());
            let mut job = Job { text: self.text, known: &known, done: &out, outside: &outside, unset, parts };
            let mut text = Zeroizing::new(String::new());
            job.fill(&entry.pieces, entry.value_at.start, &mut text)?;
            let Job { unset, parts, .. } = job;
            all += text.len();
            if all > crate::VALUES_MAX {
                return Err(at(self.text, entry.value_at.start, What::Long));
            }
            out.push(Value { text, unset, parts });
            known.insert(entry.name, i);
        }
        Ok(out)
    }
}

struct Job<'a, 't, F> {
    text: &'a str,
    known: &'a HashMap<&'a str, usize>,
    done: &'a [Value<'t>],
    outside: &'a F,
    unset: Vec<&'t str>,
    parts: Vec<Part>,
}

/// A variable's value, where it was found.
enum Found<'a> {
    Above(&'a str, usize),
    Outside(Zeroizing<String>),
}

impl Deref for Found<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Found::Above(text, _) => text,
            Found::Outside(text) => text,
        }
    }
}

impl<'a, 't, F: Fn(&str) -> Option<Zeroizing<String>>> Job<'a, 't, F> {
    fn fill(
        &mut self,
        pieces: &'t [Piece<'t>],
        place: usize,
        to: &mut Zeroizing<String>,
    ) -> Result<(), Error> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.push(to, text, place)?,
                Piece::Expand { name, test, other, at } => {
                    let found = self.look(name);
                    let full = |empty_too: bool| found.as_ref().is_some_and(|v| !(empty_too && v.is_empty()));
                    match *test {
                        Test::Default { empty_too } if !full(empty_too) => self.fill(other, *at, to)?,
                        Test::Alternative { empty_too } if full(empty_too) => self.fill(other, *at, to)?,
                        Test::Alternative { .. } => {}
                        Test::Value | Test::Default { .. } => match found {
                            Some(value) => self.put(to, &value, *at)?,
                            None => self.unset.push(name),
                        },
                    }
                }
            }
        }
        Ok(())
    }

    fn look(&self, name: &str) -> Option<Found<'a>> {
        match self.known.get(name) {
            Some(&i) => Some(Found::Above(&self.done[i].text, i)),
            None => (self.outside)(name).map(Found::Outside),
        }
    }

    fn put(&mut self, to: &mut Zeroizing<String>, value: &Found<'_>, place: usize) -> Result<(), Error> {
        let start = to.len();
        self.push(to, value, place)?;
        if let Found::Above(_, entry) = *value
            && start < to.len()
        {
            self.parts.push(Part { range: start..to.len(), entry });
        }
        Ok(())
    }

    /// Grows by copying into new memory, so that the old is wiped.
    fn push(&self, to: &mut Zeroizing<String>, more: &str, place: usize) -> Result<(), Error> {
        let len = to.len() + more.len();
        if len > crate::VALUE_MAX {
            return Err(at(self.text, place, What::Long));
        }
        if len > to.capacity() {
            let mut grown = Zeroizing::new(String::with_capacity(len.max(2 * to.capacity())));
            grown.push_str(to);
            *to = grown;
        }
        to.push_str(more);
        Ok(())
    }
}
