//! Scripts that branch: format version 2, in simulated time.

mod checks;
mod demo;
mod handler;
mod hostile;
mod jumps;
mod problems;
mod repetition;
mod rooms;
mod state;
mod time;
