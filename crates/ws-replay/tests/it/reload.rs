//! What a reload does to connections that are open.

mod rules;
mod scripts;
