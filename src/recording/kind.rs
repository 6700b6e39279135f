//! What sort of file a recorder gave us, told by its first bytes and, where they are silent, by
//! its name. This decides only who looks at it next; the bytes are vaulted either way.

use serde::{Deserialize, Serialize};

/// The sort of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Moving pictures, with or without sound.
    Video,
    /// Sound alone.
    Audio,
    /// A still picture.
    Photo,
    /// A recorder's own log or a track of positions: text.
    Log,
    /// A container that only its owner can open.
    Encrypted,
    /// Anything else.
    Other,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Video,
        Self::Audio,
        Self::Photo,
        Self::Log,
        Self::Encrypted,
        Self::Other,
    ];

    /// The word that tables, filters and events use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Photo => "photo",
            Self::Log => "log",
            Self::Encrypted => "encrypted",
            Self::Other => "other",
        }
    }

    /// Whether a worker can say more about it than its first bytes do.
    #[must_use]
    pub const fn is_media(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }

    /// Whether a worker looks at a file of this kind and so many bytes.
    #[must_use]
    pub const fn is_looked_at(self, bytes: u64) -> bool {
        self.is_media() && bytes > 0
    }

    /// Tells the kind by the first bytes (64 are enough) and the file name.
    ///
    /// Errs towards `Video` and `Audio`: a worker then finds out, while a video taken for a log
    /// would never be looked at.
    #[must_use]
    pub fn sniff(head: &[u8], name: &[u8]) -> Self {
        let at = |i: usize, magic: &[u8]| head.get(i..i + magic.len()) == Some(magic);
        if at(0, b"\xff\xd8\xff")
            || at(0, b"\x89PNG")
            || at(0, b"II*\0")
            || at(0, b"MM\0*")
            || at(0, b"GIF8")
            || (at(0, b"RIFF") && at(8, b"WEBP"))
            || (at(4, b"ftyp") && (at(8, b"heic") || at(8, b"mif1") || at(8, b"avif")))
        {
            return Self::Photo;
        }
        if at(0, b"ID3")
            || at(0, b"fLaC")
            || at(0, b"#!AMR")
            || (at(0, b"RIFF") && at(8, b"WAVE"))
            || (at(4, b"ftyp") && at(8, b"M4A"))
        {
            return Self::Audio;
        }
        if at(4, b"ftyp")
            || at(4, b"moov")
            || at(4, b"mdat")
            || at(4, b"wide")
            || at(4, b"free")
            || at(4, b"skip")
            || at(0, b"\x1a\x45\xdf\xa3")
            || (at(0, b"RIFF") && at(8, b"AVI "))
            || at(0, b"FLV\x01")
            || at(0, b"\0\0\x01\xba")
            || at(0, b"\0\0\x01\xb3")
            || at(0, b"\0\0\0\x01")
            || at(0, b"\x30\x26\xb2\x75")
            || (at(0, b"\x47")
                && matches!(extension(name).as_slice(), b"ts" | b"m2ts" | b"mts" | b"tp"))
        {
            return Self::Video;
        }
        if at(0, b"Salted__")
            || at(0, b"age-encryption.org/")
            || at(0, b"-----BEGIN PGP")
            || at(0, b"\x84\x8c\x03")
        {
            return Self::Encrypted;
        }
        match extension(name).as_slice() {
            b"mp4" | b"mov" | b"m4v" | b"avi" | b"mkv" | b"webm" | b"ts" | b"mts" | b"m2ts"
            | b"3gp" | b"3g2" | b"mpg" | b"mpeg" | b"flv" | b"wmv" | b"asf" | b"h264" | b"264"
            | b"h265" | b"265" | b"hevc" | b"dav" | b"insv" | b"lrv" => Self::Video,
            b"wav" | b"mp3" | b"aac" | b"m4a" | b"amr" | b"ogg" | b"opus" | b"flac" | b"wma" => {
                Self::Audio
            }
            b"jpg" | b"jpeg" | b"png" | b"heic" | b"bmp" | b"dng" | b"tif" | b"tiff" | b"gif"
            | b"webp" => Self::Photo,
            b"log" | b"txt" | b"gpx" | b"nmea" | b"csv" | b"srt" | b"json" | b"xml" | b"md"
            | b"tsv" => Self::Log,
            b"enc" | b"gpg" | b"age" | b"pgp" => Self::Encrypted,
            _ => Self::Other,
        }
    }
}

fn extension(name: &[u8]) -> Vec<u8> {
    let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
    match base.iter().rposition(|b| *b == b'.') {
        Some(dot) => base[dot + 1..].to_ascii_lowercase(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_before_names() {
        let cases: &[(&[u8], &str, Kind)] = &[
            (b"\0\0\0\x18ftypmp42", "a.mp4", Kind::Video),
            (b"\0\0\0\x18ftypmp42", "a.txt", Kind::Video),
            (b"\xff\xd8\xff\xe0", "a.mp4", Kind::Photo),
            (b"RIFF\0\0\0\0AVI LIST", "a", Kind::Video),
            (b"RIFF\0\0\0\0WAVEfmt ", "a.mp4", Kind::Audio),
            (b"G@\x11", "a.TS", Kind::Video),
            (b"Good morning", "a.log", Kind::Log),
            (b"", "empty.flv", Kind::Video),
            (b"Salted__abcdefgh", "a.mp4", Kind::Encrypted),
            (b"MZ", "setup.exe", Kind::Other),
            (b"MZ", "noextension", Kind::Other),
        ];
        for (head, name, kind) in cases {
            assert_eq!(Kind::sniff(head, name.as_bytes()), *kind, "{name}");
        }
    }
}
