//! What a registry counts, read as a scrape reads it.

mod global;
mod observer;
mod render;
mod scrape;
