//! Shared fixtures of the product tests.
