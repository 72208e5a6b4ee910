//! One `state` for all versions of a script: whoever still has an old handler counts on in it, and so do old timers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ws_core::HandlerSet;
use ws_script::{OnFault, ScriptLimits, ScriptOptions};

use crate::kit::{Client, Scripts};

fn counter(n: usize) -> String {
    format!(
        "state.count ??= 0; export function onMessage(ctx, msg) {{ ctx.send(`{n} ${{state.count += Number(msg.text)}}`) }}"
    )
}

/// Two versions of a script that evaluates what it is told, and one client of each.
struct Two {
    scripts: Scripts,
    old: Client,
    new: Client,
}

impl Two {
    fn load(options: ScriptOptions) -> Self {
        let source = |n: usize| {
            format!(
                "const version = {n}, {{ stringify }} = JSON; const users = (state.users ??= {{}}), list = (state.list ??= []); state.count ??= 7;
export function onMessage(ctx, msg) {{ ctx.send(stringify(eval(msg.text)) ?? 'nothing') }}"
            )
        };
        let scripts = Scripts::load_with(options, &[("a.js", &source(1))]);
        let old = scripts.client("a.js");
        scripts.change(&[("a.js", &source(2))]).unwrap();
        let new = scripts.client("a.js");
        Self { scripts, old, new }
    }
}

#[tokio::test]
async fn whoever_has_an_old_handler_counts_in_the_same_state() {
    let scripts = Scripts::load(&[("a.js", &counter(0))]);
    let mut clients = vec![scripts.client("a.js")];
    let mut count = 0;
    for n in 1..=3 {
        scripts.change(&[("a.js", &counter(n))]).unwrap();
        clients.push(scripts.client("a.js"));
        for at in [0, n, 0, 0, n - 1, n, n, 0] {
            count += 1;
            assert_eq!(clients[at].ask("1").await, format!("{at} {count}"));
        }
    }
}

/// As a server does: a message goes on its way with the set that is there then, and may arrive after a reload.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_counted_during_reloads_is_lost() {
    let scripts = Scripts::load(&[("a.js", &counter(0))]);
    let current = Arc::new(Mutex::new(Arc::new(scripts.folder.handlers())));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = scripts.client("a.js");
            let (current, is_over) = (Arc::clone(&current), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut asked = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let set: Arc<HandlerSet> = Arc::clone(&current.lock().unwrap());
                    client.handler = Arc::clone(&set[0]);
                    for _ in 0..20 {
                        client.ask("1").await;
                        asked += 1;
                        tokio::task::yield_now().await;
                    }
                }
                asked
            })
        })
        .collect();
    for n in 1..=30 {
        tokio::task::block_in_place(|| scripts.change(&[("a.js", &counter(n))])).unwrap();
        *current.lock().unwrap() = Arc::new(scripts.folder.handlers());
    }
    is_over.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for client in clients {
        asked += client.await.unwrap();
    }
    assert_eq!(scripts.client("a.js").ask("0").await, format!("30 {asked}"));
}

#[tokio::test]
async fn what_an_old_version_has_begun_goes_on_in_the_state_of_the_new_one() {
    let source = |n: usize| {
        format!(
            "state.ticks ??= 0; state.woken ??= [];
export async function onMessage(ctx, msg) {{
    if (msg.text === 'begin') setInterval(() => {{ state.ticks += 1; }}, 1);
    if (msg.text === 'sleep') {{ sleep(50).then(() => state.woken.push({n})); await ctx.broadcast('room', 'x'); }}
    ctx.send(state);
}}"
        )
    };
    let scripts = Scripts::load(&[("a.js", &source(1))]);
    let mut ticking = scripts.client("a.js");
    ticking.ask("begin").await;
    ticking.ask("sleep").await;
    scripts.change(&[("a.js", &source(2))]).unwrap();
    ticking.handler = scripts.handler("a.js");
    let begun = Instant::now();
    let mut last = 0;
    let mut grown = 0;
    loop {
        let state: serde_json::Value = serde_json::from_str(&ticking.ask("x").await).unwrap();
        let ticks = state["ticks"].as_u64().unwrap();
        assert!(ticks >= last, "{ticks} after {last}");
        grown += u32::from(ticks > last);
        last = ticks;
        if grown > 20 && state["woken"] == serde_json::json!([1]) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{state}");
    }
}

#[tokio::test]
async fn a_state_changes_in_place() {
    let steps = [
        ("new", "[version, users === state.users, list === state.list]", "[2,true,true]"),
        // Objects.
        ("old", "users.ann = { age: 1, tags: ['a'] }; version", "1"),
        ("new", "globalThis.ann = users.ann; users", r#"{"ann":{"age":1,"tags":["a"]}}"#),
        ("old", "users.ann.age = 2; users.ann.tags.push('b'); users.ann.tags", r#"["a","b"]"#),
        ("new", "[ann === state.users.ann, ann]", r#"[true,{"age":2,"tags":["a","b"]}]"#),
        ("new", "delete users.ann; users.bob = null; 0", "0"),
        ("old", "[users === state.users, users]", r#"[true,{"bob":null}]"#),
        ("old", "state.users = { eve: {} }; 0", "0"),
        ("new", "[users === state.users, users]", r#"[true,{"eve":{}}]"#),
        ("old", "state = { ...state, count: 8 }; 0", "0"),
        ("new", "[users === state.users, state.count]", "[true,8]"),
        // Arrays.
        ("new", "list.push({ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }); 0", "0"),
        ("old", "globalThis.two = list[1]; globalThis.four = list[3]; list", r#"[{"n":1},{"n":2},{"n":3},{"n":4}]"#),
        ("new", "list.shift(); list.splice(1, 1); 0", "0"),
        (
            "old",
            "[list === state.list, list[0] === two, list[1] === four, list]",
            r#"[true,true,true,[{"n":2},{"n":4}]]"#,
        ),
        ("new", "list[1].n = 5; 0", "0"),
        ("old", "[list[1] === four, four]", r#"[true,{"n":5}]"#),
        ("new", "list.push({ n: 6 }); list.reverse(); 0", "0"),
        ("old", "[list[2] === two, list[1] === four, list]", r#"[true,true,[{"n":6},{"n":5},{"n":2}]]"#),
        ("new", "list.shift(); list.reverse(); 0", "0"),
        ("old", "[list[0] === two, list[1] === four, list.length]", "[true,true,2]"),
        ("old", "list.unshift(0, [[1]]); list", r#"[0,[[1]],{"n":2},{"n":5}]"#),
        ("new", "list[1][0].push(2); list", r#"[0,[[1,2]],{"n":2},{"n":5}]"#),
        ("old", "list.length = 2; list", "[0,[[1,2]]]"),
        ("new", "list.reverse(); list", "[[[1,2]],0]"),
        ("old", "list", "[[[1,2]],0]"),
        ("old", "list.length = 0; 0", "0"),
        ("new", "[list === state.list, list]", "[true,[]]"),
        ("new", "for (let n = 0; n < 1e5; n++) list.push(n); 0", "0"),
        ("old", "[list.length, list[99999]]", "[100000,99999]"),
        ("old", "list.splice(1, 99998); 0", "0"),
        ("new", "list", "[0,99999]"),
        // What JSON does not write as it is stays with the version that has it.
        ("new", "state.when = new Date(0); state.most = Infinity; state.greet = () => 'hi'; 0", "0"),
        ("old", "[state.when, state.most, state.greet === undefined]", r#"["1970-01-01T00:00:00.000Z",null,true]"#),
        ("old", "state.count = 9; state.when = 'never'; state.greet = 1; 0", "0"),
        (
            "new",
            "[state.count, state.when instanceof Date, state.most === Infinity, state.greet()]",
            r#"[9,true,true,"hi"]"#,
        ),
        (
            "new",
            "Object.defineProperty(state, 'own', { get: () => 'got', enumerable: true, configurable: true }); 0",
            "0",
        ),
        ("old", "state.own = 'other'; 0", "0"),
        ("new", "state.own", r#""got""#),
        ("new", "class Box { n = 1; more() { return ++this.n } }; state.box = new Box(); 0", "0"),
        ("old", "state.box.n = 5; 0", "0"),
        ("new", "state.box.more()", "6"),
        ("old", "state.box", r#"{"n":6}"#),
        ("old", r#"state.odd = JSON.parse('{"__proto__":{"x":1}}'); 0"#, "0"),
        ("new", "[Object.hasOwn(state.odd, '__proto__'), state.odd.x === undefined]", "[true,true]"),
        // What cannot be changed in place is another one then.
        ("old", "state.fixed = Object.freeze({ n: 1 }); 0", "0"),
        ("new", "state.fixed = Object.freeze({ n: 2 }); 0", "0"),
        ("old", "state.fixed", r#"{"n":2}"#),
        ("old", "state = Object.freeze({ n: 1 }); 0", "0"),
        ("new", "state.n += 1; state.n", "2"),
        ("old", "state", r#"{"n":2}"#),
        ("old", "state = 5", "5"),
        ("new", "state", "5"),
        ("new", "state = ['x']", r#"["x"]"#),
        ("old", "state", r#"["x"]"#),
        ("old", "state = undefined", "nothing"),
        ("new", "state", "{}"),
    ];
    // An engine that is built for debugging is slow.
    let limits = ScriptLimits { time: Duration::from_secs(20), ..ScriptLimits::default() };
    let mut two = Two::load(ScriptOptions::default().limits(limits));
    for (who, code, expected) in steps {
        let client = if who == "old" { &mut two.old } else { &mut two.new };
        assert_eq!(client.ask(code).await, expected, "{who}: {code}");
    }
}

/// `onOutbound` and the end of a connection are turns, too.
#[tokio::test]
async fn questions_and_ends_share_the_state() {
    let source = "state.asked ??= 0; state.left ??= 0;
export function onOutbound() { state.asked += 1 }
export function onDisconnect() { state.left += 1 }
export function onMessage(ctx) { ctx.send([state.asked, state.left]) }";
    let scripts = Scripts::load(&[("a.js", source)]);
    let mut old = scripts.client("a.js");
    assert_eq!(old.ask("x").await, "[0,0]");
    scripts.change(&[("a.js", &format!("{source} // new"))]).unwrap();
    let mut new = scripts.client("a.js");
    for n in 1..=3 {
        let text = ws_core::Message::text("x");
        old.handler.on_outbound(old.ctx.connection(), &text, ws_core::Origin::Handler);
        assert_eq!(new.ask("x").await, format!("[{n},0]"));
    }
    old.leave().await.unwrap();
    assert_eq!(new.ask("x").await, "[3,1]");
}

/// Values that harm whoever reads them, and such as are too large.
const HOSTILE: &[&str] = &[
    "state.bad = { toJSON() { throw new Error('no') } }",
    "state.bad = { toJSON() { for (;;) {} } }",
    "state.bad = { toJSON() { (async () => { for (;;) await null })() } }",
    "state.bad = { toJSON() { return 'x'.repeat(1e9) } }",
    "state.bad = state",
    "state.bad = 1n",
    "state.bad = new Proxy({}, { ownKeys() { throw 1 } })",
    "state.bad = new Proxy({}, { ownKeys() { for (;;) {} } })",
    "state.bad = 'x'.repeat(25e6)",
    "state.bad = Array(1e6).fill(0)",
    "state.bad = Array.from({ length: 2e5 }, () => ({}))",
    "state.bad = []; for (let n = 0; n < 1e5; n++) state.bad = [state.bad]",
    "Object.defineProperty(state, 'bad', { enumerable: true, get() { throw 1 } })",
    "Object.defineProperty(globalThis, 'state', { get() { throw 1 } })",
    "state = new Proxy(state, { defineProperty() { throw 1 } })",
    "Object.preventExtensions(state)",
    "state = Symbol()",
    "JSON.stringify = Object.keys = Array.isArray = () => { for (;;) {} }",
];

#[tokio::test]
async fn a_hostile_state_of_an_old_version_harms_nobody_else() {
    for bad in HOSTILE {
        let limits = ScriptLimits { on_limit: OnFault::Keep, ..ScriptLimits::default() };
        let mut two = Two::load(ScriptOptions::default().limits(limits));
        let mut bystander = two.scripts.client("a.js");
        bystander.ask("state.count = 8").await;
        assert_eq!(two.old.ask("state.count").await, "8");
        // The turn itself may fail.
        let begun = Instant::now();
        let _ = two.old.say(&format!("{bad}; 0")).await;
        for n in 9..13 {
            assert_eq!(two.new.ask("state.count += 1").await, n.to_string(), "{bad}");
            let _ = two.old.say("version").await;
        }
        assert_eq!(two.new.ask("[version, users === state.users]").await, "[2,true]", "{bad}");
        // Another engine would not know it, and would have closed its connection.
        assert_eq!(bystander.ask("Object.keys(ctx).length + version").await, "2", "{bad}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{bad}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_hostile_state_of_the_new_version_harms_no_old_one() {
    for bad in HOSTILE.iter().filter(|bad| !bad.contains("await null")) {
        let limits = ScriptLimits { on_limit: OnFault::Keep, ..ScriptLimits::default() };
        let mut two = Two::load(ScriptOptions::default().limits(limits));
        two.old.ask("state.count = 8").await;
        assert_eq!(two.new.ask("state.count").await, "8");
        let _ = two.new.say(&format!("{bad}; 0")).await;
        for n in 0..3 {
            assert_eq!(
                two.old.ask(&format!("list.push({n}); [version, typeof list]")).await,
                r#"[1,"object"]"#,
                "{bad}"
            );
        }
        // The poison's own turn may have answered, too.
        two.new.say("version").await.unwrap();
        while two.new.next_text().await != "2" {}
    }
}

#[tokio::test]
async fn an_old_version_leaves_memory_to_the_new_one() {
    let limits = ScriptLimits { time: Duration::from_secs(20), ..ScriptLimits::default() };
    let mut two = Two::load(ScriptOptions::default().limits(limits));
    two.new.ask("globalThis.ballast = new Uint8Array(44e6); 0").await;
    two.old.ask("state.large = 'x'.repeat(10e6); 0").await;
    assert_eq!(two.new.ask("[state.large === undefined, 'y'.repeat(15e6).length]").await, "[true,15000000]");
}

/// What takes too much is not tried again, and what only fails is.
#[tokio::test]
async fn only_what_fails_by_itself_is_tried_again() {
    let reads = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&reads);
    let options = ScriptOptions::default().template(move |_, text| {
        seen.fetch_add(1, Ordering::Relaxed);
        Ok(text.to_owned())
    });
    let mut two = Two::load(options);
    two.old.ask("state.count = 1; state.bad = { toJSON() { template('x'); throw 1 } }; 0").await;
    two.old.ask("state.count = 2").await;
    assert_eq!((two.new.ask("state.count").await, reads.load(Ordering::Relaxed)), ("7".to_owned(), 2));
    two.old.ask("state.count = 3; delete state.bad").await;
    assert_eq!(two.new.ask("state.count").await, "3");

    two.old.ask("state.count = 4; state.bad = { toJSON() { template('x'); for (;;) {} } }; 0").await;
    for _ in 0..3 {
        two.old.ask("state.count = 5").await;
    }
    assert_eq!((two.new.ask("state.count").await, reads.load(Ordering::Relaxed)), ("3".to_owned(), 3));
    // The next version shares what it has been given.
    two.scripts.change(&[("a.js", &counter(3))]).unwrap();
    two.old.handler = two.scripts.handler("a.js");
    assert_eq!([two.new.ask("state.count += 1").await, two.old.ask("1").await], ["4", "3 5"]);
}
