//! Whether an MP4 or MOV was cut off behind its index. Read by time, as a demuxer reads that may
//! seek, such a file ends at the first sample that is missing; pictures before the cut whose sound
//! lies behind it are lost, a whole second where the recorder interleaves by the second. Read by
//! place, everything before the cut comes out.

use std::{fs::File, os::fd::RawFd};

use super::boxes::boxes;

/// Whether the file behind the descriptor has its index (`moov`) and, behind that, media (`mdat`)
/// that should go on beyond the file's end (ISO/IEC 14496-12, 4.2). In doubt it was not cut.
pub(super) fn was_cut(fd: RawFd) -> bool {
    File::open(format!("/proc/self/fd/{fd}")).is_ok_and(|file| ends_early(&file))
}

fn ends_early(file: &File) -> bool {
    let Ok(len) = file.metadata().map(|m| m.len()) else {
        return false;
    };
    let mut indexed = false;
    for (n, found) in boxes(file, 0..len).enumerate() {
        let known = matches!(
            &found.kind,
            b"ftyp" | b"wide" | b"free" | b"skip" | b"moov" | b"mdat"
        );
        if n == 0 && !known {
            return false;
        }
        indexed |= &found.kind == b"moov";
        if found.end > len {
            return indexed && &found.kind == b"mdat";
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn cut(parts: &[&[u8]]) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&parts.concat()).unwrap();
        ends_early(&file)
    }

    fn small(size: u32, kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    #[test]
    fn cut_is_media_that_goes_on_beyond_the_end_behind_an_index() {
        let (ftyp, moov) = (small(12, b"ftyp", b"isom"), small(12, b"moov", b"...."));
        let whole = small(16, b"mdat", b"12345678");
        let short = small(17, b"mdat", b"12345678");
        let large = [
            &1_u32.to_be_bytes()[..],
            b"mdat",
            &99_u64.to_be_bytes(),
            b"1",
        ]
        .concat();
        assert!(cut(&[&ftyp, &moov, &short]));
        assert!(cut(&[&ftyp, &moov, &large]));
        for parts in [
            vec![&ftyp, &moov, &whole],
            vec![&ftyp, &short], // no index: nothing can be read of it anyhow
            vec![&ftyp, &whole, &moov], // the index at the end, as a recorder writes it
            vec![&short, &moov],
        ] {
            let parts: Vec<&[u8]> = parts.iter().map(|p| p.as_slice()).collect();
            assert!(!cut(&parts));
        }
        let hostile: [&[u8]; 6] = [
            b"",
            b"moov",
            b"\0\0\0\0moov",
            b"\0\0\0\x01moov\0\0\0\0\0\0\0\0",
            b"\xff\xff\xff\xffmoov",
            b"RIFF\0\0\0\0AVI LIST",
        ];
        for bytes in hostile {
            assert!(!cut(&[bytes]), "{bytes:?}");
            assert!(!cut(&[&ftyp, bytes]), "{bytes:?}");
        }
        let endless = small(8, b"free", b"").repeat(super::super::boxes::BOXES_MAX + 1);
        assert!(!cut(&[&ftyp, &endless]));
    }
}
