//! What must not be seen in a text: values that are known, in all the forms programs usually write them in, and
//! what looks like a credential by a rule. Whole texts ([`find`]) and streams ([`Redactor`]).
//! No files, no clock, no daemon.
//!
//! ```
//! # use svault_scan as scan;
//! use std::sync::Arc;
//! let mut needles = scan::Needles::new();
//! assert!(needles.add(1, "API_KEY", b"sk-test-0123456789").unwrap());
//! let mut redactor = scan::Redactor::new(None, Some(Arc::new(needles)));
//! let mut out = Vec::new();
//! redactor.feed(b"the key is sk-test-01", &mut out);
//! assert_eq!(out, b"the key is ");
//! redactor.feed(b"23456789, and in hex 736b2d746573742d30313233343536373839\n", &mut out);
//! redactor.finish(&mut out);
//! assert_eq!(out, b"the key is [svault:API_KEY], and in hex [svault:API_KEY]\n");
//! ```

mod block;
mod cursor;
mod decode;
mod entities;
mod filter;
mod hidden;
mod leaks;
mod lines;
mod masker;
mod needles;
mod piece;
mod redactor;
mod rules;
mod search;
mod table;
mod values;
mod whole;

pub use hidden::{
    Hidden, LEAST_BITS, SHORTEST_HIDDEN, Sighting, Stream, TooMuchWork, apart, bits_to_guess, work_allowed,
};
pub use masker::Masker;
pub use needles::{LONGEST, Needles, SHORTEST};
pub use piece::Piece;
pub use redactor::Redactor;
pub use rules::Rules;
pub use whole::{Hit, What, find};
