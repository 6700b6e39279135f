//! The frame that the encoder sees: the band, the picture and its padding, in one buffer.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::media::{
    band::{BandError, Font, Layout, Mark, Painter, Plane, PlaneMut, Planes, PlanesMut, fit},
    graph::fault,
    protocol::{Fault, MarkOrder, Side},
    source::PictureFormat,
};

use crate::recording::Finding;

/// Frames a second where the source does not say: encoders and containers want a number, and the
/// timestamps are carried as they are.
const FPS_UNKNOWN: (i32, i32) = (30, 1);

/// Makes marked frames out of decoded pictures.
pub struct Canvas {
    info: gst_video::VideoInfo,
    pool: gst_video::VideoBufferPool,
    painter: Painter,
}

impl Canvas {
    /// A canvas for pictures of this kind.
    ///
    /// # Errors
    /// When the font, the zone or the picture's size is of no use.
    pub fn new(picture: &gst_video::VideoInfo, order: &MarkOrder) -> Result<Self, Fault> {
        let refuse =
            |what: &str, e: &dyn std::fmt::Display| fault(Side::Encode, what, &e.to_string());
        let side = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let layout = Layout::new(side(picture.width()), side(picture.height()), order.mode)
            .map_err(|e| refuse("band", &e))?;
        let bytes = std::fs::read(&order.font)
            .map_err(|e| refuse(&order.font.display().to_string(), &e))?;
        let font =
            Font::from_bytes(bytes, side(order.font_index)).map_err(|e| refuse("band", &e))?;
        let zone = jiff::tz::TimeZone::get(&order.zone).map_err(|e| refuse("band", &e))?;
        let mark = Mark {
            device: order.device.clone(),
            officer: order.officer.clone(),
            officer_name: order.officer_name.clone(),
            id: order.id,
            start: order.start,
            zone,
        };
        let painter = Painter::new(&font, layout, mark, order.template.clone())
            .map_err(|e| refuse("band", &e))?;
        let info = canvas_info(picture, &layout).map_err(|e| refuse("appsrc", &e))?;
        let pool = gst_video::VideoBufferPool::new();
        let mut config = pool.config();
        let caps = info.to_caps().map_err(|e| refuse("appsrc", &e))?;
        config.set_params(
            Some(&caps),
            u32::try_from(info.size()).unwrap_or(u32::MAX),
            2,
            0,
        );
        pool.set_config(config).map_err(|e| refuse("pool", &e))?;
        pool.set_active(true).map_err(|e| refuse("pool", &e))?;
        Ok(Self {
            info,
            pool,
            painter,
        })
    }

    /// What the encoder is told of its frames.
    #[must_use]
    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// What had to be added to the picture, if anything.
    #[must_use]
    pub fn padded(&self) -> Option<Finding> {
        self.painter.layout().finding()
    }

    /// The picture on a fresh canvas, marked for its instant.
    ///
    /// # Errors
    /// When memory or planes are not what the caps said, which would be a defect.
    pub fn draw(&mut self, picture: &Planes<'_>, position_ms: i64) -> Result<gst::Buffer, Fault> {
        let refuse = |e: &dyn std::fmt::Display| fault(Side::Encode, "canvas", &e.to_string());
        let mut buffer = self.pool.acquire_buffer(None).map_err(|e| refuse(&e))?;
        {
            let target = buffer
                .get_mut()
                .ok_or_else(|| refuse(&"a buffer that is shared"))?;
            let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(target, &self.info)
                .map_err(|e| refuse(&e))?;
            let mut planes = planes_mut(&mut frame, picture.chroma_shift, picture.full_range)
                .map_err(|e| refuse(&e))?;
            let top = self.painter.layout().picture.y;
            fit(picture, top, &mut planes).map_err(|e| refuse(&e))?;
            self.painter
                .paint(position_ms, &mut planes)
                .map_err(|e| refuse(&e))?;
        }
        Ok(buffer)
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        let _ = self.pool.set_active(false);
    }
}

fn canvas_info(
    picture: &gst_video::VideoInfo,
    layout: &Layout,
) -> Result<gst_video::VideoInfo, gst::glib::BoolError> {
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let fps = if picture.fps().numer() > 0 {
        picture.fps()
    } else {
        gst::Fraction::new(FPS_UNKNOWN.0, FPS_UNKNOWN.1)
    };
    let colorimetry = picture.colorimetry();
    gst_video::VideoInfo::builder(picture.format(), side(layout.width), side(layout.height))
        .fps(fps)
        .par(picture.par())
        .colorimetry(&colorimetry)
        .chroma_site(picture.chroma_site())
        .build()
}

/// A decoded frame as planes.
///
/// # Errors
/// When its planes are shorter than its caps say.
pub fn planes<'a>(
    frame: &'a gst_video::VideoFrameRef<&gst::BufferRef>,
) -> Result<Planes<'a>, BandError> {
    let info = frame.info();
    let shift = PictureFormat::named(info.format().to_str())
        .unwrap_or(PictureFormat::I420)
        .chroma_shift();
    let plane = |i: u32| {
        let stride = frame
            .plane_stride()
            .get(i as usize)
            .and_then(|s| usize::try_from(*s).ok())
            .unwrap_or(0);
        let side = |n: u32| usize::try_from(n).unwrap_or(0);
        Plane::new(
            frame.plane_data(i).unwrap_or(&[]),
            stride,
            side(frame.comp_width(i)),
            side(frame.comp_height(i)),
        )
    };
    Ok(Planes {
        y: plane(0)?,
        u: plane(1)?,
        v: plane(2)?,
        chroma_shift: shift,
        full_range: is_full(info),
    })
}

/// Whether luma runs over the whole byte.
#[must_use]
pub fn is_full(info: &gst_video::VideoInfo) -> bool {
    info.colorimetry().range() == gst_video::VideoColorRange::Range0_255
}

fn planes_mut<'a>(
    frame: &'a mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    chroma_shift: (u8, u8),
    full_range: bool,
) -> Result<PlanesMut<'a>, BandError> {
    let size = |i: u32| {
        let side = |n: u32| usize::try_from(n).unwrap_or(0);
        (side(frame.comp_width(i)), side(frame.comp_height(i)))
    };
    let strides: [usize; 3] = std::array::from_fn(|i| {
        frame
            .plane_stride()
            .get(i)
            .and_then(|s| usize::try_from(*s).ok())
            .unwrap_or(0)
    });
    let sizes = [size(0), size(1), size(2)];
    let [y, u, v, _] = frame.planes_data_mut();
    let [y, u, v] = [(y, 0), (u, 1), (v, 2)].map(|(data, i): (&mut [u8], usize)| {
        PlaneMut::new(data, strides[i], sizes[i].0, sizes[i].1)
    });
    Ok(PlanesMut {
        y: y?,
        u: u?,
        v: v?,
        chroma_shift,
        full_range,
    })
}
