//! Which realms stay, for how long, and what is left of them.

use tokio::time::advance;
use ws_core::{HandlerSet, NoRooms};
use ws_metrics::MetricsRegistry;
use ws_rooms::RoomOptions;

use super::*;
use crate::WsConfig;
use crate::assemble::Lasting;
use crate::realm::Watchers;
use crate::reload::Reloader;

fn realms_of(config: WsConfig, rooms: RoomSource) -> Realms {
    let metrics = MetricsRegistry::new();
    let reloader = Reloader::new(None, Lasting::new(metrics.clone()), Watchers::default(), metrics);
    let given = Given { handlers: Arc::default(), modes: HandlerSet::new(), on_verdict: None };
    Realms::new(reloader.begin(config).unwrap(), given, rooms, Observers::new(Vec::new()))
}

fn realms() -> Realms {
    realms_of(WsConfig::default(), RoomSource::Own(RoomOptions::default()))
}

fn id(text: &str) -> TestId {
    text.parse().unwrap()
}

impl Realms {
    fn has(&self, text: &str) -> bool {
        self.get(Some(&id(text))).is_some()
    }

    fn visit(&self, text: &str) -> Entry {
        self.enter(Some(&id(text))).unwrap()
    }

    fn fill(&self) {
        for n in self.of_tests(|_| ()).len()..Self::MOST {
            self.visit(&n.to_string());
        }
    }
}

fn rules() -> Upload {
    Upload::rules("rules: [{ response: x }]").unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_one_that_nobody_was_in_for_longest_makes_room() {
    let realms = realms();
    let stays = realms.visit("stays");
    let left_late = realms.visit("left-late");
    realms.visit("kept");
    realms.keep(Some(&id("kept"))).unwrap();
    realms.upload(Some(&id("uploaded")), rules()).unwrap();
    for text in ["old", "new"] {
        realms.visit(text);
        advance(Duration::from_secs(1)).await;
    }
    left_late.realm().leave();
    drop(left_late);
    advance(Duration::from_secs(1)).await;
    realms.fill();
    for (next, gone) in [("a", "old"), ("b", "new"), ("c", "left-late")] {
        advance(Duration::from_secs(1)).await;
        assert!(realms.has(gone));
        realms.visit(next);
        assert!(!realms.has(gone), "{gone}");
    }
    assert_eq!(realms.of_tests(|_| ()).len(), Realms::MOST);
    for text in ["stays", "kept", "uploaded"] {
        assert!(realms.has(text), "{text}");
    }
    assert!(Arc::ptr_eq(stays.realm(), realms.visit("stays").realm()));
}

/// Whoever looks at all tests does not keep them from making room, however long it looks at what it has seen.
#[tokio::test]
async fn looking_at_all_keeps_none() {
    let realms = realms();
    realms.fill();
    let _seen = realms.of_tests(|realm| (realm.version(), realm.observers.clone()));
    realms.visit("one-more");
    assert_eq!(realms.of_tests(|_| ()).len(), Realms::MOST);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_kept_goes_after_an_hour_of_nothing() {
    let realms = realms();
    let _stays = realms.visit("stays");
    for text in ["asked", "uploaded"] {
        realms.upload(Some(&id(text)), rules()).unwrap();
    }
    advance(Duration::from_secs(3_500)).await;
    realms.keep(Some(&id("asked"))).unwrap();
    advance(Duration::from_secs(200)).await;
    realms.visit("new");
    assert!(!realms.has("uploaded"));
    assert!(realms.has("asked") && realms.has("stays"));
    assert!(realms.uploads(Some(&id("uploaded"))).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_ended_one_comes_back_when_nobody_is_left() {
    let realms = realms();
    let entry = realms.visit("t");
    assert!(entry.too_late().is_none());
    assert!(realms.end(&id("t")).is_some());
    assert!(realms.end(&id("t")).is_none());
    assert_eq!(entry.too_late().unwrap().code, 1001);
    assert!(matches!(realms.enter(Some(&id("t"))), Err(TestError::Ending)));
    assert!(matches!(realms.upload(Some(&id("t")), rules()), Err(TestError::Ending)));
    drop(entry);
    assert!(realms.visit("t").too_late().is_none());
}

#[tokio::test]
async fn who_waits_for_a_test_may_come_before_it() {
    let realms = realms();
    let waiting = realms.want(Some(&id("t"))).unwrap();
    assert!(Arc::ptr_eq(&waiting, realms.visit("t").realm()));
    assert!(Arc::ptr_eq(&realms.want(None).unwrap(), realms.server()));
}

#[tokio::test]
async fn a_reset_may_keep_connections_and_their_rooms() {
    let realms = realms();
    let rooms = |text: &str| Arc::clone(&realms.visit(text).realm().version().default.rooms);
    realms.upload(Some(&id("t")), rules()).unwrap();
    let (entry, first) = (realms.visit("t"), rooms("t"));
    realms.reset(Some(&id("t")), true).unwrap();
    assert!(entry.too_late().is_none() && Arc::ptr_eq(&first, &rooms("t")));
    assert_eq!(realms.uploads(Some(&id("t"))).unwrap().rules().map(|(text, _)| text), None);
    realms.reset(Some(&id("t")), false).unwrap();
    assert_eq!(entry.too_late().unwrap().code, 1012);
    assert!(!Arc::ptr_eq(&first, &rooms("t")));
    assert!(realms.reset(Some(&id("unknown")), false).is_none() && !realms.has("unknown"));
}

#[tokio::test]
async fn uploads_share_one_room() {
    let text = r#"{"text":"x"}"#;
    let realms = Realms { most_uploaded: 4 * text.len() + 1, ..realms() };
    let large = Upload::replay(text).unwrap();
    for text in ["a", "b", "c", "d"] {
        realms.upload(Some(&id(text)), large.clone()).unwrap();
    }
    let error = realms.upload(None, large.clone()).unwrap_err();
    assert!(matches!(error, TestError::TooMuch(_)), "{error}");
    // In the place of another there is room, and so there is when one is gone.
    realms.upload(Some(&id("a")), large.clone()).unwrap();
    realms.upload(Some(&id("a")), Upload::no_replay()).unwrap();
    realms.upload(None, large).unwrap();
    assert!(realms.uploads(None).unwrap().replay().is_some());
}

/// For as long as they are played, or are to be.
#[tokio::test]
async fn played_scripts_take_room_among_uploads() {
    let text = r#"{"text":"x"}"#;
    let realms = Realms { most_uploaded: 2 * text.len() + 1, ..realms() };
    let script = || PlayScript::read(text).unwrap();
    realms.upload(None, Upload::replay(text).unwrap()).unwrap();
    let played = realms.play(None, script()).unwrap();
    assert!(matches!(realms.play(None, script()), Err(TestError::TooMuch(_))));
    assert!(matches!(realms.upload(Some(&id("a")), Upload::replay(text).unwrap()), Err(TestError::TooMuch(_))));
    drop(played);
    assert!(realms.play(None, script()).is_ok());
    assert!(matches!(realms.play(Some(&id("unknown")), script()), Err(TestError::Ending)));
}

#[tokio::test]
async fn who_gives_rooms_gives_them_to_the_server_itself() {
    let given: Arc<dyn ws_core::Rooms> = Arc::new(NoRooms);
    let realms = realms_of(WsConfig::default(), RoomSource::Given(Arc::clone(&given)));
    assert!(Arc::ptr_eq(&realms.server().version().default.rooms, &given));
    realms.reset(None, false).unwrap();
    assert!(Arc::ptr_eq(&realms.server().version().default.rooms, &given));
}
