//! The patterns that hold where the configuration names none. Each stands with who writes such
//! names; none of them is a published standard, they are what is seen in practice. Order matters:
//! what says more comes first.

/// The patterns that stand where the configuration says nothing, in order, each with who writes
/// such names. None of these is a published standard; they are what is seen in practice.
pub const DEFAULT_PATTERNS: &[(&str, &str)] = &[
    (
        "[DSJ_]{device}_{officer}_{date}_{time}[_{sequence}][_{mark}].{ext}",
        "law-enforcement recorders: DSJ-A8_100123_20260105_093000_0001_IMP.mp4",
    ),
    (
        "[DSJ_]{device}_{officer}_{datetime}[_{sequence}][_{mark}].{ext}",
        "the same with date and time in one: A8000012_100123_20260105093000_0001.mp4",
    ),
    (
        "DCAM_{device}_{officer}_{date}_{time}[_{sequence}][_{mark}].{ext}",
        "Android-based recorders: DCAM_CAM001_100123_20260105_093000_IMP.mp4",
    ),
    (
        "{datetime}_{device}_{officer}[_{sequence}][_{mark}].{ext}",
        "collection stations after GA/T 947, time first: 20260105093000_A8000012_100123.mp4",
    ),
    (
        "{device}_{datetime}[_{sequence}][_{mark}].{ext}",
        "recorders without an officer's number: A8000012_20260105093000_0001.mp4",
    ),
    (
        "{device}_{date}_{time}[_{sequence}][_{mark}].{ext}",
        "the same with date and time apart: CAM001_20260105_093000.mp4",
    ),
    (
        "{datetime}[_{sequence}][_{mark}].{ext}",
        "small recorders and dash cameras: 20260105093000_0012.avi",
    ),
    (
        "{date}_{time}[_{sequence}][_{mark}].{ext}",
        "the same with date and time apart: 20260105_093000_012.mp4",
    ),
    (
        "{year}_{month}{day}_{hour}{minute}{second}[_{sequence}].{ext}",
        "recorders and dash cameras on Novatek chips: 2026_0105_093000_012.MP4",
    ),
    (
        "{year}-{month}-{day}_{hour}-{minute}-{second}[-{any}].{ext}",
        "vehicle cameras: 2026-01-05_09-30-00-front.mp4",
    ),
    (
        "VID_{date}_{time}[_{any}].{ext}",
        "Android phones and 360-degree cameras: VID_20260105_093000.mp4",
    ),
    (
        "IMG_{date}_{time}[_{any}].{ext}",
        "photos of Android phones: IMG_20260105_093000.jpg",
    ),
    (
        "GX{digits:2}{sequence:4}.{ext}",
        "GoPro in HEVC, chapter and file number: GX010001.MP4",
    ),
    (
        "GH{digits:2}{sequence:4}.{ext}",
        "GoPro in H.264: GH010001.MP4",
    ),
    ("GOPR{sequence:4}.{ext}", "GoPro before HERO6: GOPR0001.MP4"),
    (
        "{digits:3}_{sequence:4}.{ext}",
        "cameras that number folder and file: 100_0306.AVI",
    ),
    (
        "IMG_{sequence:4}.{ext}",
        "phones and cameras after DCF: IMG_0001.MOV",
    ),
    ("MVI_{sequence:4}.{ext}", "cameras after DCF: MVI_0001.AVI"),
    (
        "DSC[_]{sequence:4}.{ext}",
        "cameras after DCF: DSC_0001.MOV, DSC0001.JPG",
    ),
];

/// The folder patterns that stand where the configuration says nothing. All of them want a real
/// date among the folders, lest `100MEDIA` be taken for a recorder.
pub const DEFAULT_FOLDERS: &[(&str, &str)] = &[
    (
        "**/{device}_{officer}/{date}/{any}",
        "collection stations: A8000012_100123/20260105/x.mp4",
    ),
    (
        "**/{device}/{date}/{any}",
        "collection stations: A8000012/20260105/x.mp4",
    ),
    (
        "**/{device}/{year}-{month}-{day}/{any}",
        "the same with dashes: A8000012/2026-01-05/x.mp4",
    ),
    (
        "**/{device}/{year}-{month}-{day}/{digits}/dav/{digits:2}/{hour}.{minute}.{second}-{any}",
        "Dahua: A8000012/2026-01-05/001/dav/09/09.30.00-09.45.00[M][0@0][0].dav",
    ),
];
