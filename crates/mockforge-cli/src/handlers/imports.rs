//! What a script imports, by what stands in it: a mistake in one of these files is one of the script's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The script and the files that it imports, also through others; as seen from its folder, with slashes.
///
/// Every text in quotes that could name a file is taken for an import: whatever is too much was never loaded, and so has
/// no mistakes.
pub(super) fn imported(dir: &Path, script: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![script.to_owned()];
    while let Some(file) = next.pop() {
        if found.contains(&file) {
            continue;
        }
        let path = dir.join(&file);
        if path.is_file()
            && let Ok(source) = fs::read_to_string(path)
        {
            next.extend(specifiers(&source).filter_map(|specifier| resolved(&file, specifier)));
        }
        found.insert(file);
    }
    found
}

fn specifiers(source: &str) -> impl Iterator<Item = &str> {
    let quoted = ['"', '\'', '`'].into_iter().flat_map(|quote| source.split(quote));
    quoted.filter(|text| text.starts_with("./") || text.starts_with("../")).filter(|text| text.ends_with(".js"))
}

/// The file that `specifier` names in `file`; none, if that is above the folder.
fn resolved(file: &str, specifier: &str) -> Option<String> {
    let mut segments: Vec<&str> = file.split('/').collect();
    segments.pop();
    for segment in specifier.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        for (name, source) in [
            ("a.js", "import { x } from \"./_x.js\";\nimport './lib/y.js'; // it's here\nimport(`../out.js`);"),
            ("_x.js", "export * from './a.js';"),
            ("lib/y.js", "import '../z.js';"),
            ("b.js", "import './_b.js';"),
            ("_b.js", ""),
        ] {
            fs::write(folder.path().join(name), source).unwrap();
        }
        let found: Vec<_> = imported(folder.path(), "a.js").into_iter().collect();
        assert_eq!(found, ["_x.js", "a.js", "lib/y.js", "z.js"]);
    }
}
