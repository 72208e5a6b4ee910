//! The whole program once, short: builds a peer, starts it, measures it, prints and writes what came of it.

use std::{fs, process::Command};

#[test]
fn one_short_run_prints_the_tables_and_writes_the_samples() {
    let json = std::env::temp_dir().join(format!("bench-smoke-{}.json", std::process::id()));
    let page = json.with_extension("md");
    fs::write(&page, "# By hand\n\n<!-- begin figures -->\n<!-- end figures -->\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--seconds", "0.1", "--runs", "2", "--scenario", "echo-64", "--scenario", "connect"])
        .args(["--server", "tokio-websockets", "--json"])
        .arg(&json)
        .arg("--page")
        .arg(&page)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");

    let stdout = String::from_utf8(output.stdout).unwrap();
    for part in ["| tokio-websockets 0.", "| connect  | tokio-websockets |", "not measured"] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    let page_file = page;
    let page = fs::read_to_string(&page_file).unwrap();
    assert!(page.starts_with("# By hand\n\n<!-- begin figures -->\n"), "{page}");
    assert!(page.contains("| tokio-websockets 0.") && page.ends_with("<!-- end figures -->\n"), "{page}");
    let series: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    fs::remove_file(&page_file).unwrap();
    assert_eq!(series[0]["server"], "tokio-websockets");
    assert_eq!(series[0]["samples"].as_array().unwrap().len(), 2);
    assert!(series[0]["samples"][0]["traffic"]["events"].as_u64().unwrap() > 0);
    assert!(series[1]["samples"][1]["figure"].as_f64().unwrap() > 0.0);
}

/// What only our server is put through.
#[test]
fn ours_is_played_proxied_paced_grown_and_soaked() {
    for arguments in [
        "--quick --server ours --scenario replay --scenario proxied --scenario open-512",
        "growth --quick --axis rooms --axis rules",
        "soak --quick",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments.split(' ')).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments}\n{stderr}\n{stdout}");
        assert!(stdout.contains("| ours"), "{stdout}");
    }
}

/// Node takes part where there is one: a wrong answer of it would end the run.
#[test]
fn a_script_runs_beside_its_twin_in_rust() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--seconds", "0.1", "--scenario", "script-64", "--scenario", "script-json-64"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");

    let stdout = String::from_utf8(output.stdout).unwrap();
    for scenario in ["script-64", "script-json-64"] {
        for server in ["ours", "ours-js"] {
            assert!(stderr.contains(&format!("{scenario} 1/1 {server}: ")), "{stderr}");
        }
    }
    let goal = stdout.lines().find(|line| line.contains("ours-js - ours")).unwrap();
    assert!(!goal.contains("not measured"), "{goal}");
    assert!(!stdout.contains("tokio-websockets 0."), "{stdout}");
}

#[test]
fn a_server_that_does_not_start_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--scenario", "echo-64", "--server", "tokio-websockets", "--with", "broken=false"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("broken in echo-64, round 1"), "{stderr}");
}
