//! `libSvtAv1Enc.so.1`, loaded once and never unloaded, because its threads outlive any one call.
//!
//! The declarations follow the library's public headers of release 1.4. Only what passes between
//! us and the library is declared; its large configuration stays opaque memory that the library
//! itself fills, and every setting goes in by name. Later 1.x releases carry the same file name but
//! another frame layout, so the release is asked for and compared before anything else is called.

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, OnceLock};

use super::error::SvtAv1Error;

const FILE: &str = "libSvtAv1Enc.so.1";
/// The release whose structures are declared below.
const RELEASE: &str = "v1.4";

/// What the library's calls return; zero is success.
pub(super) type Code = i32;
pub(super) const CODE_OK: Code = 0;
/// No packet is ready yet, or none will come any more.
pub(super) const CODE_EMPTY_QUEUE: Code = 0x8000_2033_u32.cast_signed();

/// Of a packet: it is the last one.
pub(super) const FLAG_EOS: u32 = 1;
/// Bits of a packet's flags that mean that encoding it failed.
pub(super) const FLAG_ERROR_MASK: u32 = 0xFFFF_FFF0;

pub(super) const PICTURE_KEY: i32 = 3;
/// Of an input frame: the encoder chooses.
pub(super) const PICTURE_AUTO: i32 = 0xFF;

pub(super) const COLOR_FORMAT_420: i32 = 1;

/// `EbSvtAv1EncConfiguration`, opaque. It has 1,720 bytes in 1.4.1 and the library never learns how
/// large ours is, so there is room to spare.
#[repr(C, align(64))]
pub(super) struct Configuration(pub [u8; 16 * 1024]);

/// `EbComponentType`: a handle that only the library looks into.
#[repr(C)]
pub(super) struct Component {
    _opaque: [u8; 0],
}

/// `EbBufferHeaderType`: one frame on its way in, or one packet on its way out.
#[repr(C)]
pub(super) struct BufferHeader {
    pub size: u32,
    pub buffer: *mut u8,
    pub filled_len: u32,
    pub alloc_len: u32,
    pub app_private: *mut c_void,
    pub wrapper: *mut c_void,
    pub tick_count: u32,
    pub dts: i64,
    pub pts: i64,
    pub qp: u32,
    pub pic_type: i32,
    pub luma_sse: u64,
    pub cr_sse: u64,
    pub cb_sse: u64,
    pub flags: u32,
    pub luma_ssim: f64,
    pub cr_ssim: f64,
    pub cb_ssim: f64,
    pub metadata: *mut c_void,
}

/// `EbSvtIOFormat`: where the planes of a frame are. Strides count samples, not bytes.
#[repr(C)]
pub(super) struct Planes {
    pub luma: *mut u8,
    pub cb: *mut u8,
    pub cr: *mut u8,
    pub luma_ext: *mut u8,
    pub cb_ext: *mut u8,
    pub cr_ext: *mut u8,
    pub luma_stride: u32,
    pub cr_stride: u32,
    pub cb_stride: u32,
    pub width: u32,
    pub height: u32,
    pub origin_x: u32,
    pub origin_y: u32,
    pub color_format: i32,
    pub bit_depth: i32,
}

// Offsets as the C headers of 1.4.1 give them on 64-bit machines.
const _: () = {
    use std::mem::{offset_of, size_of};
    assert!(size_of::<BufferHeader>() == 136 && size_of::<Planes>() == 88);
    assert!(offset_of!(BufferHeader, buffer) == 8 && offset_of!(BufferHeader, pts) == 56);
    assert!(offset_of!(BufferHeader, pic_type) == 68 && offset_of!(BufferHeader, flags) == 96);
    assert!(offset_of!(BufferHeader, metadata) == 128);
    assert!(offset_of!(Planes, luma_stride) == 48 && offset_of!(Planes, bit_depth) == 80);
};

/// The calls of the library that we use, and its release.
pub(super) struct Library {
    pub version: String,
    pub init_handle:
        unsafe extern "C" fn(*mut *mut Component, *mut c_void, *mut Configuration) -> Code,
    pub parse_parameter:
        unsafe extern "C" fn(*mut Configuration, *const c_char, *const c_char) -> Code,
    pub set_parameter: unsafe extern "C" fn(*mut Component, *mut Configuration) -> Code,
    pub init: unsafe extern "C" fn(*mut Component) -> Code,
    pub send_picture: unsafe extern "C" fn(*mut Component, *mut BufferHeader) -> Code,
    pub get_packet: unsafe extern "C" fn(*mut Component, *mut *mut BufferHeader, u8) -> Code,
    pub release_out_buffer: unsafe extern "C" fn(*mut *mut BufferHeader),
    pub deinit: unsafe extern "C" fn(*mut Component) -> Code,
    pub deinit_handle: unsafe extern "C" fn(*mut Component) -> Code,
    /// Held while an encoder is made or taken apart: the library keeps a table of processors that
    /// every maker allocates and every taker-apart frees.
    pub setup: Mutex<()>,
}

/// The library, loaded at the first call.
pub(super) fn open() -> Result<&'static Library, SvtAv1Error> {
    static LIBRARY: OnceLock<Result<Library, SvtAv1Error>> = OnceLock::new();
    LIBRARY.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> Result<Library, SvtAv1Error> {
    let absent = |source: libloading::Error| SvtAv1Error::Absent {
        file: FILE,
        reason: source.to_string(),
    };
    // SAFETY: the library's initialisers do nothing that depends on us; it is never unloaded.
    let file =
        std::mem::ManuallyDrop::new(unsafe { libloading::Library::new(FILE) }.map_err(absent)?);
    macro_rules! call {
        ($name:literal) => {
            // SAFETY: the type of each field is that of the declaration in the library's header,
            // and the release is compared below before any call that takes a structure.
            *unsafe { file.get(concat!($name, "\0").as_bytes()) }.map_err(absent)?
        };
    }
    let get_version: unsafe extern "C" fn() -> *const c_char = call!("svt_av1_get_version");
    // SAFETY: the call takes nothing and returns a static string.
    let version = unsafe { CStr::from_ptr(get_version()) }
        .to_string_lossy()
        .into_owned();
    let is_known = version
        .strip_prefix(RELEASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    if !is_known {
        return Err(SvtAv1Error::UnknownRelease {
            version,
            known: RELEASE,
        });
    }
    Ok(Library {
        version,
        init_handle: call!("svt_av1_enc_init_handle"),
        parse_parameter: call!("svt_av1_enc_parse_parameter"),
        set_parameter: call!("svt_av1_enc_set_parameter"),
        init: call!("svt_av1_enc_init"),
        send_picture: call!("svt_av1_enc_send_picture"),
        get_packet: call!("svt_av1_enc_get_packet"),
        release_out_buffer: call!("svt_av1_enc_release_out_buffer"),
        deinit: call!("svt_av1_enc_deinit"),
        deinit_handle: call!("svt_av1_enc_deinit_handle"),
        setup: Mutex::new(()),
    })
}
