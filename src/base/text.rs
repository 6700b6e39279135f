//! Bytes and sentences for people.

/// `1.4 GB`, in powers of a thousand, as disks are sold.
#[must_use]
pub fn bytes_human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1:02:03.4`, `2:03.4` or `3.4 s`: a position or length within a recording.
#[must_use]
pub fn duration_human(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let tenths = ms.unsigned_abs().saturating_add(50) / 100;
    let (s, t) = (tenths / 10, tenths % 10);
    let (h, m) = (s / 3_600, s / 60 % 60);
    match (h, m) {
        (0, 0) => format!("{sign}{s}.{t} s"),
        (0, _) => format!("{sign}{m}:{:02}.{t}", s % 60),
        _ => format!("{sign}{h}:{m:02}:{:02}.{t}", s % 60),
    }
}

/// Bytes of a file name as text that cannot harm a terminal or a page: UTF-8 where it is, and
/// `%XX` for a byte that is not, for `%` itself, for control and for direction-changing characters.
#[must_use]
pub fn name_human(name: &[u8]) -> String {
    fn escape(out: &mut String, bytes: &[u8]) {
        for b in bytes {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    let mut out = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}');
            if c.is_control() || c == '%' || turns {
                escape(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(c);
            }
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lengths_read_as_people_write_them() {
        for (n, s) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_960, "1.0 MB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(bytes_human(n), s);
        }
        for (ms, s) in [
            (0, "0.0 s"),
            (3_449, "3.4 s"),
            (59_950, "1:00.0"),
            (3_723_400, "1:02:03.4"),
            (-500, "-0.5 s"),
        ] {
            assert_eq!(duration_human(ms), s, "{ms}");
        }
    }

    #[test]
    fn a_hostile_name_is_harmless_and_still_tells_its_bytes() {
        assert_eq!(name_human("巡查 01.mp4".as_bytes()), "巡查 01.mp4");
        assert_eq!(name_human(b"a\xff\x1b[31m%.mp4"), "a%FF%1B[31m%25.mp4");
        assert_eq!(name_human("\u{202e}4pm".as_bytes()), "%E2%80%AE4pm");
    }
}
