//! A street, drawn: sky, houses with windows, a road, cars and people that go along it, the sway
//! of a camera that is worn, and a sensor's noise. Enough for an encoder to work on, and never
//! two pictures alike; cheap enough that the encoder is what takes the time.

/// How far the camera sways to either side, in pixels.
const SWAY_PX: usize = 24;
/// Cars and people.
const WALKERS: u32 = 9;
/// Bytes of noise that are made once and laid over the picture row by row, each time elsewhere.
const NOISE_BYTES: usize = 16_384;

/// Numbers that look like chance and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to but not including `n`, which is not 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        u32::try_from(self.roll() % u64::from(n.max(1))).unwrap_or(0)
    }

    /// From 0 to 1.
    pub(super) fn share(&mut self) -> f32 {
        (self.roll() >> 40) as f32 / 16_777_216.0
    }
}

/// Luma and the two chroma values, in video range.
type Color = [u8; 3];

/// Three planes, chroma halved in both directions.
#[derive(Clone, Debug)]
struct Planes {
    width: usize,
    height: usize,
    planes: [Vec<u8>; 3],
}

/// A rectangle in pixels; it may lie outside of the picture.
#[derive(Clone, Copy, Debug)]
struct Area {
    x: i64,
    y: i64,
    w: i64,
    h: i64,
}

impl Planes {
    fn new(width: usize, height: usize) -> Self {
        let chroma = vec![128; width / 2 * (height / 2)];
        Self {
            width,
            height,
            planes: [vec![16; width * height], chroma.clone(), chroma],
        }
    }

    fn fill(&mut self, area: Area, color: Color) {
        for (p, (plane, value)) in self.planes.iter_mut().zip(color).enumerate() {
            let half = if p == 0 { 1 } else { 2 };
            let (width, height) = (self.width / half, self.height / half);
            let edge =
                |at: i64, end: usize| usize::try_from(at / half as i64).unwrap_or(0).min(end);
            let (left, right) = (edge(area.x, width), edge(area.x + area.w, width));
            let (top, bottom) = (edge(area.y, height), edge(area.y + area.h, height));
            if left < right {
                for y in top..bottom {
                    plane[y * width + left..y * width + right].fill(value);
                }
            }
        }
    }
}

/// Bytes from one row to the next, as GStreamer lays out I420.
const fn stride(width: usize) -> usize {
    width.next_multiple_of(4)
}

/// Somebody or something that goes along the road.
#[derive(Clone, Debug)]
struct Walker {
    area: Area,
    /// Pixels a second, to the left when negative.
    speed: i64,
    color: Color,
    car: bool,
}

/// A street of its own for each seed.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    width: usize,
    height: usize,
    fps: u32,
    street: Planes,
    walkers: Vec<Walker>,
    noise: Vec<u8>,
    seed: u64,
}

impl Scene {
    /// A street seen in pictures of that size, both sides even.
    pub(super) fn new(seed: u64, width: u32, height: u32, fps: u32) -> Self {
        let mut dice = Dice::new(seed);
        let (width, height) = (width as usize, height as usize);
        let street = street(&mut dice, width + 2 * SWAY_PX, height + SWAY_PX);
        let (w, h) = (width as i64, height as i64);
        let walkers = (0..WALKERS).map(|n| walker(&mut dice, n, w, h)).collect();
        let noise = (0..NOISE_BYTES).map(|_| (dice.roll() % 7) as u8).collect();
        Self {
            width,
            height,
            fps,
            street,
            walkers,
            noise,
            seed,
        }
    }

    /// Bytes of one picture.
    pub(super) fn bytes(&self) -> usize {
        stride(self.width) * self.height + 2 * (stride(self.width / 2) * (self.height / 2))
    }

    /// Draws picture `n` as I420 as GStreamer lays it out. `out` has [`Self::bytes`] bytes.
    pub(super) fn draw(&self, n: u64, out: &mut [u8]) {
        let time = n as f32 / self.fps as f32;
        let sway = |speed: f32, reach: usize| {
            let at = (time * speed + self.seed as u16 as f32).sin() * 0.5 + 0.5;
            // Even, so that chroma goes along.
            ((at * reach as f32) as usize).min(reach) & !1
        };
        let (dx, dy) = (sway(0.9, 2 * SWAY_PX), sway(2.1, SWAY_PX));
        let mut view = Planes::new(self.width, self.height);
        for (p, plane) in view.planes.iter_mut().enumerate() {
            let half = if p == 0 { 1 } else { 2 };
            let (width, wide) = (self.width / half, self.street.width / half);
            for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                let from = (y + dy / half) * wide + dx / half;
                row.copy_from_slice(&self.street.planes[p][from..from + width]);
            }
        }
        for walker in &self.walkers {
            walker.draw(n, self.fps, &mut view, dx as i64, dy as i64);
        }
        let mut dice = Dice::new(self.seed ^ n.wrapping_mul(0x2545_f491_4f6c_dd1d));
        for row in view.planes[0].chunks_exact_mut(self.width) {
            let from = dice.below((NOISE_BYTES - 4_096) as u32) as usize;
            for (pixel, grain) in row.iter_mut().zip(&self.noise[from..]) {
                *pixel = pixel.saturating_add(*grain).saturating_sub(3);
            }
        }
        let mut rows = out;
        for (p, plane) in view.planes.iter().enumerate() {
            let width = if p == 0 { self.width } else { self.width / 2 };
            for row in plane.chunks_exact(width) {
                let (to, after) = rows.split_at_mut(stride(width));
                to[..width].copy_from_slice(row);
                rows = after;
            }
        }
    }

    /// Draws a black picture: what a covered lens gives, at its darkest.
    pub(super) fn black(&self, out: &mut [u8]) {
        let (luma, chroma) = out.split_at_mut(stride(self.width) * self.height);
        luma.fill(16);
        chroma.fill(128);
    }
}

impl Walker {
    fn draw(&self, n: u64, fps: u32, view: &mut Planes, dx: i64, dy: i64) {
        // Past one edge they come back at the other.
        let road = view.width as i64 + 2 * self.area.w;
        let gone = i64::try_from(n).unwrap_or(0) * self.speed / i64::from(fps.max(1));
        let x = (self.area.x + gone).rem_euclid(road) - self.area.w - dx / 4;
        let body = Area {
            x,
            y: self.area.y - dy,
            ..self.area
        };
        view.fill(body, self.color);
        let (dark, skin) = ([30, 128, 128], [150, 112, 150]);
        let (w, h) = (body.w, body.h);
        if self.car {
            let part = |x, y, w, h| Area {
                x: body.x + x,
                y: body.y + y,
                w,
                h,
            };
            view.fill(part(w / 6, -h / 2, w * 2 / 3, h / 2), self.color);
            view.fill(
                part(w / 5, -h * 2 / 5, w * 3 / 5, h * 2 / 5),
                [170, 134, 122],
            );
            for wheel in [w / 8, w * 5 / 8] {
                view.fill(part(wheel, h * 4 / 5, w / 4, h / 3), dark);
            }
        } else {
            let head = Area {
                x: body.x + w / 4,
                y: body.y - w / 2,
                w: w / 2,
                h: w / 2,
            };
            view.fill(head, skin);
            // Legs, apart and together by turns.
            let step = i64::try_from(n / 4 % 4).unwrap_or(0) * w / 10;
            for leg in [w / 8 + step, w * 5 / 8 - step] {
                let leg = Area {
                    x: body.x + leg,
                    y: body.y + h,
                    w: w / 4,
                    h: h / 2,
                };
                view.fill(leg, dark);
            }
        }
    }
}

fn walker(dice: &mut Dice, n: u32, width: i64, height: i64) -> Walker {
    let car = n.is_multiple_of(3);
    let (w, h) = if car {
        (width / 6, height / 11)
    } else {
        (width / 28, height / 9)
    };
    let lane = i64::from(dice.below(100)) * height / 600;
    let pace = width / if car { 4 } else { 14 };
    let speed = pace + i64::from(dice.below(60)) * pace / 100;
    let color = [
        40 + dice.below(170) as u8,
        80 + dice.below(96) as u8,
        80 + dice.below(96) as u8,
    ];
    Walker {
        area: Area {
            x: i64::from(dice.below(4_096)) * width / 4_096,
            y: height * 13 / 20 + lane,
            w: w.max(4),
            h: h.max(4),
        },
        speed: if dice.below(2) == 0 { speed } else { -speed },
        color,
        car,
    }
}

/// What stands still: sky, houses, road.
fn street(dice: &mut Dice, width: usize, height: usize) -> Planes {
    let mut street = Planes::new(width, height);
    let (w, h) = (width as i64, height as i64);
    let line = |y, h| Area { x: 0, y, w, h };
    let horizon = h * 3 / 5;
    for y in (0..horizon).step_by(2) {
        let fall = (y * 60 / horizon.max(1)) as u8;
        street.fill(line(y, 2), [150 + fall, 150 - fall / 4, 112 + fall / 6]);
    }
    let mut x = 0;
    while x < w {
        let house = Area {
            x,
            y: h / 8 + i64::from(dice.below(100)) * h / 400,
            w: w / 10 + i64::from(dice.below(100)) * w / 900,
            h: horizon,
        };
        let wall = 60 + dice.below(90) as u8;
        let tint = [dice.below(24) as u8, dice.below(24) as u8];
        street.fill(house, [wall, 116 + tint[0], 118 + tint[1]]);
        let (step_x, step_y) = ((house.w / 5).max(4), (h / 14).max(4));
        for window_y in (house.y + step_y / 2..horizon - step_y).step_by(step_y as usize) {
            for window_x in (x + step_x / 2..x + house.w - step_x / 2).step_by(step_x as usize) {
                let lit = dice.below(3) == 0;
                let pane = if lit { [205, 104, 140] } else { [45, 134, 124] };
                let window = Area {
                    x: window_x,
                    y: window_y,
                    w: step_x / 2,
                    h: step_y / 2,
                };
                street.fill(window, pane);
            }
        }
        x += house.w + 2;
    }
    street.fill(line(horizon, h - horizon), [92, 128, 128]);
    street.fill(line(horizon, h / 18), [135, 126, 130]);
    for dash in 0..12 {
        let mark = Area {
            x: dash * w / 12,
            y: h * 4 / 5,
            w: w / 24,
            h: (h / 60).max(2),
        };
        street.fill(mark, [210, 124, 130]);
    }
    // Plaster, leaves and asphalt are not of one colour.
    for pixel in &mut street.planes[0] {
        *pixel = pixel
            .saturating_add((dice.roll() % 13) as u8)
            .saturating_sub(6);
    }
    street
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn picture(scene: &Scene, n: u64) -> Vec<u8> {
        let mut out = vec![0; scene.bytes()];
        scene.draw(n, &mut out);
        out
    }

    #[test]
    fn pictures_are_the_same_for_a_seed_and_differ_from_one_to_the_next() {
        for (width, height) in [(32, 32), (320, 240), (854, 480)] {
            let scene = Scene::new(5, width, height, 25);
            assert_eq!(
                picture(&scene, 7),
                picture(&Scene::new(5, width, height, 25), 7)
            );
            assert_ne!(
                picture(&scene, 7),
                picture(&Scene::new(6, width, height, 25), 7)
            );
            let pixels = f64::from(width * height);
            for n in [0, 1, 100, 80_000] {
                let (a, b) = (picture(&scene, n), picture(&scene, n + 1));
                let luma = a.iter().zip(&b).take(pixels as usize);
                let apart: f64 = luma.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
                assert!(apart / pixels > 1.0, "{width}×{height} at {n} stands still");
                let mean = a
                    .iter()
                    .take(pixels as usize)
                    .map(|v| f64::from(*v))
                    .sum::<f64>();
                assert!(
                    (70.0..190.0).contains(&(mean / pixels)),
                    "{}",
                    mean / pixels
                );
            }
        }
    }

    #[test]
    fn black_is_black_throughout() {
        let scene = Scene::new(1, 64, 64, 25);
        let mut out = vec![200; scene.bytes()];
        scene.black(&mut out);
        assert!(
            out.iter()
                .enumerate()
                .all(|(i, v)| *v == if i < 4_096 { 16 } else { 128 })
        );
    }
}
