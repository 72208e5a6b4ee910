//! The wire: opening handshake, frames and TLS of a client. Written for this generator alone: code that it shared with a
//! server would share its bugs.

mod frame;
mod handshake;
mod inbox;
mod stream;

pub(crate) use frame::{LARGEST, Opcode, push as push_frame};
pub(crate) use handshake::{Handshake, Refusal};
pub(crate) use inbox::{Heard, Inbox};
pub(crate) use stream::Stream;
