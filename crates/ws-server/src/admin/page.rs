//! The inspector: a page and its files, as they are in `page/`, in the program itself. They are public and hold no data: what the
//! page shows it asks of the API, with the token that its user gives it. It is never made from a template.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::problem::Problem;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Nothing but our own files, and no way to make code or markup of text: what clients send is shown on the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Its files by the paths at which they are got, their types, and what is in them.
macro_rules! files {
    ($($kind:ident $path:literal $file:literal),* $(,)?) => {
        &[$(($path, $kind, include_str!(concat!("page/", $file)))),*]
    };
}

const FILES: &[(&str, &str, &str)] = files![
    HTML "/" "index.html",
    CSS "/style.css" "style.css",
    SCRIPT "/app/api.js" "app/api.js",
    SCRIPT "/app/body_view.js" "app/body_view.js",
    SCRIPT "/app/charts.js" "app/charts.js",
    SCRIPT "/app/composer.js" "app/composer.js",
    SCRIPT "/app/connections.js" "app/connections.js",
    SCRIPT "/app/dom.js" "app/dom.js",
    SCRIPT "/app/event_detail.js" "app/event_detail.js",
    SCRIPT "/app/filter.js" "app/filter.js",
    SCRIPT "/app/follow_up.js" "app/follow_up.js",
    SCRIPT "/app/gaps.js" "app/gaps.js",
    SCRIPT "/app/main.js" "app/main.js",
    SCRIPT "/app/mocks.js" "app/mocks.js",
    SCRIPT "/app/polling.js" "app/polling.js",
    SCRIPT "/app/pulse.js" "app/pulse.js",
    SCRIPT "/app/recording.js" "app/recording.js",
    SCRIPT "/app/rooms.js" "app/rooms.js",
    SCRIPT "/app/server_state.js" "app/server_state.js",
    SCRIPT "/app/side.js" "app/side.js",
    SCRIPT "/app/store.js" "app/store.js",
    SCRIPT "/app/stream.js" "app/stream.js",
    SCRIPT "/app/theme.js" "app/theme.js",
    SCRIPT "/app/timeline.js" "app/timeline.js",
    SCRIPT "/app/unmatched.js" "app/unmatched.js",
    SCRIPT "/app/virtual_list.js" "app/virtual_list.js",
    SCRIPT "/app/words.js" "app/words.js",
    SCRIPT "/vendor/uPlot.iife.min.js" "vendor/uPlot.iife.min.js",
    CSS "/vendor/uPlot.min.css" "vendor/uPlot.min.css",
    TEXT "/vendor/uPlot.LICENSE.txt" "vendor/uPlot.LICENSE.txt",
];

/// The answer to a request for `path`, below the root of the API, if that is one of the page's.
pub(super) fn answer(method: &Method, path: &str) -> Option<Result<Response, Problem>> {
    // The page's own links are relative, and the root may be nested anywhere.
    let redirect = path.is_empty().then(|| made(StatusCode::PERMANENT_REDIRECT, header::LOCATION, "__admin/", ""));
    let file = || {
        let (_, kind, content) = FILES.iter().find(|(at, ..)| *at == path)?;
        Some(made(StatusCode::OK, header::CONTENT_TYPE, kind, content))
    };
    let response = redirect.or_else(file)?;
    if [Method::GET, Method::HEAD].contains(method) {
        return Some(Ok(response));
    }
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "use GET, HEAD");
    Some(Err(problem.header(header::ALLOW, HeaderValue::from_static("GET, HEAD"))))
}

fn made(status: StatusCode, name: HeaderName, value: &'static str, content: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    response.headers_mut().extend([
        (name, HeaderValue::from_static(value)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ]);
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn got(path: &str) -> Response {
        answer(&Method::GET, path).expect(path).expect(path)
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/page");
        let mut there = BTreeSet::from(["/".to_owned(), "/style.css".to_owned()]);
        for sub in ["app", "vendor"] {
            for entry in fs::read_dir(folder.join(sub)).unwrap() {
                there.insert(format!("/{sub}/{}", entry.unwrap().file_name().to_str().unwrap()));
            }
        }
        let served: BTreeSet<_> = FILES.iter().map(|(path, ..)| (*path).to_owned()).collect();
        assert_eq!(served, there);
        assert!(answer(&Method::GET, "/app/../style.css").is_none());
        assert!(answer(&Method::GET, "/connections").is_none());
    }

    #[test]
    fn nothing_may_run_but_our_own_files() {
        for (path, kind, _) in FILES {
            let headers = got(path).headers().clone();
            assert_eq!(headers[header::CONTENT_TYPE], *kind);
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn no_script_of_ours_makes_markup_or_code_of_text() {
        let makers =
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"];
        for (path, _, content) in FILES {
            for maker in makers {
                assert!(!content.contains(maker), "{path} has {maker}");
            }
        }
    }

    #[test]
    fn the_page_is_where_its_links_are_relative_to() {
        let response = got("");
        assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
        assert_eq!(response.headers()[header::LOCATION], "__admin/");
        let (_, _, page) = FILES[0];
        assert!(!page.contains("href=\"/") && !page.contains("src=\"/"), "an absolute link");
    }

    #[test]
    fn it_can_only_be_read() {
        let refused = answer(&Method::POST, "/style.css").unwrap().unwrap_err();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
