//! Numbers that look random and depend on nothing but a name and a salt.

/// A number for a name and a salt: FNV-1a over the name, then the finaliser of `SplitMix64`.
pub(crate) fn mix(name: &str, salt: u64) -> u64 {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    state = state.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A number from 0 to 1 for a name and a salt.
pub(crate) fn unit(name: &str, salt: u64) -> f64 {
    (mix(name, salt) >> 11) as f64 / (1_u64 << 53) as f64
}
