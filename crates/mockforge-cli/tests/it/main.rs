//! The program as its users meet it: processes, exit codes, stdout and stderr, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "admin")]
mod admin;
mod ai;
mod check;
mod check_handlers;
mod check_rules;
mod completions;
mod config;
mod connect;
mod documentation;
mod exit_on_complete;
mod generate;
mod graph;
mod guide;
mod handlers;
mod har;
mod init;
mod load;
mod logging;
mod model;
mod process;
mod reload;
mod script_log;
mod serve;
mod serve_rules;
mod tls;
mod usage;
