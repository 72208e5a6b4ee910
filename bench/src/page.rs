//! The page that people read about our speed: written by hand, but for parts that the bench writes.
//!
//! A part stands between two lines, `<!-- begin NAME -->` and `<!-- end NAME -->`. What stands outside of them is nobody's business
//! here, and stays as it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::server::bench_folder;

pub(crate) struct Page {
    file: PathBuf,
}

impl Page {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    pub(crate) fn of_the_project() -> Self {
        Self::new(bench_folder().join("../docs/performance.md"))
    }

    /// Puts `text` in the place of what the part had before.
    ///
    /// # Errors
    /// When the page is not there, or has no such part.
    pub(crate) fn put(&self, part: &str, text: &str) -> Result<()> {
        let file = self.file.display();
        let page = fs::read_to_string(&self.file).with_context(|| format!("reading {file}"))?;
        let page = splice(&page, part, text)
            .with_context(|| format!("{file} has no lines `{}` and `{}`", begin(part), end(part)))?;
        fs::write(&self.file, page).with_context(|| format!("writing {file}"))
    }

    /// Writes a picture that the page shows, to the folder that is called like the page.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put_picture(&self, name: &str, svg: &str) -> Result<()> {
        let folder = self.file.with_extension("");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let file = folder.join(format!("{name}.svg"));
        fs::write(&file, svg).with_context(|| format!("writing {}", file.display()))
    }

    /// How the page calls such a picture.
    pub(crate) fn picture(&self, name: &str) -> String {
        let stem = self.file.file_stem().map(Path::new).unwrap_or(Path::new("performance"));
        format!("{}/{name}.svg", stem.display())
    }
}

fn begin(part: &str) -> String {
    format!("<!-- begin {part} -->")
}

fn end(part: &str) -> String {
    format!("<!-- end {part} -->")
}

fn splice(page: &str, part: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("{}\n", begin(part)))?;
    let (_, after) = rest.split_once(&end(part))?;
    Some(format!("{before}{}\n\n{}\n\n{}{after}", begin(part), text.trim(), end(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_is_exchanged() {
        let page = "# Title\n\n<!-- begin a -->\nold\n<!-- end a -->\n\nby hand\n\n<!-- begin b -->\n<!-- end b -->\n";
        let once = splice(page, "a", "new\n").unwrap();
        assert_eq!(
            once,
            "# Title\n\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\n\nby hand\n\n<!-- begin b -->\n<!-- end b -->\n"
        );
        assert_eq!(splice(&once, "a", "new").unwrap(), once);
        assert_eq!(splice(page, "c", "new"), None);
        assert_eq!(splice("<!-- begin a -->\n", "a", "new"), None);
    }

    #[test]
    fn the_page_of_the_project_has_all_parts() {
        let page = fs::read_to_string(Page::of_the_project().file).unwrap();
        for part in ["figures", "growth", "soak"] {
            assert!(splice(&page, part, "").is_some(), "{part}");
        }
        assert!(page.contains("What was tried and did not pay"));
    }
}
