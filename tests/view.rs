//! `recvault view`: looking without carrying away, by a link that works once, on this machine, for
//! the asker alone; whatever is shown is logged before it is.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdout, Command},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    case::{Case, Run, files_below},
    handover::{approve_by_hand, ask, export, package},
    sheet::one_clip,
};

/// A view that runs, and how to reach it.
struct View {
    child: Child,
    out: BufReader<ChildStdout>,
    port: u16,
    link: String,
}

impl View {
    fn start(case: &Case, request: &str) -> Self {
        let mut child = case.start(&["view", request]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Some(rest) = line.trim_end().strip_prefix("http://127.0.0.1:") else {
            panic!("no link: {line} {}", Run::of(child, "view").told());
        };
        let (port, path) = rest.split_once('/').unwrap();
        Self {
            child,
            out,
            port: port.parse().unwrap(),
            link: format!("/{path}"),
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.link)
    }

    fn ask(&self, method: &str, path: &str, more: &[String]) -> Said {
        let host = format!("127.0.0.1:{}", self.port);
        said(self.port, &host, method, path, more)
    }

    /// Opens the link; gives back the line by which the browser is known from then on.
    fn open(&self) -> String {
        let opened = self.ask("GET", &self.link, &[]);
        assert_eq!(opened.status, 200, "{}", opened.head);
        let cookie = opened.header("set-cookie").unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        format!("Cookie: {}", cookie.split(';').next().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; gives back the exit code and what it printed behind the link.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let run = Run::of(self.child, "view");
        (run.ended(), format!("{rest}{}", run.told()))
    }
}

struct Said {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Said {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|l| l.1)
    }
}

fn said(port: u16, host: &str, method: &str, path: &str, more: &[String]) -> Said {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let more: String = more.iter().map(|line| format!("{line}\r\n")).collect();
    let text =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    Said {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: all.split_off(end + 4),
    }
}

/// The bodies of the events of one kind.
fn events(case: &Case, kind: &str) -> Vec<Value> {
    let all = case.events().into_iter();
    let all = all.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let of_kind = all.filter(|event| event["kind"] == kind);
    of_kind.map(|event| event["body"].clone()).collect()
}

/// Files below the store, originals and renditions apart, that begin as a picture or a film does.
fn shown_outside(case: &Case) -> Vec<std::path::PathBuf> {
    let mut all = files_below(&case.store());
    let own = ["originals", "inbox", "renditions"].map(|part| case.store().join(part));
    all.retain(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        let film = bytes.get(4..8) == Some(b"ftyp") || bytes.starts_with(b"\x1a\x45\xdf\xa3");
        let picture = bytes.starts_with(&[0xff, 0xd8, 0xff]);
        let left = file
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("qtmux");
        let below = |dirs: &[std::path::PathBuf]| dirs.iter().any(|dir| file.starts_with(dir));
        left || picture && !below(&own[..2]) || film && !below(&own)
    });
    all
}

/// A recording, and an approved request to look at it.
fn approved() -> (Case, String, String) {
    let (case, id, _) = one_clip(true);
    let request = ask(&case, &id, "view");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    (case, id, request)
}

/// Goal: the use is spent before anything answers, the link works once, each part is logged before
/// it is given, and the end says how much was.
#[test]
fn clause_4_7_a_view_is_spent_before_it_and_each_part_of_it_is_logged() {
    let (case, id, request) = approved();
    let to = case.beside("elsewhere");
    fs::create_dir(&to).unwrap();
    let _ = export(&case, &request, &to).code(3).says("recvault view");
    let view = View::start(&case, &request);
    assert_eq!(events(&case, "access.spent").len(), 1);
    // Nothing without the link, by another name of this machine, or by a guess; a guess costs nothing.
    let port = view.port;
    for host in ["localhost", "evil.example:80", &format!("localhost:{port}")] {
        assert_eq!(
            said(port, host, "GET", &view.link, &[]).status,
            403,
            "{host}"
        );
    }
    assert_eq!(view.ask("GET", "/", &[]).status, 403);
    assert_eq!(view.ask("GET", "/open/guess", &[]).status, 403);
    assert_eq!(view.ask("HEAD", &view.link, &[]).status, 405);
    let cookie = view.open();
    assert_eq!(
        view.ask("GET", &view.link, &[]).status,
        403,
        "it works once"
    );
    let own = |method: &str, path: &str, more: &[&str]| {
        let mut lines: Vec<String> = more.iter().map(|line| (*line).to_owned()).collect();
        lines.push(cookie.clone());
        view.ask(method, path, &lines)
    };
    let page = own("GET", "/", &[]);
    let text = String::from_utf8(page.body.clone()).unwrap();
    let sheet = text.find(&format!("<img src=\"/sheet/{id}\"")).unwrap();
    assert!(
        sheet < text.find(&format!("src=\"/copy/{id}\"")).unwrap(),
        "{text}"
    );
    assert!(text.contains("东城派出所 王警官 &lt;script&gt;"));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"));
    assert!(events(&case, "access.served").is_empty());
    let sheet = own("GET", &format!("/sheet/{id}"), &[]);
    assert!(sheet.status == 200 && sheet.body.starts_with(&[0xff, 0xd8, 0xff]));
    let path = format!("/copy/{id}");
    let whole = own("GET", &path, &[]);
    assert_eq!(
        (whole.status, whole.header("content-type")),
        (200, Some("video/mp4"))
    );
    let bytes = whole.body.len();
    let part = own("GET", &path, &["Range: bytes=100-299"]);
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, &whole.body[100..300])
    );
    let range = format!("bytes 100-299/{bytes}");
    assert_eq!(part.header("content-range"), Some(&*range));
    // What gives nothing is no event.
    let head = own("HEAD", &path, &[]);
    assert_eq!(head.header("content-length"), Some(&*bytes.to_string()));
    assert!(head.body.is_empty());
    let beyond = format!("Range: bytes={bytes}-");
    assert_eq!(own("GET", &path, &[&beyond]).status, 416);
    assert_eq!(own("PUT", &path, &[]).status, 405);
    assert_eq!(own("GET", "/copy/another", &[]).status, 404);
    assert_eq!(
        own("GET", &path, &["Sec-Fetch-Site: same-site"]).status,
        403
    );
    let served = events(&case, "access.served");
    let told: Vec<_> = served
        .iter()
        .map(|e| (e["sheet"] == true, e["from"].as_u64(), e["to"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [
            (true, Some(0), Some(sheet.body.len() as u64)),
            (false, Some(0), Some(bytes as u64)),
            (false, Some(100), Some(300)),
        ]
    );
    assert!(
        served
            .iter()
            .all(|e| e["recording"] == *id && e["request"] == *request)
    );
    let _ = case
        .store_command(&["trail", &id])
        .code(0)
        .says("access.served");
    // A copy that was kept nevertheless names this view.
    let kept = case.beside("kept.mp4");
    fs::write(&kept, &whole.body).unwrap();
    let _ = case
        .store_command(&["trace", kept.to_str().unwrap()])
        .code(0)
        .says(&request);
    assert_eq!(shown_outside(&case), [] as [std::path::PathBuf; 0]);
    assert_eq!(
        own("POST", "/close", &["Sec-Fetch-Site: same-site"]).status,
        403
    );
    assert_eq!(own("POST", "/close", &[]).status, 200);
    let (code, told) = view.ended();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("in 3 answers"), "{told}");
    let ended = events(&case, "access.ended");
    let given = (sheet.body.len() + bytes + 200) as u64;
    assert_eq!(ended[0]["outcome"]["outcome"], "viewed");
    assert_eq!(ended[0]["outcome"]["bytes"], given);
    let _ = case
        .store_command(&["view", &request])
        .code(3)
        .says("is used up");
    let _ = case
        .store_command(&["requests", &request])
        .code(0)
        .says("viewed: ");
    assert_eq!(shown_outside(&case), [] as [std::path::PathBuf; 0]);
    let _ = case.store_command(&["check"]).code(0);
    let _ = case.store_command(&["rebuild"]).code(0);
}

/// Goal: what was cut off before anything was shown is gone on with; what was shown is spent,
/// however it ended. Ctrl-C is an end like any other.
#[test]
fn what_was_shown_is_spent_however_the_showing_ended() {
    let (case, id, request) = approved();
    let view = View::start(&case, &request);
    view.signal(Signal::KILL);
    let _ = view.ended();
    let view = View::start(&case, &request);
    assert_eq!(events(&case, "access.spent")[1]["again"], true);
    let cookie = view.open();
    let sheet = view.ask("GET", &format!("/sheet/{id}"), &[cookie]);
    assert_eq!(sheet.status, 200);
    view.signal(Signal::KILL);
    let _ = view.ended();
    let _ = case
        .store_command(&["view", &request])
        .code(3)
        .says("is used up");
    let _ = case
        .store_command(&["requests", &request])
        .says("showed something, 1 answer");

    let request = ask(&case, &id, "view");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let view = View::start(&case, &request);
    view.signal(Signal::INT);
    let (code, told) = view.ended();
    assert_eq!(code, Some(0), "{told}");
    let ended = events(&case, "access.ended");
    assert_eq!(ended[0]["outcome"]["bytes"], 0);
    let _ = case
        .store_command(&["view", &request])
        .code(3)
        .says("is used up");
}

/// Goal: where another process owns the store, that one shows, to the asker alone; it prints nothing
/// of the link, shows nothing behind a denial, and ends with its client.
#[test]
fn an_owner_shows_to_its_client_alone_and_ends_with_it() {
    let (case, id, _) = one_clip(true);
    let request = ask(&case, &id, "view");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let owner = case.serve();
    let view = View::start(&case, &request);
    if rustix::process::geteuid().is_root() {
        // By a shell that every user may run: the Python of one who keeps his own may be his alone.
        let text = "exec 3<>/dev/tcp/127.0.0.1/$0\n\
            printf 'GET %s HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\nConnection: close\\r\\n\\r\\n' \"$1\" $0 >&3\n\
            cat <&3";
        let port = view.port.to_string();
        let other = Command::new("/bin/bash")
            .args(["-c", text, &port, &view.link])
            .current_dir("/")
            .uid(65534)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&other.stdout).into_owned();
        assert!(
            told.contains("403") && told.contains("alone who asked"),
            "{other:?}"
        );
    } else {
        eprintln!("SKIPPED: only root can be another user");
    }
    let cookie = view.open();
    let look = || view.ask("GET", &format!("/copy/{id}"), std::slice::from_ref(&cookie));
    assert_eq!(look().status, 200);
    let key = case.beside("approver-1");
    let deny = [
        "deny",
        &request,
        "--reason",
        "over",
        "--key",
        key.to_str().unwrap(),
    ];
    let _ = case.store_command(&deny).code(0);
    assert_eq!(look().status, 403);
    assert_eq!(events(&case, "access.served").len(), 1);
    view.signal(Signal::KILL);
    let (port, link) = (view.port, view.link.clone());
    let _ = view.ended();
    let begun = std::time::Instant::now();
    while events(&case, "access.ended").is_empty() {
        let waited = begun.elapsed().as_secs();
        assert!(waited < 30, "the owner does not end what nobody looks at");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    kill_process(Pid::from_child(&owner), Signal::TERM).unwrap();
    let _ = Run::of(owner, "serve").code(0).says_not(&link);
}

/// What the first video of a page came to in headless Chromium; nothing, said aloud, without one.
fn played(url: &str) -> Option<Value> {
    let has = Command::new("chromium").arg("--version").output();
    if !has.is_ok_and(|has| has.status.success()) {
        eprintln!("SKIPPED: there is no chromium on this machine");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser.py");
    let seen = Command::new("python3")
        .args([script, url])
        .output()
        .unwrap();
    assert!(seen.status.success(), "{seen:?}");
    Some(serde_json::from_slice(&seen.stdout).unwrap())
}

fn plays(seen: &Value, copy: &Path) {
    assert_eq!(seen["error"], Value::Null, "{seen}");
    assert!(seen["time"].as_f64().unwrap() > 0.3, "{seen}");
    assert_eq!(seen["image"], 664, "two pictures and their ground: {seen}");
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=width",
            "-of",
            "csv=p=0",
        ])
        .arg(copy)
        .output()
        .unwrap();
    let width: u64 = String::from_utf8_lossy(&probed.stdout)
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(seen["width"], width, "{seen}");
}

/// Goal: the marked copy plays in a browser, from the package's own page and from the view's.
#[test]
fn a_browser_plays_the_package_and_the_view() {
    let (case, id, to) = one_clip(true);
    let request = ask(&case, &id, "copy");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let _ = export(&case, &request, &to).code(0);
    let package = package(&to);
    let copy = package.join(format!("data/{id}.mp4"));
    let index = package.join("index.html");
    let url = format!("file://{}", index.to_str().unwrap().replace(' ', "%20"));
    let Some(seen) = played(&url) else { return };
    plays(&seen, &copy);

    let request = ask(&case, &id, "view");
    let _ = approve_by_hand(&case, &request, 2).code(0);
    let view = View::start(&case, &request);
    let seen = played(&view.url()).unwrap();
    plays(&seen, &copy);
    assert!(!seen["url"].as_str().unwrap().contains("open"), "{seen}");
    let served = events(&case, "access.served");
    assert!(served.iter().any(|e| e["sheet"] == true), "{served:?}");
    assert!(served.iter().any(|e| e["sheet"] != true), "{served:?}");
    view.signal(Signal::INT);
    assert_eq!(view.ended().0, Some(0));
}
