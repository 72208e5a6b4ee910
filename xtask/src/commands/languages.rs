//! The samples of docs/testing.md, as they stand there: tests in other languages, many at the same time, on one server; and how fast
//! a wait of the admin API wakes.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{Node, PYTEST, PYTEST_XDIST, Python, WEBSOCKETS, WS},
    workspace::Workspace,
};

/// How long the tests of one language may take; they take seconds.
const LIMIT: Duration = Duration::from_secs(3 * 60);

/// The files that docs/testing.md has.
const FILES: [&str; 4] = ["conftest.py", "test_orders.py", "mockforge.mjs", "orders.test.mjs"];

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let python = Python::ready(workspace, &[WEBSOCKETS, PYTEST, PYTEST_XDIST])?;
    let node = Node::ready(workspace, &[WS])?;
    let folder = workspace.scratch("languages");
    fs::create_dir_all(&folder).context("no folder for the samples")?;
    let text = fs::read_to_string(workspace.root().join("docs/testing.md")).context("docs/testing.md")?;
    for name in FILES {
        let sample = sample(&text, name).with_context(|| format!("docs/testing.md has no sample {name}"))?;
        fs::write(folder.join(name), sample).with_context(|| format!("{name} cannot be written"))?;
    }
    // Scripts of Node look for packages beside themselves, whatever NODE_PATH says to modules.
    let packages = folder.join("node_modules");
    if !packages.exists() {
        std::os::unix::fs::symlink(workspace.cache("node").join(WS).join("node_modules"), &packages)
            .context("node_modules cannot be linked")?;
    }

    let mut pytest = python.module_command("pytest");
    pytest.args(["-q", "-n", "4", "-p", "no:cacheprovider"]).arg(&folder);
    process::run(pytest.env("MOCKFORGE", mockforge.path()).env("PYTHONDONTWRITEBYTECODE", "1"), LIMIT)?;
    let mut tests = node.command();
    tests.args(["--test", "orders.test.mjs"]).current_dir(&folder);
    process::run(tests.env("MOCKFORGE", mockforge.path()), LIMIT)?;
    let mut wakes = python.script(&workspace.script("languages_wakes.py"));
    process::run(wakes.arg(mockforge.path()), LIMIT)
}

/// The code block of `markdown` that is the file `name`.
fn sample<'m>(markdown: &'m str, name: &str) -> Option<&'m str> {
    let (_, behind) = markdown
        .split_once(&format!(" {name}\n"))
        .filter(|(before, _)| before.lines().next_back().is_some_and(|line| line.starts_with("```")))?;
    behind.split_once("\n```").map(|(code, _)| code).filter(|code| !code.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_block_of_its_name() {
        let markdown = "in `a.py`:\n\n```python a.py\none\ntwo\n```\n\n```js b.mjs\nthree\n```\n";
        assert_eq!(sample(markdown, "a.py"), Some("one\ntwo"));
        assert_eq!(sample(markdown, "b.mjs"), Some("three"));
        assert_eq!(sample(markdown, "c.py"), None);
    }
}
