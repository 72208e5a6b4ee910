//! Getting at the bytes: files, what lies beside them, and what is packed. Everything is bounded.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};
use rawzip::{CompressionMethod, ZipArchive};

use super::HarError;

/// The most files that are looked at in a zip; those of a page are some hundreds.
const MOST_FILES: u64 = 100_000;

/// Where a HAR file comes from, and with it the files that it names.
pub(super) enum Surroundings<'b> {
    Folder(&'b Path),
    Zip(&'b [u8]),
    None,
}

/// Why something cannot be unpacked or read, in words.
type Reason = String;

pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, HarError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_all(file, &name, limit),
        Err(error) => Err(HarError::Unreadable { name, reason: error.to_string() }),
    }
}

pub(super) fn read_all(reader: impl Read, name: &str, limit: u64) -> Result<Vec<u8>, HarError> {
    let name = name.to_owned();
    let mut bytes = Vec::new();
    match reader.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(length) if length as u64 > limit => Err(HarError::TooLarge { name, limit }),
        Ok(_) => Ok(bytes),
        Err(error) => Err(HarError::Unreadable { name, reason: error.to_string() }),
    }
}

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether it is packed as mitmproxy does it: with a header of zlib, which no text begins with.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first @ 0x78, second, ..] if (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

pub(super) fn unpack_zlib(bytes: &[u8], limit: u64) -> Result<Vec<u8>, Reason> {
    decompress_to_vec_zlib_with_limit(bytes, usize::try_from(limit).unwrap_or(usize::MAX))
        .map_err(|error| unpacking(error.status, limit))
}

fn unpacking(status: TINFLStatus, limit: u64) -> Reason {
    match status {
        TINFLStatus::HasMoreOutput => too_large(limit),
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => "it is cut off".to_owned(),
        _ => "it is damaged".to_owned(),
    }
}

fn too_large(limit: u64) -> Reason {
    format!("it is larger than {} MiB, the most that is read", limit.div_ceil(1024 * 1024))
}

/// The HAR file in a zip: the only file that ends with `.har`, or the one that is called `har.har`, as Playwright does.
pub(super) fn har_in_zip(zip: &[u8], limit: u64) -> Result<Vec<u8>, Reason> {
    let mut names = Vec::new();
    visit(zip, |name, _| {
        if name.ends_with(b".har") {
            names.push(name.to_vec());
        }
        false
    })?;
    let name = match &names[..] {
        [] => return Err("it has no file that ends with .har".to_owned()),
        [name] => name.as_slice(),
        _ if names.iter().any(|name| name == b"har.har") => b"har.har",
        _ => return Err(format!("it has {} files that end with .har, and none is har.har", names.len())),
    };
    unpack(zip, name, limit)
}

/// One file of a zip.
fn unpack(zip: &[u8], wanted: &[u8], limit: u64) -> Result<Vec<u8>, Reason> {
    let mut unpacked = Err("the zip does not have it".to_owned());
    visit(zip, |name, file| {
        let is_it = name == wanted;
        if is_it {
            unpacked = file(limit);
        }
        is_it
    })?;
    unpacked
}

/// Unpacks a file, up to a limit.
type Unpack<'f> = dyn FnOnce(u64) -> Result<Vec<u8>, Reason> + 'f;

/// Goes through the files of a zip by name, until `stop` says so.
fn visit(zip: &[u8], mut stop: impl FnMut(&[u8], Box<Unpack<'_>>) -> bool) -> Result<(), Reason> {
    let damaged = |error: rawzip::Error| format!("as a zip it is damaged: {error}");
    let archive = ZipArchive::from_slice(zip).map_err(damaged)?;
    let mut files = archive.entries();
    for _ in 0..MOST_FILES {
        let Some(file) = files.next_entry().map_err(damaged)? else { return Ok(()) };
        let unpack = |limit: u64| {
            let entry = archive.get_entry(file.wayfinder()).map_err(damaged)?;
            let unpacked = match file.compression_method() {
                CompressionMethod::STORE if entry.data().len() as u64 > limit => return Err(too_large(limit)),
                CompressionMethod::STORE => entry.data().to_vec(),
                CompressionMethod::DEFLATE => {
                    let limit_here = usize::try_from(limit).unwrap_or(usize::MAX);
                    decompress_to_vec_with_limit(entry.data(), limit_here)
                        .map_err(|error| unpacking(error.status, limit))?
                }
                other => return Err(format!("it is packed in a way that is not read here: {other:?}")),
            };
            if file.flags().is_encrypted() {
                return Err("it is encrypted".to_owned());
            }
            if rawzip::crc32(&unpacked) != file.crc32() {
                return Err("it is damaged: its checksum is another".to_owned());
            }
            Ok(unpacked)
        };
        if stop(file.file_path().as_ref(), Box::new(unpack)) {
            return Ok(());
        }
    }
    Err(format!("it has more than {MOST_FILES} files"))
}

impl Surroundings<'_> {
    /// A file that a HAR file names. It never leads out of the folder, be it by its name or by a link.
    pub(super) fn file(&self, name: &str, limit: u64) -> Result<Vec<u8>, Reason> {
        let is_inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        if name.contains(['\\', '\0']) || !Path::new(name).components().all(is_inside) {
            return Err("it is not in the same folder".to_owned());
        }
        match self {
            Self::Zip(zip) => unpack(zip, name.as_bytes(), limit),
            Self::None => Err("only the file itself was given".to_owned()),
            Self::Folder(folder) => {
                let canonical = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
                let path = canonical(&folder.join(name))?;
                if !path.starts_with(canonical(folder)?) {
                    return Err("it is a link that leads out of the folder".to_owned());
                }
                if !path.is_file() {
                    return Err("it is no file".to_owned());
                }
                read_file(&path, limit).map_err(|error| match error {
                    HarError::Unreadable { reason, .. } => reason,
                    _ => too_large(limit),
                })
            }
        }
    }
}
