//! Files that somebody or something broke: whatever is done to them, the night goes on, the original
//! is kept as it came, and it is said what became of it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    case::{Case, sha256},
    excerpt::ffmpeg,
    mutation::{Dice, Seed, mutated, seeds},
};

/// Goal: 300 files changed at random and by structure: no crash, no worker past its watchdog, each
/// classified, each original bit for bit what came.
#[test]
fn whatever_is_done_to_a_file_it_is_kept_and_classified() {
    let case = Case::new();
    let seeds = seeds(&case.beside("seeds"));
    let told = night_over(&case, &seeds, 300, &mut Dice(1));
    eprintln!("{told:?}");
    assert!(told["archived"] > 50 && told["kept"] > 50, "{told:?}");
    // Whatever of it can be presented is, and nothing is waited for.
    assert!(!told.contains_key("retry"), "{told:?}");
}

/// As many changes as asked for, in nights of a thousand, over our own seeds and small real files.
pub fn trial(count: usize, real: Vec<Seed>) {
    let mut dice = Dice(std::env::var("SEED").map_or(2, |s| s.parse().unwrap()));
    let mut sum = BTreeMap::new();
    let mut left = count;
    while left > 0 {
        let case = Case::new();
        let mut all = seeds(&case.beside("seeds"));
        for seed in &real {
            all.push(Seed::of(&seed.extension, seed.bytes.clone()));
        }
        let some = left.min(1_000);
        for (what, n) in night_over(&case, &all, some, &mut dice) {
            *sum.entry(what).or_insert(0) += n;
        }
        left -= some;
        eprintln!("{} of {count}: {sum:?}", count - left);
    }
}

/// Runs a night over so many changed files; how many came to what.
fn night_over(
    case: &Case,
    seeds: &[Seed],
    count: usize,
    dice: &mut Dice,
) -> BTreeMap<String, usize> {
    let settings = "[inbox]\nsettle_s = 0\n[archive]\nprofile = \"archive-h264\"\n";
    fs::write(case.store().join("recvault.toml"), settings).unwrap();
    let mut went_in = BTreeMap::new();
    while went_in.len() < count {
        let seed = dice.pick(seeds);
        let (what, bytes) = mutated(seed, seeds, dice);
        let name = format!("{:05}-{what}.{}", went_in.len(), seed.extension);
        let digest = sha256(&bytes);
        if went_in.contains_key(&digest) {
            continue;
        }
        fs::write(case.store().join("inbox").join(&name), bytes).unwrap();
        went_in.insert(digest, name);
    }
    let batch = case.store_command(&["batch", "--json"]);
    let ended = batch.ended();
    assert!(matches!(ended, Some(0 | 1)), "{ended:?}: {}", batch.told());
    let night = batch.json();
    assert_eq!(night["summary"]["ending"], "complete");
    let all = case.list();
    assert_eq!(all.len(), count);
    let mut told = BTreeMap::new();
    for recording in &all {
        let digest = recording["digest"].as_str().unwrap();
        let name = &went_in[digest];
        let vaulted = fs::read(case.original(recording)).unwrap();
        assert_eq!(sha256(vaulted), digest, "{name}");
        let findings = recording["findings"].as_array().unwrap();
        let kinds: Vec<&str> = findings
            .iter()
            .map(|f| f["kind"].as_str().unwrap())
            .collect();
        let state = recording["state"].as_str().unwrap();
        *told.entry(state.to_owned()).or_insert(0) += 1;
        match state {
            "archived" => assert_eq!(case.renditions(recording).len(), 1, "{name}"),
            "kept" => assert!(
                !matches!(recording["kind"].as_str(), Some("video" | "audio"))
                    || kinds.iter().any(|k| *k != "attribution.missing"),
                "{name}: kept without a reason"
            ),
            _ => {
                // Whoever died or stood still is told; the next night tries again.
                let told_by = ["worker.died", "worker.stalled", "rendition.rejected"];
                let why = kinds.iter().find(|k| told_by.contains(k));
                eprintln!("{name}: {findings:?}");
                keep_for_later(&case.original(recording), name);
                let why = why.unwrap_or_else(|| panic!("{name}: {state}: without a reason"));
                *told.entry((*why).to_owned()).or_insert(0) += 1;
            }
        }
    }
    told
}

/// Keeps a file over which a worker fell, where somebody asked for it.
fn keep_for_later(original: &Path, name: &str) {
    if let Some(dir) = std::env::var_os("RECVAULT_KEEP") {
        fs::create_dir_all(&dir).unwrap();
        let _ = fs::copy(original, Path::new(&dir).join(name));
    }
}

/// A night over small files, and over a longer one whose worker stands still if `poisoned`; how long
/// it took.
fn poisoned_night(small: usize, stall_s: u64, poisoned: bool) -> Duration {
    let settings = format!(
        "[inbox]\nsettle_s = 0\n[archive]\nprofile = \"archive-h264\"\n[worker]\nstall_s = {stall_s}\n"
    );
    let case = Case::new().configure(&settings);
    let seeds = seeds(&case.beside("seeds"));
    for n in 0..small {
        let mut bytes = seeds[n % 3].bytes.clone();
        bytes.extend([0, 0, 0, 12, b'f', b'r', b'e', b'e']);
        bytes.extend(u32::try_from(n).unwrap().to_be_bytes());
        fs::write(case.store().join(format!("inbox/{n}.mp4")), bytes).unwrap();
    }
    let long = case.store().join("inbox/00.mp4");
    let picture = "testsrc2=size=640x480:rate=25:duration=40";
    let how = [
        "-f",
        "lavfi",
        "-i",
        picture,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
    ];
    let _ = ffmpeg(&how, Some(&long));
    let digest = sha256(fs::read(&long).unwrap());
    let over = AtomicBool::new(false);
    let begun = std::time::Instant::now();
    thread::scope(|scope| {
        let stopper = scope.spawn(|| {
            while poisoned && !over.load(Ordering::SeqCst) {
                if let Some(worker) = worker_on(&digest) {
                    let pid = rustix::process::Pid::from_raw(worker).unwrap();
                    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
                    return true;
                }
                thread::sleep(Duration::from_millis(5));
            }
            false
        });
        let batch = case.store_command(&["batch", "--json"]);
        over.store(true, Ordering::SeqCst);
        assert_eq!(stopper.join().unwrap(), poisoned);
        assert_eq!(batch.json()["summary"]["ending"], "complete");
    });
    let took = begun.elapsed();
    let all = case.list();
    assert_eq!(all.len(), small + 1);
    for recording in &all {
        let whole = !poisoned || recording["digest"] != *digest;
        let state = if whole { "archived" } else { "retry" };
        assert_eq!(recording["state"], state, "{recording}");
    }
    took
}

/// The worker that reads the original of this digest.
fn worker_on(digest: &str) -> Option<i32> {
    let processes = fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|p| p.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers.into_iter().find(|number| {
        let dir = format!("/proc/{number}");
        let reads = fs::read_link(format!("{dir}/fd/3"));
        let named = fs::read(format!("{dir}/cmdline")).unwrap_or_default();
        reads.is_ok_and(|path| path.ends_with(digest))
            && String::from_utf8_lossy(&named).contains("__worker")
    })
}

/// Goal: a recording whose worker stands still costs its own time and no other recording its copy.
#[test]
fn a_poisoned_file_stops_itself_alone() {
    let _ = poisoned_night(10, 2, true);
}

/// Goal: of a thousand small files and a poisoned one: at most one watchdog later.
pub fn poison_trial() {
    let stall_s = 30;
    let (healthy, poisoned) = (
        poisoned_night(1_000, stall_s, false),
        poisoned_night(1_000, stall_s, true),
    );
    eprintln!("healthy {healthy:?}, with a poisoned file {poisoned:?}");
    assert!(poisoned <= healthy + Duration::from_secs(stall_s));
}
