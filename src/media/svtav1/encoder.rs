//! One encoder of the library: made from settings, fed with frames, asked for packets, and taken
//! apart when dropped.
//!
//! - A packet is one temporal unit and shows exactly one frame; it carries the number that the frame
//!   was sent with. Packets come in the order in which frames are shown.
//! - An encoder that is started has been sent a frame: the library never ends a stream without one.
//! - Dropping waits until the library has worked off what it was sent. After a fault it is left as
//!   it is, because the library may then wait for itself for ever.

use std::borrow::Cow;
use std::ffi::CString;
use std::ptr;
use std::sync::{MutexGuard, PoisonError};

use super::error::SvtAv1Error;
use super::library::{self, BufferHeader, Code, Component, Configuration, Library, Planes};
use super::settings::{Pair, joined};

/// How far a row may reach beyond the picture. The library copies whole rows, padding included,
/// into rows of its own that have at least this much room.
const ROW_SLACK_LUMA: usize = 64;
const ROW_SLACK_CHROMA: usize = 32;

/// One plane of a frame.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub data: &'a [u8],
    pub stride_bytes: usize,
    /// Bytes of a row that belong to the picture.
    pub row_bytes: usize,
    pub rows: usize,
}

/// A frame as the library takes it: luma, cb, cr.
pub(super) struct Frame<'a> {
    pub planes: [Plane<'a>; 3],
    pub bytes_per_sample: usize,
    /// Comes back with the packet that shows this frame.
    pub number: u32,
    pub wants_key: bool,
}

/// A temporal unit; the library's memory, given back on drop.
pub(super) struct Packet {
    library: &'static Library,
    header: *mut BufferHeader,
}

/// See the module.
pub(super) struct Encoder {
    library: &'static Library,
    component: *mut Component,
    has_sent_end: bool,
    has_ended: bool,
    is_faulty: bool,
}

// SAFETY: the library ties a handle to no thread; we never use one from two threads at once.
unsafe impl Send for Encoder {}

/// Asks the library whether it takes these settings, without starting anything. The free ones are
/// told apart, so that a refusal names the one at fault.
pub(super) fn check(base: &[Pair], free: &[Pair]) -> Result<(), SvtAv1Error> {
    let library = library::open()?;
    let all = [base, free].concat();
    match try_settings(library, &all) {
        Err(refused @ SvtAv1Error::Combination { .. }) => {
            // Add one after the other; the one with which it begins to fail is the culprit.
            try_settings(library, base)?;
            let culprit = (1..=free.len()).find(|&count| {
                let pairs = [base, free.get(..count).unwrap_or(free)].concat();
                try_settings(library, &pairs).is_err()
            });
            let culprit = culprit.and_then(|count| free.get(count.checked_sub(1)?));
            Err(
                culprit.map_or(refused, |(name, value)| SvtAv1Error::Parameter {
                    name: name.clone(),
                    value: value.clone(),
                }),
            )
        }
        other => other,
    }
}

fn try_settings(library: &'static Library, pairs: &[Pair]) -> Result<(), SvtAv1Error> {
    let setup = lock(library);
    let component = configured(library, pairs, &setup)?;
    // SAFETY: `component` was made just above and is not used again.
    unsafe { (library.deinit_handle)(component) };
    Ok(())
}

fn lock(library: &Library) -> MutexGuard<'_, ()> {
    // The table of processors is valid whatever panicked: it is only allocated and freed.
    library.setup.lock().unwrap_or_else(PoisonError::into_inner)
}

fn done(call: &'static str, code: Code) -> Result<(), SvtAv1Error> {
    match code {
        library::CODE_OK => Ok(()),
        code => Err(SvtAv1Error::Call {
            call,
            code: code.cast_unsigned(),
        }),
    }
}

/// A handle that has accepted the settings and has started nothing yet.
fn configured(
    library: &Library,
    pairs: &[Pair],
    _setup: &MutexGuard<'_, ()>,
) -> Result<*mut Component, SvtAv1Error> {
    let mut configuration = Box::new(Configuration([0; _]));
    let mut component = ptr::null_mut();
    // SAFETY: both pointers are to live memory of the types that the header names.
    let code =
        unsafe { (library.init_handle)(&mut component, ptr::null_mut(), &mut *configuration) };
    done("init_handle", code)?;
    let accepted = apply(library, &mut configuration, pairs).and_then(|()| {
        // SAFETY: handle and configuration were filled by the library just above.
        match unsafe { (library.set_parameter)(component, &mut *configuration) } {
            library::CODE_OK => Ok(()),
            _ => Err(SvtAv1Error::Combination {
                settings: joined(pairs),
            }),
        }
    });
    if let Err(refused) = accepted {
        // SAFETY: `component` was made above and is not used again.
        unsafe { (library.deinit_handle)(component) };
        return Err(refused);
    }
    Ok(component)
}

fn apply(
    library: &Library,
    configuration: &mut Configuration,
    pairs: &[Pair],
) -> Result<(), SvtAv1Error> {
    for (name, value) in pairs {
        let refused = || SvtAv1Error::Parameter {
            name: name.clone(),
            value: value.clone(),
        };
        let c_name = CString::new(name.as_str()).map_err(|_| refused())?;
        let c_value = CString::new(value.as_str()).map_err(|_| refused())?;
        // SAFETY: the configuration was filled by the library; both strings end in NUL.
        let code =
            unsafe { (library.parse_parameter)(configuration, c_name.as_ptr(), c_value.as_ptr()) };
        if code != library::CODE_OK {
            return Err(refused());
        }
    }
    Ok(())
}

impl Encoder {
    /// Starts the library's threads. The caller sends a frame next; see the module.
    pub(super) fn start(pairs: &[Pair]) -> Result<Self, SvtAv1Error> {
        let library = library::open()?;
        let setup = lock(library);
        let component = configured(library, pairs, &setup)?;
        // After a failure the handle is left as it is: half-started threads cannot be joined.
        // SAFETY: `component` is configured and not yet started.
        done("init", unsafe { (library.init)(component) })?;
        Ok(Self {
            library,
            component,
            has_sent_end: false,
            has_ended: false,
            is_faulty: false,
        })
    }

    /// Hands over one frame; the library has copied it when this returns. Blocks while the library
    /// has as many frames in work as it wants.
    pub(super) fn send(&mut self, frame: &Frame<'_>) -> Result<(), SvtAv1Error> {
        let [luma, cb, cr] = &frame.planes;
        let luma = Rows::of(luma, ROW_SLACK_LUMA);
        let cb = Rows::of(cb, ROW_SLACK_CHROMA);
        let cr = Rows::of(cr, ROW_SLACK_CHROMA);
        let samples = |rows: &Rows<'_>| {
            u32::try_from(rows.stride_bytes / frame.bytes_per_sample.max(1)).unwrap_or(u32::MAX)
        };
        // The library only reads through these pointers, whatever the header's types say.
        let mut planes = Planes {
            luma: luma.data.as_ptr().cast_mut(),
            cb: cb.data.as_ptr().cast_mut(),
            cr: cr.data.as_ptr().cast_mut(),
            luma_ext: ptr::null_mut(),
            cb_ext: ptr::null_mut(),
            cr_ext: ptr::null_mut(),
            luma_stride: samples(&luma),
            cr_stride: samples(&cr),
            cb_stride: samples(&cb),
            width: 0,
            height: 0,
            origin_x: 0,
            origin_y: 0,
            color_format: library::COLOR_FORMAT_420,
            bit_depth: if frame.bytes_per_sample > 1 { 10 } else { 8 },
        };
        let bytes = luma.data.len() + cb.data.len() + cr.data.len();
        let mut header = empty_header();
        header.buffer = ptr::from_mut(&mut planes).cast();
        header.filled_len = u32::try_from(bytes).unwrap_or(u32::MAX);
        header.pts = frame.number.into();
        if frame.wants_key {
            header.pic_type = library::PICTURE_KEY;
        }
        self.hand_over(&mut header)
    }

    /// Says that no frame follows. The packets still in work can be received afterwards.
    pub(super) fn send_end(&mut self) -> Result<(), SvtAv1Error> {
        if self.has_sent_end {
            return Ok(());
        }
        let mut header = empty_header();
        header.flags = library::FLAG_EOS;
        self.has_sent_end = true;
        self.hand_over(&mut header)
    }

    fn hand_over(&mut self, header: &mut BufferHeader) -> Result<(), SvtAv1Error> {
        // SAFETY: the handle is started; the header and what it points to outlive the call.
        let sent = done("send_picture", unsafe {
            (self.library.send_picture)(self.component, header)
        });
        self.is_faulty |= sent.is_err();
        sent
    }

    /// The next packet, if one is ready. Once the end was sent this waits, and `None` means that
    /// all frames have come out.
    pub(super) fn receive(&mut self) -> Result<Option<Packet>, SvtAv1Error> {
        while !self.has_ended {
            let mut header = ptr::null_mut();
            // SAFETY: the handle is started; the library writes a packet or leaves the null.
            let code = unsafe {
                (self.library.get_packet)(self.component, &mut header, self.has_sent_end.into())
            };
            if header.is_null() {
                if code == library::CODE_EMPTY_QUEUE {
                    return Ok(None);
                }
                self.is_faulty = true;
                return Err(SvtAv1Error::Call {
                    call: "get_packet",
                    code: code.cast_unsigned(),
                });
            }
            let packet = Packet {
                library: self.library,
                header,
            };
            if packet.flags() & library::FLAG_ERROR_MASK != 0 {
                self.is_faulty = true;
                return Err(SvtAv1Error::Call {
                    call: "get_packet",
                    code: packet.flags(),
                });
            }
            self.has_ended = packet.flags() & library::FLAG_EOS != 0;
            if !packet.data().is_empty() {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.send_end().is_ok() {
            while let Ok(Some(_)) = self.receive() {}
        }
        if self.is_faulty {
            return;
        }
        let _setup = lock(self.library);
        // SAFETY: started once, drained above, and not used after this.
        unsafe {
            (self.library.deinit)(self.component);
            (self.library.deinit_handle)(self.component);
        }
    }
}

impl Packet {
    fn flags(&self) -> u32 {
        // SAFETY: the library fills the header and leaves it to us until release.
        unsafe { (*self.header).flags }
    }

    /// The number of the frame that this packet shows.
    pub(super) fn number(&self) -> i64 {
        // SAFETY: as in `flags`.
        unsafe { (*self.header).pts }
    }

    /// Whether decoding can begin here.
    pub(super) fn is_key(&self) -> bool {
        // SAFETY: as in `flags`.
        unsafe { (*self.header).pic_type == library::PICTURE_KEY }
    }

    /// The temporal unit.
    pub(super) fn data(&self) -> &[u8] {
        // SAFETY: as in `flags`; the library says how many bytes of its buffer it has filled.
        unsafe {
            let header = &*self.header;
            if header.buffer.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(header.buffer, header.filled_len as usize)
        }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // SAFETY: each packet is released once, here.
        unsafe { (self.library.release_out_buffer)(&mut self.header) };
    }
}

/// A plane whose every row can be copied whole.
struct Rows<'a> {
    data: Cow<'a, [u8]>,
    stride_bytes: usize,
}

impl<'a> Rows<'a> {
    /// The plane as it is, or, where its rows reach too far, a tight copy.
    fn of(plane: &Plane<'a>, slack_bytes: usize) -> Self {
        let is_whole = plane
            .stride_bytes
            .checked_mul(plane.rows)
            .is_some_and(|bytes| bytes <= plane.data.len());
        if is_whole && plane.stride_bytes <= plane.row_bytes.saturating_add(slack_bytes) {
            return Self {
                data: Cow::Borrowed(plane.data),
                stride_bytes: plane.stride_bytes,
            };
        }
        let mut tight = vec![0; plane.row_bytes.saturating_mul(plane.rows)];
        let rows = plane.data.chunks(plane.stride_bytes.max(1));
        for (to, from) in tight.chunks_mut(plane.row_bytes.max(1)).zip(rows) {
            let bytes = to.len().min(from.len());
            to[..bytes].copy_from_slice(&from[..bytes]);
        }
        Self {
            data: Cow::Owned(tight),
            stride_bytes: plane.row_bytes,
        }
    }
}

fn empty_header() -> BufferHeader {
    BufferHeader {
        size: size_of::<BufferHeader>() as u32,
        buffer: ptr::null_mut(),
        filled_len: 0,
        alloc_len: 0,
        app_private: ptr::null_mut(),
        wrapper: ptr::null_mut(),
        tick_count: 0,
        dts: 0,
        pts: 0,
        qp: 0,
        pic_type: library::PICTURE_AUTO,
        luma_sse: 0,
        cr_sse: 0,
        cb_sse: 0,
        flags: 0,
        luma_ssim: 0.0,
        cr_ssim: 0.0,
        cb_ssim: 0.0,
        metadata: ptr::null_mut(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WIDTH: usize = 160;
    const HEIGHT: usize = 120;

    /// The same picture for every stride; what lies beyond it differs.
    fn plane(stride: usize, width: usize, height: usize, number: u32) -> Vec<u8> {
        let beyond = u8::try_from(stride % 251).unwrap();
        let pixel = |at: usize| {
            let (x, y) = (at % stride, at / stride);
            let value = (x * y / 7 + x * 3 + y * 5 + number as usize * 11) % 200;
            if x < width {
                u8::try_from(value).unwrap()
            } else {
                beyond
            }
        };
        (0..stride * height).map(pixel).collect()
    }

    fn encoded(padding: usize) -> Vec<Vec<u8>> {
        let settings = [
            ("width", WIDTH),
            ("height", HEIGHT),
            ("preset", 12),
            ("lp", 1),
        ];
        let settings = settings.map(|(name, value)| (name.to_string(), value.to_string()));
        let mut encoder = Encoder::start(&settings).unwrap();
        let mut units = Vec::new();
        for number in 0..12 {
            let size = |shift: u32| (WIDTH >> shift, HEIGHT >> shift, (WIDTH + padding) >> shift);
            let planes = [0, 1, 1].map(|shift| {
                let (width, height, stride) = size(shift);
                (plane(stride, width, height, number), stride, width, height)
            });
            let planes = planes
                .each_ref()
                .map(|(data, stride_bytes, row_bytes, rows)| Plane {
                    data,
                    stride_bytes: *stride_bytes,
                    row_bytes: *row_bytes,
                    rows: *rows,
                });
            let frame = Frame {
                planes,
                bytes_per_sample: 1,
                number,
                wants_key: false,
            };
            encoder.send(&frame).unwrap();
        }
        encoder.send_end().unwrap();
        while let Some(packet) = encoder.receive().unwrap() {
            units.push(packet.data().to_vec());
        }
        units
    }

    /// Proves that what lies beyond a row never reaches the picture, whether rows are handed over
    /// as they lie or copied first.
    #[test]
    fn padding_never_reaches_the_picture() {
        let tight = encoded(0);
        assert_eq!(tight.len(), 12);
        for padding in [2, 32, ROW_SLACK_LUMA, ROW_SLACK_LUMA + 2, 4_000] {
            assert!(encoded(padding) == tight, "{padding} bytes beyond the row");
        }
    }

    /// Proves that a plane which ends early is copied with zeros for what is missing, not read past.
    #[test]
    fn a_short_plane_is_not_read_past() {
        let plane = Plane {
            data: &[7; 25],
            stride_bytes: 10,
            row_bytes: 8,
            rows: 3,
        };
        let rows = Rows::of(&plane, ROW_SLACK_LUMA);
        assert_eq!(rows.stride_bytes, 8);
        assert_eq!(*rows.data, [[7; 21].as_slice(), &[0; 3]].concat());
    }
}
