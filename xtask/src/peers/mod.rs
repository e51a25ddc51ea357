//! Real clients at the other end of a server.

pub mod jack;
pub mod pulse;
