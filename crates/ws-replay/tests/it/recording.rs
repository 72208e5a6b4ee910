//! Recording, and playing what was recorded: the same frames at the same times.

mod files;
mod round_trip;
mod sources;
mod through_handlers;
