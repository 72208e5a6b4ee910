//! The program as its users meet it: processes, exit codes, stdout and stderr, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod completions;
mod config;
mod connect;
mod documentation;
mod har;
mod process;
mod script_log;
mod serve;
mod tls;
mod usage;
