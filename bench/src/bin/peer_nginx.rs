//! Peer: nginx as a proxy for WebSocket, one worker, as its documentation writes it.
//!
//! `peer_nginx NGINX FOLDER UPSTREAM` becomes the program `NGINX`, which has its files in `FOLDER` and stands before `UPSTREAM`
//! (ws://ADDRESS/...). nginx neither takes a port that is free nor says when it listens: a port is chosen here, and a second
//! process, `peer_nginx ADDRESS`, says so as soon as somebody is there.

use std::{
    env, fs, io,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// The bench waits no longer.
const START_LIMIT: Duration = Duration::from_secs(30);

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.as_slice() {
        [nginx, folder, upstream] => serve(nginx, folder, upstream),
        [address] => announce(address),
        _ => Err(io::Error::other("usage: peer_nginx NGINX FOLDER ws://UPSTREAM/")),
    }
}

fn serve(nginx: &str, folder: &str, upstream: &str) -> io::Result<()> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let upstream = upstream.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let config = Path::new(folder).join("nginx.conf");
    fs::write(&config, configuration(&address, upstream))?;
    Command::new(env::current_exe()?).arg(&address).spawn()?;
    // Returns only if it fails.
    Err(Command::new(nginx).args(["-e", "stderr", "-p", folder, "-c"]).arg(&config).exec())
}

fn announce(address: &str) -> io::Result<()> {
    let began = Instant::now();
    while let Err(error) = TcpStream::connect(address) {
        if began.elapsed() > START_LIMIT {
            return Err(error);
        }
        thread::sleep(Duration::from_millis(5));
    }
    println!("listening on ws://{address}/");
    Ok(())
}

/// One process: the bench counts the CPU time of one.
fn configuration(address: &str, upstream: &str) -> String {
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid nginx.pid;\n\
         events {{ worker_connections 16384; }}\n\
         http {{\n\
         \x20   access_log off;\n\
         \x20   client_body_temp_path body;\n\
         \x20   proxy_temp_path proxy;\n\
         \x20   fastcgi_temp_path fastcgi;\n\
         \x20   uwsgi_temp_path uwsgi;\n\
         \x20   scgi_temp_path scgi;\n\
         \x20   server {{\n\
         \x20       listen {address};\n\
         \x20       location / {{\n\
         \x20           proxy_pass http://{upstream};\n\
         \x20           proxy_http_version 1.1;\n\
         \x20           proxy_set_header Upgrade $http_upgrade;\n\
         \x20           proxy_set_header Connection \"upgrade\";\n\
         \x20       }}\n\
         \x20   }}\n\
         }}\n"
    )
}
