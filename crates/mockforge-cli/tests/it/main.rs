//! The program as its users meet it: processes, exit codes, stdout and stderr, over real sockets.

mod check;
mod connect;
mod process;
mod serve;
