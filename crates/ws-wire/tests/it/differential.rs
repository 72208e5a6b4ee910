//! Whatever comes, and however it is cut, we hear what tungstenite hears.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::heard::Stream;

/// A frame, well-formed or nearly so.
#[derive(Debug, Clone)]
struct Written {
    first: u8,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
    /// Instead of the length that it has.
    announced: Option<u64>,
    /// In how many bytes its length is written at least.
    width: u8,
}

impl Written {
    fn put(&self, out: &mut Vec<u8>) {
        let masked = if self.key.is_some() { 0x80 } else { 0 };
        let length = self.announced.unwrap_or(self.payload.len() as u64);
        out.push(self.first);
        match (length, self.width) {
            (0..126, 1) => out.push(masked | length as u8),
            (0..65_536, 1 | 2) => {
                out.push(masked | 126);
                out.extend((length as u16).to_be_bytes());
            }
            _ => {
                out.push(masked | 127);
                out.extend(length.to_be_bytes());
            }
        }
        let key = self.key.unwrap_or_default();
        out.extend(self.key.iter().flatten());
        out.extend(self.payload.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let close = (select(vec![999u16, 1000, 1004, 1005, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000]), ".{0,8}");
    let close = close.prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat());
    prop_oneof![
        6 => ".{0,20}".prop_map(String::into_bytes),
        // Characters of several bytes, cut wherever it happens.
        3 => ("[é€😀]{1,9}", 0usize..4, 0usize..4).prop_map(|(text, front, back)| {
            let bytes = text.into_bytes();
            bytes[front.min(bytes.len())..].iter().copied().take(bytes.len().saturating_sub(front + back)).collect()
        }),
        3 => close,
        2 => vec(any::<u8>(), 0..200),
        1 => (120usize..130).prop_map(|length| vec![b'x'; length]),
        1 => (65_500usize..66_000).prop_map(|length| vec![b'y'; length]),
        1 => (0usize..200_000).prop_map(|length| "zé".repeat(length / 3).into_bytes()),
    ]
}

fn frame(masked: bool) -> impl Strategy<Value = Written> {
    let opcode = prop_oneof![20 => select(vec![0u8, 1, 2, 0, 1, 2, 8, 9, 10]), 1 => 0u8..16];
    let rsv = prop_oneof![60 => Just(0u8), 1 => 0u8..8];
    let masked = prop_oneof![60 => Just(masked), 1 => any::<bool>()];
    let announced = weighted(0.02, prop_oneof![any::<u64>(), 0u64..300]);
    let width = prop_oneof![20 => Just(1u8), 1 => Just(2), 1 => Just(8)];
    (prop::bool::weighted(0.6), rsv, opcode, masked, any::<[u8; 4]>(), payload(), announced, width).prop_map(
        |(fin, rsv, opcode, masked, key, payload, announced, width)| {
            // Mostly what a control frame may be.
            let fin = fin || (opcode >= 8 && key[0] > 10);
            let payload = if opcode >= 8 && payload.len() > 125 && key[1] > 25 { vec![b'c'; 5] } else { payload };
            Written {
                first: u8::from(fin) << 7 | rsv << 4 | opcode,
                key: masked.then_some(key),
                payload,
                announced,
                width,
            }
        },
    )
}

fn stream() -> impl Strategy<Value = Stream> {
    let max_message_size = select(vec![20, 1000, 70_000, 1 << 24]);
    let ending = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    let faults = vec((any::<prop::sample::Index>(), any::<u8>()), 0..2);
    (any::<bool>(), prop::bool::weighted(0.2), max_message_size, ending, faults, vec(any::<usize>(), 0..12))
        .prop_flat_map(|(by_client, closing, max_message_size, ending, faults, cuts)| {
            vec(frame(!by_client), 0..12).prop_map(move |frames| {
                let mut bytes = Vec::new();
                frames.iter().for_each(|frame| frame.put(&mut bytes));
                if !bytes.is_empty() {
                    for (place, fault) in &faults {
                        *place.get_mut(&mut bytes[..]) = *fault;
                    }
                    if let Some(end) = &ending {
                        bytes.truncate(end.index(bytes.len()));
                    }
                }
                Stream { bytes, cuts: cuts.clone(), by_client, closing, max_message_size }
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn streams_of_frames_are_heard_as_by_tungstenite(stream in stream()) {
        stream.compare();
    }

    #[test]
    fn bytes_without_sense_are_heard_as_by_tungstenite(
        bytes in vec(any::<u8>(), 0..100), cuts in vec(any::<usize>(), 0..5), by_client: bool
    ) {
        Stream { bytes, cuts, by_client, closing: false, max_message_size: 1000 }.compare();
    }
}
