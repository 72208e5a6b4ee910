//! Upstreams die under many clients, twice: nothing is left behind.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::runtime::Handle;
use ws_proxy::{WsProxyConfig, WsProxyHandler};
use ws_server::WsServer;

use crate::eventually::eventually;
use crate::own_process;
use crate::scrape::{ACTIVE, all_ended, ended_with, value};
use crate::serving::{config, serve};
use crate::upstream::{TestUpstream, echo, listen};

/// How many clients there are; fewer without optimization.
const CLIENTS: usize = if cfg!(debug_assertions) { 200 } else { 1000 };

#[test]
fn two_deaths_of_an_upstream_leave_nothing_behind() {
    own_process::run("leaks::two_deaths_leave_nothing", &[]);
}

/// Open files of this process, sockets among them.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "counts the tasks and sockets of its process: run by the test above"]
async fn two_deaths_leave_nothing() {
    let port = listen(0).await.local_addr().unwrap().port();
    let config = WsProxyConfig { connection_pool_size: 1, ..config(format!("ws://127.0.0.1:{port}")) };
    let server = serve(WsServer::builder().handler(WsProxyHandler::new(config))).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let (tasks_before, files_before) = (tasks(), open_files());
    for death in 1..=2 {
        let upstream = TestUpstream::on(listen(port).await, |_, response| Ok(response), echo);
        let mut clients = Vec::new();
        for n in 0..CLIENTS {
            let (mut client, _) = tokio_tungstenite::connect_async(server.url()).await.unwrap();
            if n % 2 == 0 {
                client.send("hello".into()).await.unwrap();
            }
            clients.push(client);
        }
        assert_eq!(value(&server, ACTIVE), CLIENTS as f64);
        let upstream_open = upstream.open();
        assert!(upstream_open >= CLIENTS, "{upstream_open}");
        // All at once, without a word.
        drop(upstream);
        for mut client in clients {
            while let Ok(Some(Ok(_))) = tokio::time::timeout(Duration::from_secs(10), client.next()).await {}
        }
        all_ended(&server).await;
        assert_eq!(ended_with(&server, "proxy_error"), (death * CLIENTS) as f64);
        eventually("the tasks are gone", || tasks() <= tasks_before).await;
        eventually("the sockets are closed", || open_files() <= files_before).await;
    }
}
