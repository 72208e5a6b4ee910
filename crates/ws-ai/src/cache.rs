//! What language models wrote, kept in files so that the same is never asked twice.
//!
//! A file holds the events and a hash of what was asked for; neither what a client said nor a key can be read in it. Only
//! files with our own names are read or removed: the folder may hold others. They are read and written on the runtime's
//! blocking threads, because a folder may be on a slow disk, and the sessions of other clients must not stand still; what is
//! being written when a client leaves is written to its end.

mod shelf;

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::shelf::Shelf;
use crate::{AiError, Request, StoryFacts};

/// The texts that are kept in a folder. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Cache {
    shelf: Arc<Shelf>,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The key: a file that was copied to another name is not believed.
    key: String,
    /// Who wrote it, for people.
    provider: String,
    text: String,
}

/// Raised when the same request means another answer: then older files are not found.
const VERSION: u32 = 1;
/// Larger texts are not kept, and not believed.
const MOST_BYTES_OF_A_TEXT: usize = 1 << 20;

impl Cache {
    /// The cache in `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`AiError::File`] if it cannot be made or read.
    pub(crate) fn open(folder: &Path) -> Result<Self, AiError> {
        let shelf = Shelf::open(folder).map_err(|source| AiError::File { file: folder.to_owned(), source })?;
        Ok(Self { shelf: Arc::new(shelf) })
    }

    /// What `provider` wrote for this request of this story, if it is here. It comes from outside: it is to be checked again.
    pub(crate) async fn get(&self, provider: &str, story: &StoryFacts, request: &Request) -> Option<String> {
        let key = key(provider, story, request);
        let shelf = Arc::clone(&self.shelf);
        off_the_runtime(move || {
            let name = file_name(&key);
            let kept = shelf.read(&name).transpose()?.and_then(|bytes| {
                let kept: Kept = serde_json::from_slice(&bytes)?;
                if kept.key != key || kept.text.len() > MOST_BYTES_OF_A_TEXT {
                    return Err(io::Error::other("it belongs to something else"));
                }
                Ok(kept.text)
            });
            kept.inspect_err(|error| {
                let file = shelf.path(&name);
                tracing::warn!(file = %file.display(), %error, "a file of the AI cache is spoilt: its events are asked for again");
            })
            .ok()
        })
        .await?
    }

    /// Keeps what `provider` wrote for this request of this story. If that fails, it is said in the log: it is no reason not
    /// to send the events.
    pub(crate) async fn put(&self, provider: &str, story: &StoryFacts, request: &Request, text: String) {
        if text.len() > MOST_BYTES_OF_A_TEXT {
            return;
        }
        let kept = Kept { key: key(provider, story, request), provider: provider.to_owned(), text };
        let shelf = Arc::clone(&self.shelf);
        let done = off_the_runtime(move || {
            let name = file_name(&kept.key);
            let written = serde_json::to_vec_pretty(&kept).map_err(io::Error::from);
            if let Err(error) = written.and_then(|bytes| shelf.write(&name, &bytes)) {
                tracing::warn!(file = %shelf.path(&name).display(), %error, "events are not kept in the AI cache");
            }
        });
        done.await;
    }
}

/// A hash of all that shapes an answer. Not among it: when the events happen, which no answer may depend on; why earlier
/// answers were not taken, because what is kept is what was taken in the end; and the seed, which is the provider's matter.
fn key(provider: &str, story: &StoryFacts, request: &Request) -> String {
    let Request { narrative, wanted, event_schema, recent, said, first_sequence, .. } = request;
    let asked = json!([
        VERSION,
        provider,
        story.path,
        story.number,
        &**narrative,
        wanted,
        event_schema.as_deref(),
        recent,
        said,
        first_sequence
    ]);
    Sha256::digest(asked.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file_name(key: &str) -> String {
    format!("{key}{}", shelf::ENDING)
}

/// `None` only if the runtime ends meanwhile.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::Draft;

    const WHO: &str = "openai gpt at http://box/v1";

    fn request(narrative: &str) -> Request {
        Request { narrative: narrative.into(), wanted: 5, first_sequence: 1, ..Request::default() }
    }

    fn story(number: u64) -> StoryFacts {
        StoryFacts::new("/ws", number, 7)
    }

    fn only_file(folder: &Path) -> PathBuf {
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let file = files.next().unwrap();
        assert_eq!(files.next(), None);
        file
    }

    #[tokio::test]
    async fn events_are_there_for_the_next_run_and_for_the_same_request_only() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/for/it");
        let cache = Cache::open(&folder).unwrap();
        assert_eq!(cache.get(WHO, &story(0), &request("a")).await, None);
        let text = "one\n\u{1f600}\"".to_owned();
        cache.put(WHO, &story(0), &request("a"), text.clone()).await;

        let again = Cache::open(&folder).unwrap();
        assert_eq!(again.get(WHO, &story(0), &request("a")).await.as_ref(), Some(&text));
        // Neither matters: the next run has another time and, perhaps, another seed.
        let later = Request { first_time: Timestamp::MAX, complaints: vec!["no".to_owned()], ..request("a") };
        assert_eq!(again.get(WHO, &StoryFacts::new("/ws", 0, 8), &later).await, Some(text));

        assert_eq!(again.get("another model", &story(0), &request("a")).await, None);
        assert_eq!(again.get(WHO, &story(1), &request("a")).await, None);
        assert_eq!(again.get(WHO, &StoryFacts::new("/ws/other", 0, 7), &request("a")).await, None);
        let others = [
            request("b"),
            Request { wanted: 6, ..request("a") },
            Request { first_sequence: 2, ..request("a") },
            Request { event_schema: Some(Arc::new(json!({}))), ..request("a") },
            Request { recent: vec![Draft { kind: "x".to_owned(), data: json!(1) }], ..request("a") },
            Request { said: vec!["hello".to_owned()], ..request("a") },
        ];
        for other in others {
            assert_eq!(again.get(WHO, &story(0), &other).await, None, "{other:?}");
        }
    }

    #[tokio::test]
    async fn a_file_tells_who_wrote_it_but_not_what_a_client_said() {
        let folder = tempfile::tempdir().unwrap();
        let said = Request { said: vec!["my secret".to_owned()], ..request("a busy market") };
        Cache::open(folder.path()).unwrap().put(WHO, &story(0), &said, "[1]".to_owned()).await;
        let file = only_file(folder.path());
        let bytes = fs::read_to_string(&file).unwrap();
        let kept: Value = serde_json::from_str(&bytes).unwrap();
        assert_eq!((&kept["provider"], &kept["text"]), (&json!(WHO), &json!("[1]")));
        assert!(!bytes.contains("secret"), "{bytes}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_spoilt_file_is_a_miss_and_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let put = async || cache.put(WHO, &story(0), &request("a"), "good".to_owned()).await;
        put().await;
        let file = only_file(folder.path());
        let good = fs::read(&file).unwrap();
        let of_another = String::from_utf8(good.clone()).unwrap().replace("\"key\": \"", "\"key\": \"0");
        let long = String::from_utf8(good.clone()).unwrap().replace("good", &"x".repeat(MOST_BYTES_OF_A_TEXT + 1));
        let too_large = vec![b' '; 9 << 20];
        let cut = &good[..good.len() / 2];
        for spoilt in [b"", &b"{"[..], cut, b"\xff\xfe", b"[]", of_another.as_bytes(), long.as_bytes(), &too_large] {
            fs::write(&file, spoilt).unwrap();
            assert_eq!(cache.get(WHO, &story(0), &request("a")).await, None);
            put().await;
            assert_eq!(fs::read(&file).unwrap(), good);
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_is_refused_and_one_that_is_gone_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(Cache::open(&file.join("below")), Err(AiError::File { .. })));
        assert!(matches!(Cache::open(&file), Err(AiError::File { .. })));
        let gone = folder.path().join("gone");
        let cache = Cache::open(&gone).unwrap();
        fs::remove_dir(&gone).unwrap();
        cache.put(WHO, &story(0), &request("a"), "x".to_owned()).await;
        assert_eq!(cache.get(WHO, &story(0), &request("a")).await, None);
    }
}
