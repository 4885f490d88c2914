//! Chart colours of all constructions and fee strategies. Each has the same colour in every chart.

/// Red, green and blue components of a colour.
pub(super) type Rgb = (u8, u8, u8);

/// Colours by name: first the names of [`crate::model::KINDS`], then those of [`crate::breach::Strategy`].
/// All are dark enough for lines on a white background.
const COLOURS: [(&str, Rgb); 24] = [
    ("bip68", (127, 127, 127)),
    ("tree", (31, 119, 180)),
    ("ln-static", (255, 111, 145)),
    ("ln-anchors", (214, 39, 40)),
    ("ln-zero-fee", (128, 0, 0)),
    ("literal-cat", (122, 154, 1)),
    ("literal-pc", (44, 160, 44)),
    ("sequence-ctv", (148, 103, 189)),
    ("sequence-th", (75, 0, 130)),
    ("sequence-apo", (199, 36, 177)),
    ("sequence-csfs", (227, 119, 194)),
    ("sequence-apo-only", (100, 60, 255)),
    ("symmetry-apo", (255, 127, 14)),
    ("symmetry-ctv", (196, 156, 0)),
    ("symmetry-ikey", (160, 82, 45)),
    ("symmetry-pc", (90, 60, 50)),
    ("symmetry-th", (23, 190, 207)),
    ("override-pc", (0, 95, 115)),
    ("override-th", (0, 0, 117)),
    ("fixed fee", (64, 64, 64)),
    ("linear ramp", (0, 158, 115)),
    ("exponential ramp", (230, 70, 0)),
    ("deadline, scorched", (0, 114, 240)),
    ("follows the market", (150, 0, 60)),
];

/// Returns the colour of a construction or strategy, or `None` if the name is unknown.
pub(super) fn colour(key: &str) -> Option<Rgb> {
    COLOURS.iter().find(|(name, _)| *name == key).map(|(_, colour)| *colour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breach::Strategy;
    use crate::model::KINDS;

    #[test]
    fn every_construction_and_strategy_has_a_colour_of_its_own() {
        let kinds = KINDS.iter().map(|(name, _)| *name);
        let strategies = Strategy::KNOWN.iter().map(|strategy| strategy.name());
        let keys: Vec<&str> = kinds.chain(strategies).collect();
        assert_eq!(keys, COLOURS.map(|(name, _)| name));
        for (nth, (name, colour)) in COLOURS.iter().enumerate() {
            let (red, green, blue) = *colour;
            assert!(u32::from(red) + u32::from(green) + u32::from(blue) < 560, "{name} is too light");
            for (other, (r, g, b)) in &COLOURS[..nth] {
                let apart = red.abs_diff(*r).max(green.abs_diff(*g)).max(blue.abs_diff(*b));
                assert!(apart >= 24, "{name} looks like {other}");
            }
        }
    }
}
