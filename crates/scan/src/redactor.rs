//! The stream that programs use: exact values first, then leak rules over what is left.

use crate::leaks::Leaks;
use crate::needles::Needles;
use crate::rules::Rules;
use crate::values::{Out, Values};
use std::sync::Arc;
use zeroize::Zeroize;

/// Redacts a stream of bytes.
///
/// Text that can't be the start of a match goes out at once; the rest waits for what follows it, for [`Redactor::idle`]
/// or for [`Redactor::finish`]. What is held is never longer than the longest form of a value (six times its length,
/// and 32 bytes of line breaks at each place of hex and base64) or 16 KiB for a leak rule.
pub struct Redactor<'r> {
    values: Option<Values>,
    rules: Option<Leaks<'r>>,
    middle: Vec<u8>,
}

impl<'r> Redactor<'r> {
    /// A redactor at the start of a stream.
    #[must_use]
    pub fn new(rules: Option<&'r Rules>, needles: Option<Arc<Needles>>) -> Self {
        Self { values: needles.map(Values::new), rules: rules.map(Leaks::new), middle: Vec::new() }
    }

    /// Takes text and appends to `out` what can go out.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match (&mut self.values, &mut self.rules) {
            (None, None) => out.extend_from_slice(input),
            (Some(values), None) => values.feed(input, out),
            (None, Some(rules)) => rules.feed(input, out),
            (Some(values), Some(rules)) => {
                self.middle.clear();
                values.feed(input, &mut self.middle);
                rules.feed(&self.middle, out);
            }
        }
    }

    /// To be called when there was no input for 50 ms: nothing is held after this. The start of a value that has 8
    /// bytes or more is masked, and so is what a rule finds in the text as it stands; the rest goes out.
    pub fn idle(&mut self, out: &mut Vec<u8>) {
        self.end(out, Values::idle);
    }

    /// To be called at the end of the stream: decides about what is held as [`Redactor::idle`] does.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out, Values::finish);
    }

    fn end(&mut self, out: &mut Vec<u8>, end: fn(&mut Values, Out<'_>)) {
        self.middle.clear();
        if let Some(values) = &mut self.values {
            end(values, &mut |text| self.middle.extend_from_slice(text));
        }
        match &mut self.rules {
            Some(rules) => {
                rules.feed(&self.middle, out);
                rules.idle(out);
            }
            None => out.extend_from_slice(&self.middle),
        }
    }

    /// Whether something is held back, so that [`Redactor::idle`] has something to do.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.values.as_ref().is_some_and(Values::holds) || self.rules.as_ref().is_some_and(Leaks::holds)
    }
}

impl Drop for Redactor<'_> {
    fn drop(&mut self) {
        self.middle.zeroize();
    }
}
