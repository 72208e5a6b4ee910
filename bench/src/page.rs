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

/// One part of a page.
#[derive(Debug)]
pub(crate) struct Page {
    file: PathBuf,
    part: &'static str,
}

impl Page {
    /// To be called before anything is measured that shall stand there.
    ///
    /// # Errors
    /// When the page is not there, or has no such part.
    pub(crate) fn open(file: PathBuf, part: &'static str) -> Result<Self> {
        let page = Self { file, part };
        page.with("").map(|_| page)
    }

    /// Where the project's page is.
    pub(crate) fn of_the_project() -> PathBuf {
        bench_folder().join("../docs/performance.md")
    }

    /// Puts `text` in the place of what the part had before.
    ///
    /// # Errors
    /// When somebody has taken the page or its part away in the meantime.
    pub(crate) fn put(&self, text: &str) -> Result<()> {
        let page = self.with(text)?;
        fs::write(&self.file, page).with_context(|| format!("writing {}", self.file.display()))
    }

    /// The page as it is now, but with `text` in this part.
    fn with(&self, text: &str) -> Result<String> {
        let Self { file, part } = self;
        let page = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        splice(&page, part, text)
            .with_context(|| format!("{} has no lines `{}` and `{}`", file.display(), begin(part), end(part)))
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
        for part in ["figures", "growth", "soak"] {
            Page::open(Page::of_the_project(), part).unwrap();
        }
        let page = fs::read_to_string(Page::of_the_project()).unwrap();
        assert!(page.contains("What was tried and did not pay"));
    }

    #[test]
    fn a_page_that_cannot_take_the_figures_is_refused_before_they_are_measured() {
        let error = |file| Page::open(file, "no such part").unwrap_err().to_string();
        assert!(error(Page::of_the_project()).contains("has no lines `<!-- begin no such part -->` and `<!-- end"));
        assert!(error("no/such/page.md".into()).starts_with("reading no/such/page.md"));
    }
}
