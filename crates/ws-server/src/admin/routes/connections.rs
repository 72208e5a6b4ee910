//! Open connections: who they are, sending to them, playing a script to them, closing them, and breaking them.

mod acting;
mod looking;
mod playing;

use super::super::operation::Operation;
use super::super::which::Scoping;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/connections", "list_connections", "Open connections, the oldest first.", looking::list)
            .of(Scoping::OneOrAll)
            .fails(&[422]),
        Operation::get("/connections/{id}", "get_connection", "An open connection.", looking::one)
            .of(Scoping::ById)
            .fails(&[404]),
        Operation::post(
            "/connections/send",
            "send_to_connections",
            "Sends to all connections that fit.",
            acting::send_all,
        )
        .says("Nobody waits for who reads slowly: a connection whose queue is full is left out and counted.")
        .of(Scoping::One)
        .fails(&[422]),
        Operation::post("/connections/{id}/send", "send", "Sends to a connection.", acting::send)
            .of(Scoping::ById)
            .fails(&[404, 409, 422, 503]),
        Operation::post(
            "/connections/{id}/play",
            "play",
            "Starts a replay script on an open connection.",
            playing::start,
        )
        .says(
            "In the format of replay files. It begins at once, and its clock with it. A message that its open wait takes goes \
             no further; the others go to who answered before. It takes the place of one that was started before.",
        )
        .of(Scoping::ById)
        .fails(&[404, 409, 422, 503]),
        Operation::delete(
            "/connections/{id}/play",
            "stop_playing",
            "Ends the script that was started on a connection, where it stands.",
            playing::end,
        )
        .of(Scoping::ById)
        .fails(&[404]),
        Operation::post(
            "/connections/{id}/close",
            "close",
            "Closes a connection, behind what waits to be sent.",
            acting::close,
        )
        .of(Scoping::ById)
        .fails(&[404, 409, 422, 503]),
        Operation::post(
            "/connections/{id}/fault",
            "fault",
            "Breaks a connection at once, whatever waits.",
            acting::fault,
        )
        .of(Scoping::ById)
        .fails(&[404, 409, 422]),
        Operation::delete(
            "/connections/{id}",
            "drop_connection",
            "Ends a connection at once, without a Close frame.",
            acting::end,
        )
        .of(Scoping::ById)
        .fails(&[404, 409]),
    ]
}
