//! Bombs, with limits that a test can reach. All else is tested from outside.

use serde_json::json;

use super::{HarError, HarFile, reading};

const LIMIT: u64 = 1024 * 1024;

fn read(bytes: &[u8]) -> Result<HarFile, HarError> {
    reading::read(bytes, "x", None, LIMIT)
}

/// A zip of these files, deflated.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut zip);
    for (name, content) in files {
        let file = archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let mut writer = config.wrap(Vec::new());
        std::io::Write::write_all(&mut writer, content).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        let packed = miniz_oxide::deflate::compress_to_vec(content, 6);
        std::io::Write::write_all(&mut entry, &packed).unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    zip
}

/// A HAR file of connections whose messages are in these files.
fn har(files: &[&str], length: usize) -> Vec<u8> {
    let socket = |file: &&str| json!({"_resourceType": "websocket", "response": {"content": {"_file": file}}});
    let entries: Vec<_> = files.iter().map(socket).collect();
    let mut har = json!({"log": {"entries": entries}}).to_string().into_bytes();
    har.resize(length.max(har.len()), b' ');
    har
}

#[test]
fn bombs_do_not_explode() {
    let limit = usize::try_from(LIMIT).unwrap();
    let full = har(&["a"], limit);
    let [fits, bomb] = [limit - 20, limit + 1].map(|length| har(&["a"], length));
    let expected = "x: cannot be unpacked: it is larger than 1 MiB, the most that is read";
    for packed in [zip(&[("har.har", &bomb)]), miniz_oxide::deflate::compress_to_vec_zlib(&bomb, 6)] {
        assert!(packed.len() < 10_000);
        assert_eq!(read(&packed).unwrap_err().to_string(), expected);
    }
    assert_eq!(read(&zip(&[("har.har", &fits), ("a", b"\n")])).unwrap().sockets().len(), 1);
    for har in [&full, &fits] {
        let error = read(&zip(&[("har.har", har), ("a", &[b'\n'; 30])])).unwrap_err();
        assert!(matches!(error, HarError::Beside { .. }), "{error}");
    }
}

/// Files beside a file count together with it.
#[test]
fn several_files_have_one_limit() {
    let lines = vec![b'\n'; 600 * 1024];
    let error = read(&zip(&[("har.har", &har(&["a", "b"], 0)), ("a", &lines), ("b", &lines)])).unwrap_err();
    let HarError::Beside { file, reason, .. } = error else { panic!("{error}") };
    assert_eq!((&*file, &*reason), ("b", "it is larger than 1 MiB, the most that is read"));
}
