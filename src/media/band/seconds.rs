//! The second, beside the block code: how many seconds after the recording's start, as forty
//! modules of which four change from one second to the next.
//!
//! A block code that holds the second changes as a whole every second, which cost more than the
//! letters do (2 kB each at archive quality). So the block code names recording and start and stays
//! the same from the first frame to the last, and the seconds since then run here: as a Gray code
//! of twenty bits, each four of them in an extended Hamming code `[8,4,4]`, whose generator has
//! four rows of weight four. One wrong module in each eight is corrected, two are noticed.
//!
//! All dark and all light are words of that code, so that seconds that were painted out would read
//! as a second. Hence two modules of each block are turned: a block of one shade is then two
//! modules away from every word, and refused.

/// Blocks of the code.
pub(super) const BLOCKS: usize = 5;
/// Modules of a block.
pub(super) const BLOCK_MODULES: usize = 8;
/// Modules in all.
pub(super) const MODULES: usize = BLOCKS * BLOCK_MODULES;
/// The last second that there is a code for, after twelve days; it stands for all later ones.
pub(super) const LAST: u32 = (1 << (4 * BLOCKS)) - 1;

/// Rows of the generator; the lowest bit is the first module.
const GENERATOR: [u8; 4] = [0b1110_0001, 0b1101_0010, 0b1011_0100, 0b0111_1000];

/// Modules of each block that are turned.
const TURNED: u8 = 0b0010_0100;

/// The modules of a block that carry four bits.
fn word(nibble: u32) -> u8 {
    let rows = GENERATOR.iter().enumerate();
    rows.filter(|(bit, _)| nibble >> bit & 1 == 1)
        .fold(TURNED, |word, (_, row)| word ^ row)
}

/// The modules that say `elapsed` seconds, light is true, block by block.
pub(super) fn modules(elapsed: u32) -> [bool; MODULES] {
    let elapsed = elapsed.min(LAST);
    let gray = elapsed ^ (elapsed >> 1);
    std::array::from_fn(|i| {
        let (block, module) = (i / BLOCK_MODULES, i % BLOCK_MODULES);
        word(gray >> (4 * block) & 0xf) >> module & 1 == 1
    })
}

/// The seconds that modules say, and how many of them had to be corrected; nothing when a block
/// has more than one wrong.
pub(super) fn decode(modules: &[bool; MODULES]) -> Option<(u32, usize)> {
    let (mut gray, mut corrected) = (0, 0);
    for (block, read) in modules.chunks_exact(BLOCK_MODULES).enumerate() {
        let read = read.iter().rev().fold(0, |w, m| w << 1 | u8::from(*m));
        let off = |nibble: &u32| (word(*nibble) ^ read).count_ones();
        let nearest = (0..16).min_by_key(off)?;
        if off(&nearest) > 1 {
            return None;
        }
        corrected += off(&nearest) as usize;
        gray |= nearest << (4 * block);
    }
    // Each bit of the number is the sum of the Gray bits from it upwards.
    let number = [16, 8, 4, 2, 1]
        .iter()
        .fold(gray, |n, shift| n ^ (n >> shift));
    Some((number, corrected))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn from_one_second_to_the_next_four_modules_of_one_block_change() {
        for elapsed in (0..5_000).chain(LAST - 5_000..LAST) {
            let (now, next) = (modules(elapsed), modules(elapsed + 1));
            let changed: Vec<_> = (0..MODULES).filter(|i| now[*i] != next[*i]).collect();
            assert_eq!(changed.len(), 4, "{elapsed}");
            let blocks = changed.iter().map(|i| i / BLOCK_MODULES);
            assert_eq!(blocks.clone().min(), blocks.max(), "{elapsed}");
        }
    }

    #[test]
    fn what_is_later_than_the_last_is_the_last() {
        assert_eq!(modules(LAST + 1), modules(LAST));
        assert_eq!(decode(&modules(u32::MAX)), Some((LAST, 0)));
    }

    #[test]
    fn a_block_of_one_shade_is_no_second() {
        for shade in [false, true] {
            for block in 0..BLOCKS {
                let mut read = modules(86_399);
                read[block * BLOCK_MODULES..][..BLOCK_MODULES].fill(shade);
                assert_eq!(decode(&read), None, "block {block} all {shade}");
            }
        }
    }

    proptest! {
        #[test]
        fn one_wrong_module_a_block_is_corrected_and_two_are_noticed(
            elapsed in 0..=LAST, wrong in proptest::array::uniform5(proptest::option::of(0..BLOCK_MODULES)),
            block in 0..BLOCKS, pair in 1..BLOCK_MODULES,
        ) {
            let mut read = modules(elapsed);
            for (block, module) in wrong.iter().enumerate() {
                if let Some(module) = module {
                    read[block * BLOCK_MODULES + module] ^= true;
                }
            }
            prop_assert_eq!(decode(&read), Some((elapsed, wrong.iter().flatten().count())));
            let first = wrong[block].unwrap_or(0);
            if wrong[block].is_none() {
                read[block * BLOCK_MODULES + first] ^= true;
            }
            read[block * BLOCK_MODULES + (first + pair) % BLOCK_MODULES] ^= true;
            prop_assert_eq!(decode(&read), None);
        }
    }
}
