//! The room in which somebody looks: what every request is answered, and what is logged before it is.

use std::{
    cell::Cell,
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http_range_header::parse_range_header;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

use super::body::Served;
use crate::{
    base::{Digest, RecordingId},
    hashing::sha256,
    store::{Glimpse, Spent, Store},
};

/// Answers with a stretch of a recording that one use may have. Each is an event; a player that is
/// used by a person makes some dozens.
const ANSWERS_MAX: u64 = 10_000;

/// What the page may load, and who may show it: itself, and nobody.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// One recording to be looked at.
pub(super) struct Exhibit {
    pub(super) id: RecordingId,
    pub(super) copy: File,
    pub(super) copy_bytes: u64,
    /// The contact sheet, with its size.
    pub(super) sheet: Option<(File, u64)>,
}

/// Everything that answers need.
pub(super) struct Room<'a> {
    store: &'a Store,
    spent: &'a Spent,
    by: u32,
    exhibits: &'a [Exhibit],
    page: String,
    /// What the copies are, such as `video/mp4`.
    kind: &'static str,
    /// `127.0.0.1:40123`: whoever asks for another host was led here by a name that is not ours.
    host: String,
    /// Digest of the link's secret.
    link: Digest,
    opened: Cell<bool>,
    cookie: String,
    closed: Cell<bool>,
    answers: Cell<u64>,
    given: Arc<AtomicU64>,
}

/// How the room is reached.
pub(super) struct Door {
    /// The secret in the link, good once.
    pub(super) link: String,
    /// The secret that the browser keeps from then on.
    pub(super) session: String,
    /// The port.
    pub(super) port: u16,
}

type Answer = Response<Served>;

impl<'a> Room<'a> {
    pub(super) fn new(
        store: &'a Store,
        spent: &'a Spent,
        by: u32,
        exhibits: &'a [Exhibit],
        page: String,
        extension: &str,
        door: &Door,
    ) -> Self {
        Self {
            store,
            spent,
            by,
            exhibits,
            page,
            kind: match extension {
                "mp4" => "video/mp4",
                "webm" => "video/webm",
                "mkv" => "video/x-matroska",
                _ => "application/octet-stream",
            },
            host: format!("127.0.0.1:{}", door.port),
            link: sha256(door.link.as_bytes()),
            opened: Cell::new(false),
            // By port: browsers keep cookies by host alone, and two may look at once.
            cookie: format!("recvault-{}={}", door.port, door.session),
            closed: Cell::new(false),
            answers: Cell::new(0),
            given: Arc::default(),
        }
    }

    /// Whether whoever looks has closed it.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Bytes that were given, and in how many answers.
    pub(super) fn given(&self) -> (u64, u64) {
        (self.given.load(Ordering::Relaxed), self.answers.get())
    }

    /// Answers one request of the person's own browser.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Answer {
        let mut answer = self.judge(request);
        let headers = answer.headers_mut();
        let fixed = [
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    fn judge<B>(&self, request: &Request<B>) -> Answer {
        let said = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
        if said(header::HOST) != Some(&self.host) {
            return words(StatusCode::FORBIDDEN, "This is not the page of that host.");
        }
        let path = request.uri().path();
        if let Some(link) = path.strip_prefix("/open/") {
            return match *request.method() {
                Method::GET => self.open(link),
                _ => not_so("GET"),
            };
        }
        let cookies = said(header::COOKIE).unwrap_or_default();
        if !cookies.split("; ").any(|cookie| cookie == self.cookie) {
            let text = "Nothing is shown here but by the link that recvault printed.";
            return words(StatusCode::FORBIDDEN, text);
        }
        // A page of another server on this machine is of the same site, and not of ours.
        let from = said(HeaderName::from_static("sec-fetch-site"));
        if !matches!(from, None | Some("same-origin" | "none")) {
            return words(StatusCode::FORBIDDEN, "Another page asked for this.");
        }
        let exhibit = |id: &str| self.exhibits.iter().find(|e| e.id.to_string() == id);
        let (looks, path) = (is_look(request.method()), path.trim_start_matches('/'));
        match path.split_once('/') {
            None if path == "close" => match *request.method() {
                Method::POST => {
                    self.closed.set(true);
                    let text = "已关闭。 It is closed; nothing of it is left.";
                    words(StatusCode::OK, text)
                }
                _ => not_so("POST"),
            },
            _ if !looks => not_so("GET, HEAD"),
            None if path.is_empty() => page(self.page.clone()),
            Some(("sheet", id)) => match exhibit(id) {
                Some(Exhibit {
                    id,
                    sheet: Some((file, bytes)),
                    ..
                }) => self.stretch(request, (*id, true), file, *bytes, "image/jpeg"),
                _ => nowhere(),
            },
            Some(("copy", id)) => match exhibit(id) {
                Some(e) => self.stretch(request, (e.id, false), &e.copy, e.copy_bytes, self.kind),
                None => nowhere(),
            },
            _ => nowhere(),
        }
    }

    /// The link: good once, and from then on the browser has a secret of its own.
    fn open(&self, link: &str) -> Answer {
        // Compared by digests, so that how long it takes tells nothing.
        if sha256(link.as_bytes()) != self.link || self.opened.replace(true) {
            let text =
                "This link is used up, or is none. Ask for the view again where it was made.";
            return words(StatusCode::FORBIDDEN, text);
        }
        // By a page and not by a redirection: a cookie that is this strict does not travel along
        // one when the link was followed from another page.
        let mut answer = page(
            "<!DOCTYPE html><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=/\"><a href=\"/\">recvault</a>"
                .to_owned(),
        );
        let cookie = format!("{}; HttpOnly; SameSite=Strict; Path=/", self.cookie);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        answer
    }

    /// A stretch of a file, or all of it: logged, and only then given.
    fn stretch<B>(
        &self,
        request: &Request<B>,
        (recording, sheet): (RecordingId, bool),
        file: &File,
        bytes: u64,
        kind: &'static str,
    ) -> Answer {
        let (status, from, to) = match wanted(request.headers(), bytes) {
            Some(Ok((from, to))) => (StatusCode::PARTIAL_CONTENT, from, to),
            None => (StatusCode::OK, 0, bytes),
            Some(Err(())) => {
                let mut answer = words(StatusCode::RANGE_NOT_SATISFIABLE, "There is no such part.");
                set(
                    &mut answer,
                    header::CONTENT_RANGE,
                    &format!("bytes */{bytes}"),
                );
                return answer;
            }
        };
        let body = if request.method() == Method::HEAD {
            Served::nothing()
        } else {
            if self.answers.get() >= ANSWERS_MAX {
                let text = "It was asked for more often than anybody looks.";
                return words(StatusCode::TOO_MANY_REQUESTS, text);
            }
            let glimpse = Glimpse {
                recording,
                sheet,
                from,
                to,
            };
            if let Err(e) = self.store.serve_access(self.by, self.spent, glimpse) {
                return words(StatusCode::FORBIDDEN, &format!("Not shown: {e}."));
            }
            let Ok(file) = file.try_clone() else {
                return words(StatusCode::SERVICE_UNAVAILABLE, "It cannot be read.");
            };
            self.answers.set(self.answers.get().saturating_add(1));
            let given = Arc::clone(&self.given);
            Served::Stretch {
                file,
                from,
                to,
                given,
            }
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        set(&mut answer, header::CONTENT_TYPE, kind);
        set(&mut answer, header::ACCEPT_RANGES, "bytes");
        let length = to.saturating_sub(from).to_string();
        set(&mut answer, header::CONTENT_LENGTH, &length);
        if status == StatusCode::PARTIAL_CONTENT {
            let last = to.saturating_sub(1);
            let range = format!("bytes {from}-{last}/{bytes}");
            set(&mut answer, header::CONTENT_RANGE, &range);
        }
        answer
    }
}

/// The one stretch that is asked for, its end behind its last byte; nothing when all of it is, or
/// several that are not one. An error when there is no such part.
fn wanted(headers: &HeaderMap, bytes: u64) -> Option<Result<(u64, u64), ()>> {
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    // What is not understood is as if it had not been said.
    let parsed = parse_range_header(text).ok()?;
    let several = parsed.ranges.len() > 1;
    match parsed.validate(bytes).as_deref() {
        Ok([range]) => Some(Ok((*range.start(), range.end().saturating_add(1)))),
        Ok(_) => None,
        Err(_) if several => None,
        Err(_) => Some(Err(())),
    }
}

fn is_look(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn words(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Served::words(format!("{text}\n")));
    *answer.status_mut() = status;
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8",
    );
    answer
}

fn page(text: String) -> Answer {
    let mut answer = Response::new(Served::words(text));
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    answer
}

fn nowhere() -> Answer {
    words(StatusCode::NOT_FOUND, "There is nothing of that name.")
}

fn not_so(allowed: &str) -> Answer {
    let mut answer = words(StatusCode::METHOD_NOT_ALLOWED, "Not in this way.");
    set(&mut answer, header::ALLOW, allowed);
    answer
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_stretch_is_given_and_several_are_all_of_it() {
        for (range, expected) in [
            (None, None),
            (Some("bytes=0-"), Some(Ok((0, 100)))),
            (Some("bytes=10-19"), Some(Ok((10, 20)))),
            (Some("bytes=-5"), Some(Ok((95, 100)))),
            (Some("bytes=90-1000"), Some(Ok((90, 100)))),
            (Some("bytes=100-"), Some(Err(()))),
            (Some("bytes=0-1,50-51"), None),
            (Some("bytes=0-1,200-201"), None),
            (Some("lines=1-2"), None),
            (Some("bytes=2-1"), Some(Err(()))),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(range) = range {
                headers.insert(header::RANGE, HeaderValue::from_static(range));
            }
            assert_eq!(wanted(&headers, 100), expected, "{range:?}");
        }
    }
}
