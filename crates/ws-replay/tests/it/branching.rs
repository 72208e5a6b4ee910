//! Scripts that branch: format version 2, in simulated time.

mod checks;
mod demo;
mod jumps;
mod problems;
mod repetition;
mod rooms;
mod state;
mod time;
