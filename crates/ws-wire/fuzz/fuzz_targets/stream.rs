//! Bytes that strangers sent, cut into pieces anywhere: we hear what tungstenite hears, up to differences that are listed where
//! the two are compared.

#![no_main]

#[path = "../../tests/it/heard.rs"]
mod heard;
#[path = "../../tests/it/pieces.rs"]
mod pieces;

use libfuzzer_sys::fuzz_target;

// The first byte says who reads, the second how large a message may be, the next four where the stream is cut.
fuzz_target!(|input: &[u8]| {
    let Some((&[flags, limit, ref cuts @ ..], bytes)) = input.split_first_chunk::<6>() else { return };
    let stream = heard::Stream {
        bytes: bytes.to_vec(),
        cuts: cuts.iter().map(|cut| usize::from(*cut)).collect(),
        by_client: flags & 1 == 1,
        closing: flags & 2 == 2,
        max_message_size: usize::from(limit),
    };
    stream.compare();
});
