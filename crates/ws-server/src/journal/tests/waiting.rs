//! Waiting for events.

use tokio::task::JoinSet;
use ws_core::Handled;

use super::*;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_there_counts_at_once() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    client.says("a");
    client.says("b");
    for count in 0..=2 {
        let waited = journal.wait_for(&JournalQuery::messages(), count, Duration::ZERO).await;
        assert_eq!((waited.matched, waited.count, waited.events.len()), (true, 2, 2), "{count}");
    }
    let waited = journal.wait_for(&JournalQuery::messages().since(2), 1, Duration::ZERO).await;
    assert_eq!(waited.events[0].text(), Some("b"));
}

#[tokio::test]
async fn what_comes_later_counts() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    client.says("order 1");
    let orders = query(r#"{"pattern":"^order"}"#);
    let (waited, ()) = tokio::join!(journal.wait_for(&orders, 3, PATIENCE), async {
        client.says("order 2");
        client.says("something else");
        tokio::task::yield_now().await;
        client.says("order 3");
    });
    assert_eq!((waited.matched, waited.count), (true, 3));
    assert_eq!(waited.last_seq, 5);
    assert_eq!(waited.nearest, []);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_comes_to_nothing_says_what_came_nearest() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    client.says(r#"{"type":"ordr"}"#);
    client.says(r#"{"type":"order"}"#);
    let began = Instant::now();
    let waited = journal.wait_for(&query(r#"{"pattern":"$.type:\"order\""}"#), 2, Duration::from_secs(5)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!((waited.matched, waited.count, waited.events.len(), waited.last_seq), (false, 1, 1, 3));
    assert_eq!(waited.nearest[0].text, r#"{"type":"ordr"}"#);
    assert_eq!(waited.nearest[0].seq, 2);
}

/// A message is not asked for what became of it before that is known.
#[tokio::test]
async fn a_wait_for_what_becomes_of_messages_ends_when_that_is_known() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let number = client.says("slow");
    let matched = query(r#"{"handled":"matched","pattern":"slow"}"#);
    assert_eq!(journal.wait_for(&matched, 1, Duration::ZERO).await.count, 0);
    let (waited, ()) = tokio::join!(journal.wait_for(&matched, 1, PATIENCE), async {
        tokio::task::yield_now().await;
        journal.on_handled(&client.connection, number, &Handled::Matched(Some("a rule".into())));
    });
    assert!(waited.matched && waited.events[0].text() == Some("slow"), "{waited:?}");
    // Another end is one, too.
    let number = client.says("slow");
    let mut watch = journal.watch(matched.since(waited.last_seq));
    watch.catch_up().await;
    journal.on_handled(&client.connection, number, &Handled::Ignored);
    watch.catch_up().await;
    assert_eq!(watch.count(), 0);
}

/// A message that was let go before anybody knew what became of it is told as one of which that is not known.
#[tokio::test]
async fn what_is_gone_before_it_is_decided_is_told() {
    let journal = small(2);
    let client = Client::open(&journal, "/ws");
    let mut watch = journal.watch(query(r#"{"handled":"matched"}"#));
    for text in ["slow", "slower", "another", "the last"] {
        client.says(text);
        watch.catch_up().await;
    }
    watch.catch_up().await;
    let waited = watch.waited(1).await;
    assert_eq!((waited.matched, waited.count, waited.evicted), (false, 0, 2));
}

#[tokio::test]
async fn what_is_evicted_before_it_was_counted_is_told() {
    let journal = small(5);
    let client = Client::open(&journal, "/ws");
    let mut watch = journal.watch(JournalQuery::messages());
    client.says("0");
    watch.catch_up().await;
    for n in 1..=9 {
        client.says(&n.to_string());
    }
    watch.catch_up().await;
    assert_eq!(watch.count(), 6);
    let waited = watch.waited(10).await;
    assert_eq!((waited.matched, waited.count, waited.evicted), (false, 6, 4));
    assert_eq!(waited.count + waited.evicted, 10);
    // What was counted counts, also when it is gone: more than there is room for.
    let later = JournalQuery::messages().since(11);
    let (waited, ()) = tokio::join!(journal.wait_for(&later, 50, PATIENCE), async {
        for n in 0..50 {
            client.says(&n.to_string());
            tokio::task::yield_now().await;
        }
    });
    assert_eq!((waited.matched, waited.count, waited.evicted), (true, 50, 0));
}

/// Who waits for many large messages does not keep them all.
#[tokio::test]
async fn few_of_the_large_ones_are_kept() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let mut watch = journal.watch(JournalQuery::messages());
    let large = "x".repeat(200_000);
    for _ in 0..50 {
        client.says(&large);
        watch.catch_up().await;
    }
    let waited = watch.waited(50).await;
    assert_eq!((waited.matched, waited.count, waited.events.len()), (true, 50, 21));
}

#[tokio::test]
async fn clearing_takes_nothing_from_who_has_counted() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let mut watch = journal.watch(JournalQuery::messages());
    client.says("a");
    watch.catch_up().await;
    client.says("b");
    journal.clear();
    client.says("c");
    watch.catch_up().await;
    assert_eq!(watch.count(), 2);
    assert_eq!(watch.waited(2).await.evicted, 0);
}

/// No event is lost between the look at what is there and the wait for more: threads that write as fast as they can,
/// and waits for the very last event of each round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_news_are_missed() {
    let journal = small(100);
    for round in 1..=300_u64 {
        let writer = std::thread::spawn({
            let journal = journal.clone();
            move || {
                let client = Client::open(&journal, "/ws");
                for _ in 0..round % 7 {
                    client.says("before");
                }
                client.says("the last");
            }
        });
        let query = query(r#"{"pattern":"the last"}"#);
        let waited = journal.wait_for(&query, 1, PATIENCE).await;
        assert!(waited.matched, "round {round}: {waited:?}");
        writer.join().unwrap();
        journal.clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_wait_at_once_and_each_counts_all() {
    let journal = small(10_000);
    let mut waits = JoinSet::new();
    for n in 0..256_usize {
        let journal = journal.clone();
        waits.spawn(async move {
            let pattern = format!(r#"{{"pattern":"^{}:"}}"#, n % 4);
            journal.wait_for(&query(&pattern), 500, PATIENCE).await
        });
    }
    let client = Client::open(&journal, "/ws");
    for n in 0..2_000 {
        client.says(&format!("{}:{n}", n % 4));
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    while let Some(waited) = waits.join_next().await {
        let waited = waited.unwrap();
        assert_eq!((waited.matched, waited.count, waited.events.len()), (true, 500, 100));
    }
}

/// Nobody reads for as long as somebody writes: an answer comes, however fast the journal fills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_while_others_write() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let journal = small(2_000);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (journal, stop) = (journal.clone(), Arc::clone(&stop));
        move || {
            let client = Client::open(&journal, "/ws");
            while !stop.load(Ordering::Relaxed) {
                client.says(r#"{"type":"order"}"#);
            }
        }
    });
    for _ in 0..20 {
        let counted = journal.count(&query(r#"{"pattern":"$.type:\"cancel\""}"#)).await;
        assert_eq!(counted.count, 0);
        journal.wait_for(&query(r#"{"pattern":"$.type:\"cancel\""}"#), 1, Duration::ZERO).await;
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}
