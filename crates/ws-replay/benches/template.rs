//! How long it takes to fill in a text, by what is in it.
//!
//! [`TemplateRenderer`] keeps what it compiled, so what is measured is what a message of a script costs: finding the compiled
//! text, and filling it in.

#![allow(clippy::unwrap_used, reason = "the texts are written here")]

use divan::{Bencher, black_box};
use ws_replay::{ReplayOptions, TemplateRenderer};

fn main() {
    divan::main();
}

const TEXTS: [&str; 8] = [
    "no token at all, and as long as the others",
    "{{uuid}}",
    "{{now}}",
    "{{randInt 1 100}}",
    "{{rand.float}}",
    "{{faker.email}}",
    r#"{"type":"welcome","at":"{{now}}","id":"{{uuid}}"}"#,
    r#"{"name":"{{faker.name}}","email":"{{faker.email}}","age":{{randInt 18 99}}}"#,
];

#[divan::bench(args = TEXTS)]
fn render(bencher: Bencher<'_, '_>, text: &str) {
    let renderer = TemplateRenderer::new(&ReplayOptions::default());
    renderer.render(None, text).unwrap();
    bencher.bench_local(|| renderer.render(None, black_box(text)));
}
