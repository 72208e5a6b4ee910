//! What faults make of a message.

use bytes::Bytes;
use proptest::prelude::*;
use ws_conditions::{Act, ConnectionFault, Fault, FaultRule, MAX_HOLD};
use ws_core::{CloseFrame, Message, RawFrame};

use crate::asking::{Asked, plan, plan_of};

fn act(fault: Fault, message: &Message) -> Act {
    Asked::new(&plan_of(FaultRule::new(fault))).out(message).act
}

fn frames(act: Act) -> Vec<RawFrame> {
    match act {
        Act::Frames(frames) => frames,
        act => panic!("{act:?} are no frames"),
    }
}

#[test]
fn faults_of_the_connection_come_instead_of_the_message() {
    let text = Message::text("x");
    let every = |fault| FaultRule::new(fault).when(ws_conditions::Trigger { every: Some(1), ..Default::default() });
    let decide = |fault| Asked::new(&plan_of(every(fault))).out(&text);
    for (fault, expected, name) in [
        (Fault::Reset, ConnectionFault::Reset, "reset"),
        (Fault::Disconnect, ConnectionFault::Disconnect, "disconnect"),
        (Fault::HalfOpen, ConnectionFault::HalfOpen, "half_open"),
        (
            Fault::Close { code: 1006, reason: "any code".into() },
            ConnectionFault::Close(CloseFrame { code: 1006, reason: "any code".into() }),
            "close",
        ),
    ] {
        let decision = decide(fault);
        assert_eq!(expected.name(), name);
        assert_eq!((decision.act, decision.fault), (Act::End(expected), Some(name)));
    }
}

#[test]
fn inbound_messages_are_hurt_too() {
    let plan = plan_of(FaultRule::new(Fault::Truncate { bytes: 2 }).inbound());
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.inward(&Message::text("hello")).act, Act::Replace(Message::text("he")));
    assert_eq!(asked.out_text("hello"), Act::Pass);
}

#[test]
fn text_is_cut_at_the_end_of_a_character() {
    let cut = |text: &str, bytes| act(Fault::Truncate { bytes }, &Message::text(text));
    assert_eq!(cut("hello", 4), Act::Replace(Message::text("hell")));
    assert_eq!(cut("a\u{1f600}b", 4), Act::Replace(Message::text("a")));
    assert_eq!(cut("a\u{1f600}b", 5), Act::Replace(Message::text("a\u{1f600}")));
    assert_eq!(cut("hello", 0), Act::Replace(Message::text("")));
    assert_eq!(cut("hello", 5), Act::Pass);
    assert_eq!(act(Fault::Truncate { bytes: 1 }, &Message::binary("ab")), Act::Replace(Message::binary("a")));
}

#[test]
fn a_cut_and_a_fragment_share_the_payload() {
    let data = Bytes::from(vec![1; 1_000]);
    let Act::Replace(Message::Binary(cut)) = act(Fault::Truncate { bytes: 10 }, &Message::Binary(data.clone())) else {
        panic!("not cut")
    };
    assert_eq!(cut.as_ptr(), data.as_ptr());
    let frames = frames(act(Fault::Fragment { parts: 2 }, &Message::Binary(data.clone())));
    assert_eq!(frames[0].payload.as_ptr(), data.as_ptr());
}

#[test]
fn a_message_comes_in_fragments() {
    let frames = |message: &Message, parts| frames(act(Fault::Fragment { parts }, message));
    let shape = |frames: &[RawFrame]| -> Vec<(bool, u8, Vec<u8>)> {
        assert!(frames.iter().all(|frame| frame.rsv == 0 && frame.announced.is_none()));
        frames.iter().map(|frame| (frame.fin, frame.opcode, frame.payload.to_vec())).collect()
    };
    assert_eq!(
        shape(&frames(&Message::text("hello"), 3)),
        [(false, 1, b"he".to_vec()), (false, 0, b"ll".to_vec()), (true, 0, b"o".to_vec())]
    );
    assert_eq!(shape(&frames(&Message::binary("a"), 2)), [(false, 2, b"a".to_vec()), (true, 0, vec![])]);
    assert_eq!(shape(&frames(&Message::text(""), 2)), [(false, 1, vec![]), (true, 0, vec![])]);
}

#[test]
fn frames_break_the_rules_that_they_are_asked_to_break() {
    let whole = RawFrame::new(RawFrame::TEXT, "hello");
    let text = Message::text("hello");
    assert_eq!(act(Fault::BadRsv, &text), Act::Frames(vec![RawFrame { rsv: 0b010, ..whole.clone() }]));
    assert_eq!(act(Fault::BadOpcode, &text), Act::Frames(vec![RawFrame { opcode: 3, ..whole.clone() }]));
    let unfinished =
        |announced| Act::End(ConnectionFault::Unfinished(RawFrame { announced: Some(announced), ..whole.clone() }));
    assert_eq!(act(Fault::Oversized { bytes: 1 << 40 }, &text), unfinished(1 << 40));
    // Fewer than it has would not be oversized.
    assert_eq!(act(Fault::Oversized { bytes: 2 }, &text), unfinished(6));
}

#[test]
fn bad_utf8_is_for_text_alone() {
    for text in ["", "h", "h\u{e9}llo \u{1f600}"] {
        let frames = frames(act(Fault::BadUtf8, &Message::text(text)));
        let [frame] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!((frame.fin, frame.rsv, frame.opcode), (true, 0, RawFrame::TEXT));
        assert!(std::str::from_utf8(&frame.payload).is_err());
        assert_eq!(frame.payload.len(), text.len().max(1));
    }
    assert_eq!(act(Fault::BadUtf8, &Message::binary("b")), Act::Pass);
}

#[test]
fn what_cannot_be_hurt_leaves_room_for_the_next_rule() {
    let plan = plan(r#"{ "faults": [{ "fault": "bad_utf8" }, { "fault": "drop" }] }"#);
    let decision = Asked::new(&plan).out(&Message::binary("b"));
    assert_eq!((decision.act, decision.fault), (Act::Drop, Some("drop")));
}

#[test]
fn reorder_swaps_pairs() {
    let plan = plan_of(FaultRule::new(Fault::Reorder));
    let mut asked = Asked::new(&plan);
    let acts: Vec<_> = (0..4).map(|_| asked.out_text("x")).collect();
    assert_eq!(acts, [Act::HoldForNext, Act::Pass, Act::HoldForNext, Act::Pass]);
}

#[test]
fn who_waited_in_vain_does_not_keep_the_next_from_waiting() {
    let plan = plan_of(FaultRule::new(Fault::Reorder));
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.out_text("x"), Act::HoldForNext);
    asked.at(MAX_HOLD.as_millis() as u64);
    assert_eq!(asked.out_text("x"), Act::HoldForNext);
}

#[test]
fn a_lost_message_is_no_next_one() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop", "nth": 2 }, { "fault": "reorder" }] }"#);
    let mut asked = Asked::new(&plan);
    let acts: Vec<_> = (0..4).map(|_| asked.out_text("x")).collect();
    assert_eq!(acts, [Act::HoldForNext, Act::Drop, Act::Pass, Act::HoldForNext]);
}

#[test]
fn an_empty_message_cannot_be_corrupted() {
    assert_eq!(act(Fault::Corrupt, &Message::text("")), Act::Pass);
    assert_eq!(act(Fault::Corrupt, &Message::binary("")), Act::Pass);
}

proptest! {
    /// Text stays text of the same length, and something is different.
    #[test]
    fn corrupted_text_is_text(text in "[a-z\u{0}-\u{10ffff}]{1,600}", number in 1_u64..100) {
        let plan = plan_of(FaultRule::new(Fault::Corrupt));
        let act = Asked::opened(&plan, number, 0).out(&Message::text(text.clone())).act;
        let Act::Replace(Message::Text(changed)) = act else { panic!("{act:?}") };
        // A `ByteString` promises UTF-8 without looking: look.
        prop_assert!(std::str::from_utf8(changed.as_bytes()).is_ok());
        prop_assert_eq!(changed.len(), text.len());
        prop_assert_ne!(&*changed, &text);
    }

    /// One byte in each KiB is another one.
    #[test]
    fn corrupted_bytes_are_few(data in proptest::collection::vec(any::<u8>(), 1..5_000), number in 1_u64..100) {
        let plan = plan_of(FaultRule::new(Fault::Corrupt));
        let act = Asked::opened(&plan, number, 0).out(&Message::binary(data.clone())).act;
        let Act::Replace(Message::Binary(changed)) = act else { panic!("{act:?}") };
        prop_assert_eq!(changed.len(), data.len());
        let different = changed.iter().zip(&data).filter(|(new, old)| new != old).count();
        prop_assert_eq!(different, data.len().div_ceil(1024));
    }

    #[test]
    fn fragments_are_the_message(data in proptest::collection::vec(any::<u8>(), 0..300), parts in 2_u32..400) {
        let frames = frames(act(Fault::Fragment { parts }, &Message::binary(data.clone())));
        prop_assert_eq!(frames.len(), parts as usize);
        prop_assert_eq!(frames.iter().filter(|frame| frame.fin).count(), 1);
        prop_assert!(frames[frames.len() - 1].fin);
        let sizes = frames.iter().map(|frame| frame.payload.len());
        prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        prop_assert_eq!(frames.iter().flat_map(|frame| frame.payload.to_vec()).collect::<Vec<_>>(), data);
    }
}
