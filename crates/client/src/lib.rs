//! Connecting to the daemon, presence, typed calls
