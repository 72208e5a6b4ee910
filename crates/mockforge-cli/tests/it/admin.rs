//! The admin API of the program: there unless it is left out, and closed where it is open to the world.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::process::{Serving, file, run, text};

/// What the server answers to a request for `path`, with these lines in its head.
fn get(server: &Serving, path: &str, lines: &str) -> String {
    let port = server.url.rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap();
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{lines}\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
}

#[test]
fn the_api_is_there_unless_it_is_left_out() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    let answer = get(&server, "/__admin/connections", "");
    assert_status(&answer, 200);
    assert!(answer.ends_with(r#"{"connections":[],"total":0}"#), "{answer}");
    for (arguments, variables) in
        [(&["--ws-port", "0", "--no-admin"][..], &[][..]), (&["--ws-port", "0"], &[("MOCKFORGE_WS_NO_ADMIN", "yes")])]
    {
        let server = Serving::start(arguments, variables);
        assert_status(&get(&server, "/__admin/connections", ""), 404);
    }
}

/// A client on trial can be looked at, too.
#[test]
fn the_api_is_there_beside_a_trial() {
    let (_folder, path) = file(r#"{"text":"hello"}"#);
    let server =
        Serving::start(&["--ws-port", "0", "--exit-on-complete", "--ws-replay-file", path.to_str().unwrap()], &[]);
    assert_status(&get(&server, "/__admin/connections", ""), 200);
}

#[test]
fn a_token_comes_from_flag_variable_or_file() {
    let (_folder, path) = file("websocket: { admin: { token: of-the-file } }");
    let config = path.to_str().unwrap();
    for (arguments, variables, token) in [
        (&["--ws-port", "0", "--config", config][..], &[][..], "of-the-file"),
        (
            &["--ws-port", "0", "--config", config],
            &[("MOCKFORGE_WS_ADMIN_TOKEN", "of-the-variable")],
            "of-the-variable",
        ),
        (
            &["--ws-port", "0", "--admin-token", "of-the-flag"],
            &[("MOCKFORGE_WS_ADMIN_TOKEN", "of-the-variable")],
            "of-the-flag",
        ),
    ] {
        let server = Serving::start(arguments, variables);
        assert_status(&get(&server, "/__admin/connections", ""), 401);
        assert_status(&get(&server, "/__admin/connections", &format!("Authorization: Bearer {token}\r\n")), 200);
        let (_, log) = server.terminate();
        assert!(!log.contains(token), "{log}");
    }
    let output = run(&["serve", "--ws-port", "0", "--admin-token", "two words"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let log = text(&output.stderr);
    assert!(log.contains("admin") && log.contains("without spaces") && !log.contains("two words"), "{log}");
}

#[test]
fn beyond_this_machine_nobody_is_answered_without_a_token() {
    let server = Serving::start(&["--host", "0.0.0.0", "--ws-port", "0"], &[]);
    let answer = get(&server, "/__admin/connections", "");
    assert_status(&answer, 403);
    assert!(answer.contains("--admin-token"), "{answer}");
    let log = server.logged("the admin API", 1);
    assert!(log.contains("--admin-token"), "{log}");

    let server = Serving::start(&["--host", "0.0.0.0", "--ws-port", "0", "--admin-token", "t0ken"], &[]);
    assert_status(&get(&server, "/__admin/connections", "Authorization: Bearer t0ken\r\n"), 200);
    let (_, log) = server.terminate();
    assert!(!log.contains("the admin API"), "{log}");
}
