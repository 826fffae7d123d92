//! Messages and framing between a client and the daemon
