//! Rooms: who is in them, and what is sent to them.

use std::time::Duration;

use ws_core::Message;
use ws_replay::Action;

use crate::simulation::player;

#[test]
fn a_script_joins_leaves_and_sends_to_rooms() {
    let mut player = player(
        r#"
        {"dir":"in","waitFor":"^/join (\\w+)$","join":["{{1}}","all"],"set":{"room":"{{1}}"}}
        {"ts":10,"send":{"room":"{{state.room}}"},"text":"somebody joined {{state.room}}"}
        {"ts":10,"leave":"all","text":"welcome"}
        {"ts":20,"binary":true,"text":"AAE=","send":{"room":"all"},"repeat":2}
        "#,
    );
    let ms = Duration::from_millis;
    assert_eq!(player.poll(ms(0)), Action::AwaitMessage);
    assert!(player.on_message(ms(5), Message::text("/join lobby")));
    let join = |room: &str| Action::Join(room.to_owned());
    assert_eq!([player.poll(ms(5)), player.poll(ms(5))], [join("lobby"), join("all")]);
    assert_eq!(player.poll(ms(5)), Action::SleepUntil(ms(15)));
    let message = Message::text("somebody joined lobby");
    assert_eq!(player.poll(ms(15)), Action::Broadcast { room: "lobby".to_owned(), message });
    assert_eq!(player.poll(ms(15)), Action::Leave("all".to_owned()));
    assert_eq!(player.poll(ms(15)), Action::Send(Message::text("welcome")));
    let twice = Action::Broadcast { room: "all".to_owned(), message: Message::binary(vec![0, 1]) };
    assert_eq!([player.poll(ms(25)), player.poll(ms(25))], [twice.clone(), twice]);
    assert_eq!(player.poll(ms(25)), Action::Finished);
}
